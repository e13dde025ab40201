"""Embeddings of training texts, kept in a folder: the encoder is by far the slowest part of training."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from monitor.scoring.embed import Embedder, Matrix, default_embedder

PIECE = 1024
"""Texts of one file in the folder: what a run that was stopped may lose."""


class Vectors:
    """Sentence embeddings by text; those that the folder does not have are computed and kept there."""

    def __init__(self, cache: Path, *, embedder: Embedder | None = None) -> None:
        """Read what `cache` has for this embedder; the folder is made where it is not there."""
        self._embedder = embedder or default_embedder()
        self._folder = cache / hashlib.sha256(self._embedder.identity.encode()).hexdigest()[:16]
        self._folder.mkdir(parents=True, exist_ok=True)
        self._row: dict[bytes, Matrix] = {}
        for path in sorted(self._folder.glob("*.npz")):
            with np.load(path) as kept:
                self._row.update(zip(map(bytes, kept["keys"]), kept["vectors"], strict=True))

    @property
    def identity(self) -> str:
        """The embedder's identity."""
        return self._embedder.identity

    def add(self, texts: Iterable[str]) -> None:
        """Make the vectors of these texts known."""
        new = [text for text in dict.fromkeys(texts) if _key(text) not in self._row]
        for start in range(0, len(new), PIECE):
            piece = new[start : start + PIECE]
            vectors = self._embedder.embed(piece)
            self._keep(piece, vectors)
            self._row.update(zip(map(_key, piece), vectors, strict=True))

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Give a float32 matrix of shape (len(texts), width); KeyError for a text that was not added."""
        return np.stack([self._row[_key(text)] for text in texts])

    def _keep(self, piece: list[str], vectors: Matrix) -> None:
        path = self._folder / f"{hashlib.sha256(json.dumps(piece).encode()).hexdigest()}.npz"
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.savez(file, keys=np.array([list(_key(text)) for text in piece], dtype=np.uint8), vectors=vectors)
        part.replace(path)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
