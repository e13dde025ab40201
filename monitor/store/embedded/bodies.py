"""Request bodies and results in the encodings of HTTP, a bounded piece at a time."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Protocol

import lz4.frame
import zstandard

from monitor.store.embedded.errors import ClickHouseError

PIECE = 1 << 20
"""Bytes read, decoded or handed to the engine at once: larger pieces were slower, since nothing overlaps."""


class Reader(Protocol):
    """A source of bytes: `read` gives at most `size` bytes, and none at the end."""

    def read(self, size: int, /) -> bytes:
        """Give up to `size` bytes; empty at the end. May block on the client."""
        ...


class _ZlibDecoder:
    """zlib's own object in the shape of lzma, bz2 and lz4 decoders."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=47)
        self._held = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._inner.decompress(self._held + data, max_length)
        self._held = self._inner.unconsumed_tail
        return out

    @property
    def needs_input(self) -> bool:
        return not self._held and not self._inner.eof

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


class _ZstdDecoder:
    """zstd in the same shape. It takes no limit for its output, so it is fed a little at a time."""

    _STEP = 4096

    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor().decompressobj()
        self._held = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        self._held += data
        at = size = 0
        out: list[bytes] = []
        while at < len(self._held) and size < max_length and not self._inner.eof:
            out.append(self._inner.decompress(self._held[at : at + self._STEP]))
            size += len(out[-1])
            at += self._STEP
        self._held = self._held[at:]
        return b"".join(out)

    @property
    def needs_input(self) -> bool:
        return not self._held and not self._inner.eof

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data + self._held


_Decoder = Any  # lz4, lzma and bz2 share it: decompress(data, max_length), needs_input, eof, unused_data
_DECODERS: dict[str, tuple[Callable[[], _Decoder], int, str]] = {
    "lz4": (lz4.frame.LZ4FrameDecompressor, 618, "LZ4_DECODER_FAILED"),
    "zstd": (_ZstdDecoder, 561, "ZSTD_DECODER_FAILED"),
    "gzip": (_ZlibDecoder, 354, "ZLIB_INFLATE_FAILED"),
    "x-gzip": (_ZlibDecoder, 354, "ZLIB_INFLATE_FAILED"),
    "deflate": (_ZlibDecoder, 354, "ZLIB_INFLATE_FAILED"),
    "xz": (lzma.LZMADecompressor, 554, "LZMA_STREAM_DECODER_FAILED"),
    "bz2": (bz2.BZ2Decompressor, 271, "CANNOT_DECOMPRESS"),
}


class FramesReader:
    """Decode a body of one or more compressed frames, one behind the other."""

    def __init__(self, source: Reader, make: Callable[[], _Decoder], code: int, name: str) -> None:
        self._source = source
        self._make = make
        self._error = (code, name)
        self._decoder: _Decoder | None = None
        self._pending = b""

    def read(self, size: int, /) -> bytes:
        """Give up to `size` decoded bytes.

        Raises:
            ClickHouseError: the body is damaged or ends inside a frame.
        """
        while True:
            if self._decoder is not None and self._decoder.eof:
                self._pending = self._decoder.unused_data or b""
                self._decoder = None
            if self._decoder is None or self._decoder.needs_input:
                data = self._pending or self._source.read(PIECE)
                self._pending = b""
                if not data:
                    if self._decoder is not None:
                        code, name = self._error
                        raise ClickHouseError(code, name, "The compressed request body ends inside a frame")
                    return b""
                self._decoder = self._decoder or self._make()
            else:
                data = b""
            try:
                out: bytes = self._decoder.decompress(data, size)
            except (
                RuntimeError,
                zlib.error,
                lzma.LZMAError,
                zstandard.ZstdError,
                OSError,
                ValueError,
            ) as error:
                code, name = self._error
                raise ClickHouseError(code, name, f"The compressed request body is damaged: {error}") from error
            if out:
                return out


def decoded(source: Reader, encoding: str) -> Reader:
    """Wrap a request body so that reading gives what the client encoded.

    Raises:
        ClickHouseError: 48 for an encoding that is not spoken here, `br` among them.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity", "none"):
        return source
    if (known := _DECODERS.get(encoding)) is not None:
        return FramesReader(source, *known)
    raise ClickHouseError(
        48,
        "NOT_IMPLEMENTED",
        f"Unknown compression method '{encoding}' in Content-Encoding: the embedded server reads lz4, zstd, "
        "gzip, deflate, xz and bz2",
    )


class Encoder(Protocol):
    """Compresses one result: `feed` its pieces, then `finish`."""

    def feed(self, data: bytes, /) -> bytes:
        """Compress a piece; what comes out may be empty."""
        ...

    def finish(self) -> bytes:
        """Close the frame, so that all that was fed can be decoded."""
        ...


class _Lz4Encoder:
    def __init__(self) -> None:
        self._inner = lz4.frame.LZ4FrameCompressor()
        self._begun = False

    def feed(self, data: bytes, /) -> bytes:
        begin = b"" if self._begun else self._inner.begin()
        self._begun = True
        return bytes(begin) + bytes(self._inner.compress(data))

    def finish(self) -> bytes:
        begin = b"" if self._begun else self._inner.begin()
        return bytes(begin) + bytes(self._inner.flush())


class _ZlibEncoder:
    def __init__(self, wbits: int, level: int) -> None:
        self._inner = zlib.compressobj(level=level, wbits=wbits)

    def feed(self, data: bytes, /) -> bytes:
        return self._inner.compress(data)

    def finish(self) -> bytes:
        return self._inner.flush()


class _ZstdEncoder:
    def __init__(self) -> None:
        self._inner = zstandard.ZstdCompressor(level=1).compressobj()

    def feed(self, data: bytes, /) -> bytes:
        return self._inner.compress(data)

    def finish(self) -> bytes:
        return self._inner.flush()


def negotiate(accept: str) -> str | None:
    """Choose the result's encoding from Accept-Encoding, the cheapest first; None for none that is spoken."""
    offered = {
        part.split(";")[0].strip().lower()
        for part in accept.split(",")
        if "q=0" not in part.replace(" ", "").split(";")[1:]
    }
    return next((name for name in ("lz4", "zstd", "gzip", "deflate") if name in offered), None)


def encoder(encoding: str, level: int = 3) -> Encoder:
    """Make the encoder for a name that `negotiate` gave; `level` is for gzip and deflate."""
    if encoding == "lz4":
        return _Lz4Encoder()
    if encoding == "zstd":
        return _ZstdEncoder()
    return _ZlibEncoder(31 if encoding == "gzip" else 15, min(max(level, 1), 9))
