"""Embeds the training texts once, in blocks that are kept on disk, and turns examples into matrices."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monitor.scoring.classifiers.sycophancy_features import Bank, texts_of, vector
from monitor.scoring.classifiers.weights import ARRAY
from monitor.scoring.embed import Embedder, Matrix, default_embedder
from monitor.train.syco_data import Example

BLOCK = 2048
"""Texts of one file of the cache: a run that is stopped loses one block."""


class Remembered:
    """An `Embedder` over texts that are embedded already; others go to the encoder behind it."""

    def __init__(self, cache: Path) -> None:
        """Keep blocks in the folder `cache`, which is made where it is not there."""
        cache.mkdir(parents=True, exist_ok=True)
        self._cache = cache
        self._encoder: Embedder = default_embedder()
        self._known: dict[str, Matrix] = {}

    @property
    def identity(self) -> str:
        """The encoder's identity."""
        return self._encoder.identity

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self._encoder.width

    def learn(self, texts: Sequence[str]) -> None:
        """Read or compute the embeddings of some texts, a block at a time."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        for start in range(0, len(new), BLOCK):
            block = new[start : start + BLOCK]
            name = hashlib.sha256("\0".join((self.identity, *block)).encode("utf-8", "replace")).hexdigest()
            path = self._cache / f"{name}.npz"
            if path.exists():
                with np.load(path) as kept:
                    rows = kept["rows"]
            else:
                rows = self._encoder.embed(block)
                partial = path.with_suffix(".part.npz")
                np.savez(partial, rows=rows)
                partial.replace(path)
            self._known.update(zip(block, rows, strict=True))

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed; see `Embedder.embed`."""
        missing = [text for text in texts if text not in self._known]
        if missing:
            self.learn(missing)
        if not texts:
            return np.empty((0, self.width), dtype=np.float32)
        return np.stack([self._known[text] for text in texts])


def remembered(sources: Sequence[Sequence[Example]], cache: Path) -> Remembered:
    """Give an embedder that knows every sentence of the examples; each source has its own blocks."""
    known = Remembered(cache)
    for one in sources:
        known.learn(texts_of([e.interaction for e in one]))
    return known


def matrix(examples: Sequence[Example], through: Remembered, bank: Bank) -> ARRAY:
    """Give a float32 matrix with a row an example, as the head computes it."""
    return np.stack([vector(e.interaction, through, bank) for e in examples])
