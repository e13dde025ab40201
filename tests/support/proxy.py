"""Faults on the wire: a TCP proxy that hangs, refuses and dawdles, and an HTTP proxy that knows ClickHouse's inserts.

Both listen on a free loopback port, stand in front of a real server, and serve each connection in threads.
"""

import re
import socket
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, parse_headers
from io import BufferedReader
from typing import Literal, Self
from urllib.parse import parse_qs, urlsplit

import lz4.frame

HOST = "127.0.0.1"
PIECE = 1 << 16
TICK_S = 0.02
HEAD_BYTES = 1 << 16
"""So much of a body is unpacked to see what it is."""
MAX_LINE_BYTES = 1 << 20

Mode = Literal["pass", "hang", "refuse"]


class _Proxy:
    """Listens and hands each connection to `_serve`, which subclasses define."""

    def __init__(self, upstream_port: int) -> None:
        """Stand in front of a server on this machine; nothing listens before the context is entered."""
        self.upstream_port = upstream_port
        self.port = 0
        self.connections = 0
        """How many were accepted so far."""
        self._mode: Mode = "pass"
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None

    def __enter__(self) -> Self:
        """Listen on a free port."""
        self._listen()
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        """Close everything and wait for the threads."""
        self._closed.set()
        self._unlisten()
        self.cut()
        for thread in self._threads:
            thread.join(10)

    @property
    def mode(self) -> Mode:
        """`pass`: all bytes go through. `hang`: they wait here until the mode changes. `refuse`: nobody listens."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        before, self._mode = self._mode, mode
        if mode == "refuse" and before != "refuse":
            self._unlisten()
            self.cut()
        elif mode != "refuse" and before == "refuse":
            self._listen()

    def cut(self) -> None:
        """Reset every open connection."""
        with self._lock:
            cut, self._open = self._open, set()
        for connection in cut:
            reset(connection)

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, self.port))
        listener.listen(128)
        listener.settimeout(TICK_S)
        self.port = listener.getsockname()[1]
        self._listener = listener

    def _unlisten(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            listener = self._listener
            if listener is None:
                time.sleep(TICK_S)
                continue
            try:
                connection, _ = listener.accept()
            except OSError:
                # Nobody came, or the listener was closed to refuse.
                continue
            connection.settimeout(None)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._keep(connection)
            if self._mode == "refuse":
                self._drop(connection)
            else:
                self._start(lambda one=connection: self._serve(one))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        raise NotImplementedError

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()]
        self._threads.append(thread)
        thread.start()

    def _keep(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)

    def _drop(self, connection: socket.socket) -> None:
        with self._lock:
            mine = connection in self._open
            self._open.discard(connection)
        if mine:
            reset(connection)

    def _hold(self) -> None:
        while self._mode == "hang" and not self._closed.is_set():
            time.sleep(TICK_S)


class TcpProxy(_Proxy):
    """Passes bytes both ways; `latency_s` delays each piece on its way to the server, so each round trip."""

    latency_s = 0.0

    def _serve(self, connection: socket.socket) -> None:
        try:
            upstream = socket.create_connection((HOST, self.upstream_port), timeout=5)
        except OSError:
            self._drop(connection)
            return
        upstream.settimeout(None)
        upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._keep(upstream)
        self._start(lambda: self._pump(upstream, connection, delayed=False))
        self._pump(connection, upstream, delayed=True)

    def _pump(self, source: socket.socket, target: socket.socket, *, delayed: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE):
                if delayed and self.latency_s:
                    self._closed.wait(self.latency_s)
                self._hold()
                target.sendall(piece)
        self._drop(source)
        self._drop(target)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request, as far as faults are chosen by it."""

    statement: str
    """The beginning of what it asks for."""
    table: str
    """Where it inserts; empty for everything else."""
    rows: int
    """Rows of a Native insert, else 0."""


Action = Literal["answer", "hang", "reset", "reset_after"]


@dataclass(kw_only=True)
class Fault:
    """What to do to which requests, until it is lifted or has been done `times` times.

    `answer`: an error with ClickHouse's `code`, and nothing is passed on. `hang`: the request waits here until the
    fault is lifted, and goes on then. `reset`: the connection is reset and nothing is passed on. `reset_after`: the
    server does the work, and the connection is reset in place of its answer.
    """

    action: Action
    table: str | None = None
    """Inserts into this table; None = every request."""
    code: int = 0
    """0 = an answer that is not ClickHouse's, as a gateway gives."""
    status: int = 500
    """The HTTP status of the answer."""
    min_rows: int = 0
    """Inserts of so many rows at least."""
    times: int | None = None
    hits: int = 0
    """How often it was done."""
    lifted: bool = False

    def fits(self, seen: Seen) -> bool:
        """Tell whether this request gets it."""
        spent = self.lifted or (self.times is not None and self.hits >= self.times)
        return not spent and self.table in {None, seen.table} and seen.rows >= self.min_rows


class HttpFaults(_Proxy):
    """Passes whole requests to ClickHouse, but for those that a fault fits; the first that fits is done."""

    def __init__(self, upstream_port: int) -> None:
        """Stand in front of ClickHouse's HTTP port, without faults."""
        super().__init__(upstream_port)
        self.faults: list[Fault] = []
        self.passed: Counter[str] = Counter()
        """Inserts that reached the server, by table; other requests under an empty name."""
        self._choosing = threading.Lock()

    def add(self, action: Action, table: str | None = None, **more: int) -> Fault:
        """Put a fault in force from now on; its fields are those of `Fault`."""
        fault = Fault(action=action, table=table, **more)  # type: ignore[arg-type] # all other fields are integers
        self.faults.append(fault)
        return fault

    def lift(self) -> None:
        """Put no fault in force any more; what hangs goes on."""
        for fault in self.faults:
            fault.lifted = True
        self.faults.clear()

    def _serve(self, connection: socket.socket) -> None:
        upstream = HTTPConnection(HOST, self.upstream_port)
        reader = connection.makefile("rb")
        try:
            with suppress(OSError, HTTPException, ValueError):
                while line := reader.readline(MAX_LINE_BYTES):
                    self._one(connection, reader, upstream, line)
        finally:
            reader.close()
            upstream.close()
            self._drop(connection)

    def _one(self, connection: socket.socket, reader: BufferedReader, upstream: HTTPConnection, line: bytes) -> None:
        """Handle one request; raises OSError when its connection has no future."""
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers = parse_headers(reader)
        body = _body(reader, headers)
        seen = look(target, headers, body)
        self._hold()
        fault = self._choose(seen)
        if fault is not None and fault.action == "answer":
            connection.sendall(_answer(fault))
            return
        if fault is not None and fault.action == "hang":
            while not fault.lifted and not self._closed.wait(TICK_S):
                pass
        if (fault is not None and fault.action == "reset") or self._closed.is_set():
            raise ConnectionResetError
        status, given, answer = _ask(upstream, method, target, headers, body)
        self.passed[seen.table] += 1
        if fault is not None and fault.action == "reset_after":
            raise ConnectionResetError
        self._hold()
        connection.sendall(_reply(status, given, answer))

    def _choose(self, seen: Seen) -> Fault | None:
        with self._choosing:
            for fault in self.faults:
                if fault.fits(seen):
                    fault.hits += 1
                    return fault
        return None


def reset(connection: socket.socket) -> None:
    """Close a connection with RST, as a server that dies does."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        # Wakes a thread that reads from it; the reset follows with the close.
        connection.shutdown(socket.SHUT_RD)
    connection.close()


def look(target: str, headers: HTTPMessage, body: bytes) -> Seen:
    """See what a request asks for: the statement is in the URL, or the (packed) body begins with it."""
    head = _unpacked(body[:HEAD_BYTES], headers.get("Content-Encoding", ""))
    query = parse_qs(urlsplit(target).query).get("query", [""])[0]
    statement = query or head[:400].decode("utf-8", "replace")
    insert = re.match(r"\s*INSERT\s+INTO\s+(?:TABLE\s+)?(?:`?\w+`?\.)?`?(\w+)`?", statement, re.IGNORECASE)
    return Seen(statement=statement, table=insert[1] if insert else "", rows=0 if query else _rows(head))


def _unpacked(piece: bytes, encoding: str) -> bytes:
    if encoding == "lz4":
        return bytes(lz4.frame.LZ4FrameDecompressor().decompress(piece))
    if encoding == "gzip":
        return zlib.decompressobj(wbits=31).decompress(piece)
    return piece


def _rows(head: bytes) -> int:
    """Read the row count that follows the statement and the column count of a Native block."""
    mark = head.find(b"FORMAT Native\n")
    if mark < 0:
        return 0
    at = mark + len(b"FORMAT Native\n")
    for _ in range(2):
        number = shift = 0
        while at < len(head):
            byte = head[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
    return number


def _body(reader: BufferedReader, headers: HTTPMessage) -> bytes:
    if "chunked" not in headers.get("Transfer-Encoding", "").lower():
        return reader.read(int(headers.get("Content-Length", "0")))
    pieces = []
    while size := int(reader.readline(1024).split(b";")[0], 16):
        pieces.append(reader.read(size))
        reader.readline(8)
    while reader.readline(1024).strip():
        pass
    return b"".join(pieces)


def _ask(
    upstream: HTTPConnection, method: str, target: str, headers: HTTPMessage, body: bytes
) -> tuple[int, list[tuple[str, str]], bytes]:
    upstream.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        if name.lower() not in {"transfer-encoding", "content-length", "connection"}:
            upstream.putheader(name, value)
    upstream.putheader("Content-Length", str(len(body)))
    upstream.endheaders(body)
    response = upstream.getresponse()
    answer = response.read()
    dropped = {"transfer-encoding", "content-length", "connection", "keep-alive"}
    return response.status, [pair for pair in response.getheaders() if pair[0].lower() not in dropped], answer


def _answer(fault: Fault) -> bytes:
    if not fault.code:
        return _reply(fault.status, [("Content-Type", "text/html")], b"<html>made up by a test</html>")
    text = f"Code: {fault.code}. DB::Exception: Made up by a test. (MADE_UP)\n".encode()
    return _reply(fault.status, [("X-ClickHouse-Exception-Code", str(fault.code))], text)


def _reply(status: int, headers: list[tuple[str, str]], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} Given", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body
