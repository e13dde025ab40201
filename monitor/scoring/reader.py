"""Embeddings that the heads share: each text is embedded once, however many heads read it."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from monitor.scoring.embed import Embedder, Matrix, default_embedder

KEPT = 4096
"""Texts whose embeddings are kept, 7 KB each. Bounds memory; what falls out is embedded again."""


class Reader:
    """An embedder with a memory of the texts it has seen last. One a process; not thread-safe."""

    def __init__(self, embedder: Embedder, *, kept: int = KEPT) -> None:
        """Take the embedder and how many texts to keep."""
        self._embedder, self._kept = embedder, kept
        self._seen: OrderedDict[str, tuple[Matrix, Matrix]] = OrderedDict()

    @property
    def identity(self) -> str:
        """The embedder's identity."""
        return self._embedder.identity

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self._embedder.width

    def prefetch(self, texts: Iterable[str]) -> None:
        """Embed what is not known yet, together: that is several times faster than one by one."""
        self._learn([text for text in dict.fromkeys(texts) if text not in self._seen])

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Give a float32 matrix of shape (len(texts), width)."""
        return np.stack([vector for vector, _ in self._of(texts)]) if texts else np.empty((0, self.width), np.float32)

    def read(self, texts: Sequence[str]) -> tuple[Matrix, Matrix]:
        """Give vectors and cues (`Embedder.read`) of at least one text."""
        found = self._of(texts)
        return np.stack([vector for vector, _ in found]), np.stack([cues for _, cues in found])

    def _of(self, texts: Sequence[str]) -> list[tuple[Matrix, Matrix]]:
        found = {text: self._seen[text] for text in texts if text in self._seen}
        for text in found:
            # What is asked for often, such as a stock sentence, stays.
            self._seen.move_to_end(text)
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        found |= self._learn(missing)
        return [found[text] for text in texts]

    def _learn(self, new: list[str]) -> dict[str, tuple[Matrix, Matrix]]:
        if not new:
            return {}
        found = {text: (vector, cues) for text, vector, cues in zip(new, *self._embedder.read(new), strict=True)}
        self._seen |= found
        while len(self._seen) > self._kept:
            self._seen.popitem(last=False)
        return found


@lru_cache(maxsize=1)
def default_reader() -> Reader:
    """Give this process's reader, made on first use."""
    return Reader(default_embedder())
