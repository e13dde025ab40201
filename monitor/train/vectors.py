"""Embeddings of training texts, kept in a folder that all heads share: the encoder is the slowest part of training."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from monitor.scoring.embed import Embedder, Matrix, default_embedder

PIECE = 2048
"""Texts of one file in the folder: what a run that was stopped may lose."""

Half = npt.NDArray[np.float16]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Vectors and cues of texts by row number, in half the memory."""

    row: dict[str, int]
    vectors: Half
    """Shape (texts, width)."""
    cues: Half
    """Shape (texts, cues)."""


class Vectors:
    """Embeddings by text; those that the folder does not have are computed and kept there."""

    def __init__(self, cache: Path, *, cues: bool = False, embedder: Embedder | None = None) -> None:
        """Look what `cache` has for this embedder, with cues or without; the folder is made where it is not there."""
        self._embedder = embedder or default_embedder()
        name = hashlib.sha256(self._embedder.identity.encode()).hexdigest()[:16]
        self._folder = cache / (f"{name}-cues" if cues else name)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._names = ("vectors", "cues") if cues else ("vectors",)
        self._kept: dict[bytes, tuple[Path, int]] = {}
        for path in sorted(self._folder.glob("*.npz")):
            with np.load(path) as piece:
                self._kept.update({bytes(one): (path, n) for n, one in enumerate(piece["keys"])})
        self._known: dict[str, tuple[npt.NDArray[np.floating], ...]] = {}

    @property
    def identity(self) -> str:
        """The embedder's identity."""
        return self._embedder.identity

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self._embedder.width

    def learn(self, texts: Iterable[str]) -> None:
        """Read or compute what belongs to these texts."""
        new = {text: _key(text) for text in dict.fromkeys(texts) if text not in self._known}
        unseen = [text for text, key in new.items() if key not in self._kept]
        for start in range(0, len(unseen), PIECE):
            self._compute(unseen[start : start + PIECE])
        by_file: dict[Path, list[tuple[str, int]]] = {}
        for text, key in new.items():
            path, row = self._kept[key]
            by_file.setdefault(path, []).append((text, row))
        for path, rows in by_file.items():
            with np.load(path) as piece:
                arrays = [piece[name][[row for _, row in rows]] for name in self._names]
            self._known |= {text: parts for (text, _), *parts in zip(rows, *arrays, strict=True)}

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Give a float32 matrix of shape (len(texts), width)."""
        self.learn(texts)
        return np.stack([self._known[one][0] for one in texts]) if texts else np.empty((0, self.width), np.float32)

    def table(self, texts: Iterable[str]) -> Table:
        """Give vectors and cues of at least one text, each text once."""
        every = list(dict.fromkeys(texts))
        self.learn(every)
        return Table(
            row={text: number for number, text in enumerate(every)},
            vectors=np.stack([self._known[one][0] for one in every], dtype=np.float16, casting="same_kind"),
            cues=np.stack([self._known[one][1] for one in every], dtype=np.float16, casting="same_kind"),
        )

    def _compute(self, texts: list[str]) -> None:
        vectors, cues = self._embedder.read(texts)
        path = self._folder / f"{hashlib.sha256(json.dumps(texts).encode()).hexdigest()}.npz"
        part = path.with_suffix(".part")
        every = [_key(text) for text in texts]
        keys = np.array([list(one) for one in every], np.uint8)
        with part.open("wb") as file:
            if "cues" in self._names:
                np.savez(file, keys=keys, vectors=vectors, cues=cues.astype(np.float16))
            else:
                np.savez(file, keys=keys, vectors=vectors)
        part.replace(path)
        self._kept |= {one: (path, n) for n, one in enumerate(every)}


def _key(text: str) -> bytes:
    # A lone surrogate has no UTF-8 of its own.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
