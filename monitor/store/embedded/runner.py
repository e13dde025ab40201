"""From a request to its response: which way a statement takes through the engine."""

from __future__ import annotations

import hmac
import os
import socket
import uuid
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from monitor.store.embedded import statement
from monitor.store.embedded.bodies import PIECE, Reader, negotiate
from monitor.store.embedded.engine import Engine, Session, Stats
from monitor.store.embedded.errors import ClickHouseError
from monitor.store.embedded.formats import content_type, is_streamable
from monitor.store.embedded.lease import leaves_state, open_for
from monitor.store.embedded.native import with_revision
from monitor.store.embedded.reply import Reply
from monitor.store.embedded.request import Request
from monitor.store.embedded.running import Running
from monitor.store.embedded.sessions import Sessions
from monitor.store.embedded.spool import Spool

HEAD_BYTES = 1 << 16
MAX_HEAD_BYTES = 1 << 20
"""An INSERT's statement must end within this much of the body, its data may be any length."""
MAX_SQL_BYTES = 64 << 20
"""Statements other than INSERT with data are held in memory."""


class Rest:
    """What is left of a body of which the first part was read to find the statement."""

    def __init__(self, first: bytes, source: Reader) -> None:
        self._first = first
        self._source = source

    def read(self, size: int, /) -> bytes:
        """Give up to `size` bytes, none at the end."""
        if self._first:
            data, self._first = self._first[:size], self._first[size:]
            return data
        return self._source.read(size)


class Runner:
    """Runs requests on the engine, each in its caller's thread. One for the whole server."""

    def __init__(self, engine: Engine, *, user: str, password: str, folder: Path, name: str) -> None:
        self._engine = engine
        self._sessions = Sessions(engine)
        self._user = user
        self._password = password
        self._folder = folder
        self._running = Running()
        self.version = engine.version
        self.name = name

    def run(self, request: Request, reply: Reply, sock: socket.socket) -> str:
        """Answer a request and return the statement's verb, for the log.

        Raises:
            ClickHouseError: what the client is to be told.
            OSError: the client is gone.
        """
        self._authenticate(request)
        query_id = request.params.get("query_id") or request.headers.get("x-clickhouse-query-id") or str(uuid.uuid4())
        reply.headers["X-ClickHouse-Query-Id"] = query_id
        reply.headers["X-ClickHouse-Timezone"] = request.settings.get("session_timezone") or self._engine.timezone
        if request.flag("enable_http_compression") and request.headers.get("accept-encoding"):
            level = request.settings.get("http_zlib_compression_level", "3")
            reply.encode_as(negotiate(request.headers["accept-encoding"]), int(level) if level.isdigit() else 3)
        if request.flag("wait_end_of_query") or request.flag("http_wait_end_of_query"):
            reply.hold_whole()
        for name in ("compress", "decompress"):
            if request.flag(name):
                raise ClickHouseError(
                    48,
                    "NOT_IMPLEMENTED",
                    f"{name}=1 (ClickHouse's own block compression) is not spoken by the embedded server: "
                    "use Content-Encoding and Accept-Encoding with lz4, zstd or gzip",
                )
        text, outline, rest = self._read_statement(request)
        verb = statement.verb(text)
        if not verb:
            raise ClickHouseError(62, "SYNTAX_ERROR", "Syntax error: Empty query")
        statement.forbid_files(outline.head if outline is not None else text)
        # A user's own log_comment stays; such a query is not cancelled when its client goes.
        cancellable = statement.is_query(verb) and "log_comment" not in request.settings
        with self._running.enter(query_id, sock, cancellable=cancellable) as mark, ExitStack() as stack:
            spool = stack.enter_context(Spool(self._folder))
            # All of the data before the first of it is inserted: a body that breaks off inserts nothing,
            # and a slow client holds no engine connection.
            spool.fill(rest)
            keeps = leaves_state(verb, text)
            session = open_for(
                request, self._engine, self._sessions, stack, keeps=keeps, mark=mark, folder=self._folder
            )
            if outline is not None:
                reply.stats = session.insert(outline, spool.path, request.binds)
            else:
                self._answer(session, request, text, verb, reply)
        return verb

    def cancel_gone(self) -> None:
        """Cancel the queries whose clients closed their connection. Blocks for a few milliseconds."""
        for mark in self._running.abandoned():
            self._engine.kill(mark)

    def close(self) -> None:
        """Close sessions; no request may be running."""
        self._sessions.close()

    def _authenticate(self, request: Request) -> None:
        user, password = request.credentials
        right = hmac.compare_digest(user.encode("utf-8", "replace"), self._user.encode())
        right &= hmac.compare_digest(password.encode("utf-8", "replace"), self._password.encode())
        if not right:
            message = f"{user}: Authentication failed: password is incorrect, or there is no user with such name."
            raise ClickHouseError(516, "AUTHENTICATION_FAILED", message, status=403 if request.has_credentials else 401)

    def _read_statement(self, request: Request) -> tuple[bytes, statement.InsertOutline | None, Reader]:
        """Read so much of the body that the statement is known; the rest is an INSERT's data."""
        text = request.query + b"\n" if request.query else b""
        if statement.verb(text) not in ("", "INSERT"):
            return text + _read_all(request.body), None, Rest(b"", request.body)
        ended = False
        want = HEAD_BYTES
        while True:
            while len(text) < want and not ended:
                piece = request.body.read(HEAD_BYTES)
                ended = not piece
                text += piece
            if statement.verb(text) != "INSERT":
                return text + _read_all(request.body), None, Rest(b"", request.body)
            outline = statement.insert_outline(text)
            if outline is None:
                return text + _read_all(request.body), None, Rest(b"", request.body)
            if outline.explicit or ended or len(text) >= MAX_HEAD_BYTES:
                return text, outline, Rest(text[outline.data_start :], request.body)
            want = MAX_HEAD_BYTES

    def _answer(self, session: Session, request: Request, sql: bytes, verb: str, reply: Reply) -> None:
        count, kind = session.classify(sql)
        if count > 1:
            raise ClickHouseError(62, "SYNTAX_ERROR", "Syntax error (Multi-statements are not allowed)")
        clause = statement.output_format(sql)
        default = request.headers.get("x-clickhouse-format") or request.params.get("default_format") or "TabSeparated"
        chosen = clause.name if clause is not None else default
        if statement.has_result(verb):
            reply.headers["X-ClickHouse-Format"] = chosen
            reply.headers["Content-Type"] = content_type(chosen)
        if statement.is_query(verb) and kind == "READ_ONLY":
            if is_streamable(chosen) and not _makes_array(request, sql):
                self._stream(session, request, sql, chosen, reply)
            else:
                self._through_file(session, request, sql, chosen, reply)
            return
        result = session.run(sql, chosen, request.binds)
        reply.stats = result.stats
        if result.data and "X-ClickHouse-Format" not in reply.headers:
            reply.headers["X-ClickHouse-Format"] = chosen
            reply.headers["Content-Type"] = content_type(chosen)
        reply.write(result.data)

    def _stream(self, session: Session, request: Request, sql: bytes, chosen: str, reply: Reply) -> None:
        rows = size = 0
        revision = _revision(request) if chosen.lower() == "native" else 0
        with closing(session.stream(sql, chosen, request.binds)) as blocks:
            for data, stats in blocks:
                rows += stats.result_rows
                size += stats.result_bytes
                reply.stats = Stats(
                    # chDB reports what was read with the first block only.
                    read_rows=max(reply.stats.read_rows, stats.read_rows),
                    read_bytes=max(reply.stats.read_bytes, stats.read_bytes),
                    result_rows=rows,
                    result_bytes=size,
                    elapsed_ns=max(reply.stats.elapsed_ns, stats.elapsed_ns),
                )
                reply.write(with_revision(data, revision) if revision else data)

    def _through_file(self, session: Session, request: Request, sql: bytes, chosen: str, reply: Reply) -> None:
        """Let the engine write the whole document to disk, since it cannot be sent block by block."""
        path = self._folder / f"{uuid.uuid4().hex}.result"
        try:
            result = session.run(statement.with_outfile(sql, str(path), chosen), chosen, request.binds)
            reply.stats = result.stats
            with path.open("rb") as document:
                while piece := document.read(PIECE):
                    reply.write(piece)
        finally:
            with suppress(FileNotFoundError):
                path.unlink()


def _revision(request: Request) -> int:
    given = request.params.get("client_protocol_version", "0")
    return int(given) if given.isascii() and given.isdigit() else 0


def _makes_array(request: Request, sql: bytes) -> bool:
    name = "output_format_json_array_of_rows"
    return name in request.settings or name.encode() in sql


def _read_all(body: Reader) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := body.read(PIECE):
        size += len(piece)
        if size > MAX_SQL_BYTES:
            raise ClickHouseError(229, "QUERY_IS_TOO_LARGE", f"The statement is larger than {MAX_SQL_BYTES} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def server_name() -> str:
    """Give the name that goes into X-ClickHouse-Server-Display-Name."""
    return os.uname().nodename
