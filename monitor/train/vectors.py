"""Embeddings of training texts, kept in a folder: the encoder is by far the slowest part of training."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from monitor.scoring.embed import Embedder, Matrix, default_embedder

PIECE = 2048
"""Texts of one file in the folder: what a run that was stopped may lose."""

Half = npt.NDArray[np.float16]


class Vectors:
    """Vectors and cues of texts by row number; what the folder does not hold is computed and kept there."""

    def __init__(self, cache: Path, texts: Sequence[str], *, embedder: Embedder | None = None) -> None:
        """Read or compute all; `vectors` is (texts, width) and `cues` (texts, cues), in the order of `texts`."""
        cache.mkdir(parents=True, exist_ok=True)
        self._cache, self._embedder = cache, embedder or default_embedder()
        every = list(dict.fromkeys(texts))
        self.row = {text: number for number, text in enumerate(every)}
        pieces = [self._piece(every[start : start + PIECE]) for start in range(0, len(every), PIECE)]
        self.vectors: Half = np.concatenate([vectors for vectors, _ in pieces])
        self.cues: Half = np.concatenate([cues for _, cues in pieces])

    def rows(self, texts: Sequence[str]) -> Matrix:
        """Give the vectors of some of the texts, float32."""
        return self.vectors[[self.row[text] for text in texts]].astype(np.float32)

    def _piece(self, texts: list[str]) -> tuple[Half, Half]:
        key = hashlib.sha256(json.dumps([self._embedder.identity, texts]).encode()).hexdigest()
        path = self._cache / f"{key}.npz"
        if not path.is_file():
            vectors, cues = self._embedder.read(texts)
            part = path.with_suffix(".part.npz")
            np.savez(part, vectors=vectors.astype(np.float16), cues=cues.astype(np.float16))
            part.replace(path)
        with np.load(path) as kept:
            return kept["vectors"], kept["cues"]
