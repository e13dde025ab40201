"""One response: held back until it is known to be good or too large to hold, then sent in chunks.

A failure before the first byte is sent has its own status; one after it is written into the body between
`__exception__` marks, as ClickHouse does, and the connection is broken so that nobody takes it for the end.
"""

from __future__ import annotations

import json
import secrets
import socket
import tempfile
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import IO
from urllib.parse import quote

from monitor.store.embedded.bodies import PIECE, Encoder, encoder
from monitor.store.embedded.engine import Stats
from monitor.store.embedded.errors import ClickHouseError

HOLD_BYTES = 1 << 20
"""Results up to this size are sent whole, with their length."""


class Reply:
    """The response to one request. `write` pieces, then `finish` or `fail`; never both."""

    def __init__(
        self,
        sock: socket.socket,
        *,
        head_only: bool,
        http10: bool,
        keep_alive_s: int | None,
        headers: Mapping[str, str],
        folder: Path,
    ) -> None:
        self._sock = sock
        self._head_only = head_only
        self._http10 = http10
        self._keep_alive_s = keep_alive_s
        self.headers = dict(headers)
        self.stats = Stats()
        self.status = 0
        self.sent_bytes = 0
        self.broken = False
        """The connection cannot be used for another request."""
        self._folder = folder
        self._encoder: Encoder | None = None
        self._encoding: str | None = None
        self._whole = False
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._spool: IO[bytes] | None = None
        self._tag = ""

    @property
    def started(self) -> bool:
        """Whether the status line is out."""
        return self.status != 0

    def encode_as(self, encoding: str | None, level: int) -> None:
        """Compress the body. Only before the first `write`."""
        self._encoding = encoding
        self._encoder = encoder(encoding, level) if encoding else None

    def hold_whole(self) -> None:
        """Send nothing before `finish` (wait_end_of_query=1): large results wait on disk."""
        self._whole = True

    def write(self, data: bytes) -> None:
        """Add a piece of the body. Blocks when the client reads slowly. Raises OSError when it is gone."""
        if data:
            self._emit(self._encoder.feed(data) if self._encoder else data)

    def _emit(self, data: bytes) -> None:
        if not data:
            return
        if self.started:
            self._chunk(data)
            return
        self._held_bytes += len(data)
        if self._spool is not None:
            self._spool.write(data)
            return
        self._held.append(data)
        if self._held_bytes <= HOLD_BYTES:
            return
        if self._whole:
            self._spool = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed in _discard
            self._spool.writelines(self._held)
        else:
            self._tag = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(16))
            self._start(200, {"X-ClickHouse-Exception-Tag": self._tag})
            for held in self._held:
                self._chunk(held)
        self._held.clear()

    def finish(self) -> None:
        """Send what is left. The response is complete."""
        if self._encoder is not None and (self.started or self._held_bytes or self._encoding):
            self._emit(self._encoder.finish())
        if self.started:
            if not self._head_only and not self._http10:
                self._send(b"0\r\n\r\n")
            return
        self._start(200, {"Content-Length": str(self._held_bytes)})
        if not self._head_only:
            if self._spool is not None:
                self._spool.seek(0)
                while piece := self._spool.read(PIECE):
                    self._send(piece)
            elif self._held:
                self._send(b"".join(self._held))
        self._discard()

    def fail(self, error: ClickHouseError, version: str) -> None:
        """Tell the client what went wrong, in place of the result or behind the part that is sent."""
        text = error.text(version)
        if not self.started:
            self._discard()
            self._encoding = None
            self.headers.pop("X-ClickHouse-Format", None)
            self.headers["Content-Type"] = "text/plain; charset=UTF-8"
            body = (text + "\n").encode("utf-8", "replace")
            extra = {"X-ClickHouse-Exception-Code": str(error.code), "Content-Length": str(len(body))}
            if error.status == HTTPStatus.UNAUTHORIZED:
                extra["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
            self._start(error.status, extra)
            if not self._head_only:
                self._send(body)
            return
        self.broken = True
        message = (text + "\n").encode("utf-8", "replace")
        tag = self._tag.encode()
        mark = b"\r\n__exception__\r\n%b\r\n%b%d %b\r\n__exception__\r\n" % (tag, message, len(message), tag)
        if self._encoder is not None:
            self._emit(self._encoder.feed(mark) + self._encoder.finish())
        else:
            self._emit(mark)

    def _start(self, status: int, extra: Mapping[str, str]) -> None:
        self.status = status
        chunked = "Content-Length" not in extra
        if self._http10 and chunked:
            self.broken = True
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        summary = {
            "read_rows": self.stats.read_rows,
            "read_bytes": self.stats.read_bytes,
            "written_rows": self.stats.written_rows,
            "written_bytes": self.stats.written_bytes,
            "total_rows_to_read": 0,
            "result_rows": self.stats.result_rows,
            "result_bytes": self.stats.result_bytes,
            "elapsed_ns": self.stats.elapsed_ns,
        }
        headers = self.headers | dict(extra)
        headers["X-ClickHouse-Summary"] = json.dumps(
            {key: str(value) for key, value in summary.items()}, separators=(",", ":")
        )
        if self._encoding:
            headers["Content-Encoding"] = self._encoding
        if chunked and not self._http10:
            headers["Transfer-Encoding"] = "chunked"
        if self._keep_alive_s is None or self.broken:
            headers["Connection"] = "Close"
        else:
            headers["Connection"] = "Keep-Alive"
            headers["Keep-Alive"] = f"timeout={self._keep_alive_s}"
        lines += [f"{name}: {_header(value)}" for name, value in headers.items()]
        self._sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"))

    def _chunk(self, data: bytes) -> None:
        if self._head_only:
            return
        if self._http10:
            self._send(data)
        elif len(data) < 1 << 16:
            self._send(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            self._send(b"%x\r\n" % len(data))
            self._send(data)
            self._send(b"\r\n")

    def _send(self, data: bytes) -> None:
        self._sock.sendall(data)
        self.sent_bytes += len(data)

    def _discard(self) -> None:
        self._held.clear()
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def close(self) -> None:
        """Free what the response held, sent or not."""
        self._discard()


def _header(value: str) -> str:
    """Keep a value from the client inside its header line."""
    return value if value.isascii() and value.isprintable() else quote(value, safe=" /:,;=")
