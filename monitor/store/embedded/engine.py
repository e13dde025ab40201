"""The chDB engine as the server uses it: one folder, and a connection of its own for each request.

A chDB connection is a session: USE, SET and temporary tables stay in it. Opening one costs 0.15 ms, so each
request gets a fresh one, and nothing that it sets can reach another. Connections run in parallel.
"""

from __future__ import annotations

import base64
import importlib
import os
import re
import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from monitor.store.embedded.errors import ClickHouseError
from monitor.store.embedded.statement import InsertOutline

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

# What a ClickHouse server has and `clickhouse local`, which chDB grew from, does not.
SERVER_DEFAULTS = {"implicit_select": "0", "allow_introspection_functions": "0"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stats:
    """What a statement read and wrote, as far as chDB tells."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0
    elapsed_ns: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A whole result that is held in memory."""

    data: bytes
    stats: Stats


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def quoted_name(name: str) -> str:
    """Quote an identifier."""
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def _stats(result: Any, *, streamed: bool = False) -> Stats:
    return Stats(
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        written_rows=0 if streamed else result.rows_written(),
        written_bytes=0 if streamed else result.bytes_written(),
        result_rows=result.rows_read(),
        result_bytes=result.bytes_read(),
        elapsed_ns=int(result.elapsed() * 1e9),
    )


class Session:
    """One chDB connection. Not for two threads at once: chDB would answer the second with nothing."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def close(self) -> None:
        """Give the connection back; its settings and temporary tables are gone."""
        self._raw.close()

    def use(self, database: str) -> None:
        """Make a database the current one. Raises ClickHouseError 81 when there is none of that name."""
        self.run(f"USE {quoted_name(database)}".encode())

    def set(self, settings: Mapping[str, str]) -> None:
        """Set settings for this connection, all or none.

        Raises:
            ClickHouseError: 115 for a setting that ClickHouse does not know, others for a bad value.
        """
        if not settings:
            return
        for name in settings:
            if not _NAME.match(name):
                raise ClickHouseError(115, "UNKNOWN_SETTING", f"Unknown setting '{name}'.")
        # A readonly connection takes no more settings, so it must come last.
        ordered = sorted(settings.items(), key=lambda item: item[0] == "readonly")
        self.run(("SET " + ", ".join(f"{name} = {_literal(value)}" for name, value in ordered)).encode())

    def snapshot(self, names: Mapping[str, str]) -> dict[str, str | None]:
        """Read settings to give back later: their values, None for those at their default."""
        wanted = ", ".join(_literal(name) for name in names)
        sql = "SELECT name, base64Encode(value) FROM system.settings WHERE changed AND name IN "
        found: dict[str, str | None] = dict.fromkeys(names)
        if names:
            for line in self.run(f"{sql}({wanted})".encode(), "TSVRaw").data.decode().splitlines():
                name, _, value = line.partition("\t")
                found[name] = base64.b64decode(value).decode()
        return found

    def restore(self, values: Mapping[str, str | None]) -> None:
        """Set settings back to what `snapshot` read."""
        for name, value in values.items():
            self.run(f"SET {name} = {'DEFAULT' if value is None else _literal(value)}".encode())

    def classify(self, sql: bytes) -> tuple[int, str]:
        """Parse without running: the number of statements (0 when it does not parse) and chDB's class."""
        try:
            answer = self._raw.classify_query(sql)
        except Exception as error:
            raise ClickHouseError.from_engine(error) from error
        return answer["statement_count"], answer["query_class"].name

    def run(self, sql: bytes, output_format: str = "TabSeparated", params: Mapping[str, str] | None = None) -> Result:
        """Run a statement and hold its whole result. Blocks, without the interpreter's lock."""
        try:
            answer = self._raw.query(sql, output_format, params=dict(params or {}))
        except Exception as error:
            raise ClickHouseError.from_engine(error) from error
        return Result(data=answer.bytes(), stats=_stats(answer))

    def stream(self, sql: bytes, output_format: str, params: Mapping[str, str]) -> Generator[tuple[bytes, Stats]]:
        """Run a SELECT and yield its result block by block, each encoded on its own.

        The last piece may hold no rows and still bytes (totals). Closing the generator early cancels.
        """
        try:
            handle = self._raw.send_query(sql, output_format, params=dict(params))
        except Exception as error:
            raise ClickHouseError.from_engine(error) from error
        finished = False
        try:
            while True:
                try:
                    block = self._raw.streaming_fetch_result(handle)
                except Exception as error:
                    finished = True
                    raise ClickHouseError.from_engine(error) from error
                if block is None:
                    finished = True
                    return
                rows = block.rows_read()
                yield block.bytes(), _stats(block, streamed=True)
                if rows == 0:
                    finished = True
                    return
        finally:
            if not finished:
                self._raw.streaming_cancel_query(handle)

    def insert(self, outline: InsertOutline, path: str, params: Mapping[str, str]) -> Stats:
        """Insert the data of a file. When it returns, the rows are in the table and survive a kill.

        chDB's own way in, `send_insert`, must not be used: an error behind its parser (too many partitions, a
        constraint, a failing view) is swallowed there, and rows that are nowhere are reported as written.
        """
        data = f"\nFROM INFILE {_literal(path)}\n".encode()
        sql = outline.head + data + outline.settings + b"\nFORMAT " + outline.format.encode()
        stats = self.run(sql, params=params).stats
        return replace(
            stats,
            read_rows=stats.written_rows,
            read_bytes=stats.written_bytes,
            result_rows=stats.written_rows,
            result_bytes=stats.written_bytes,
        )


class Engine:
    """The engine over one folder. chDB has one engine a process; it runs while a connection is open."""

    def __init__(self, folder: Path, *, memory_bytes: int, max_queries: int = 100) -> None:
        """Open the folder's data. Blocks for about a second.

        Raises:
            ClickHouseError: the folder cannot be used, for instance because it is locked.
        """
        config = folder / "embedded-config.xml"
        config.write_text(_config(memory_bytes=memory_bytes, max_queries=max_queries), encoding="utf-8")
        # ClickHouse takes the server's time zone from the process: dates must not depend on the machine.
        os.environ["TZ"] = "UTC"
        time.tzset()
        self._connect = _load_chdb().connect
        self._base = str(folder)
        try:
            self._keeper = self._connect(f"{self._base}?config-file={config}")
        except RuntimeError as error:
            raise ClickHouseError.from_engine(error) from error
        first = self.session()
        try:
            self.version, self.timezone = first.run(b"SELECT version(), timezone()").data.decode().split()
        finally:
            first.close()

    def session(self) -> Session:
        """Open a connection. SERVER_DEFAULTS are still to be set, best in one with a request's settings."""
        try:
            return Session(self._connect(self._base))
        except RuntimeError as error:
            raise ClickHouseError.from_engine(error) from error

    def kill(self, mark: str | None) -> None:
        """Cancel the running statements whose `log_comment` is the mark; None cancels all."""
        session = self.session()
        try:
            condition = "query NOT LIKE 'KILL %'" if mark is None else f"Settings['log_comment'] = {_literal(mark)}"
            session.run(f"KILL QUERY WHERE {condition} ASYNC".encode())
        finally:
            session.close()

    def close(self) -> None:
        """Close the engine. All sessions must be closed before."""
        self._keeper.close()


def _load_chdb() -> Any:
    """Load the engine's library: 0.7 s and 550 MB of file, so not before the folder and port are ours."""
    # chdb imports pyarrow when it is there, for data frames that are not used here: 130 MB of memory.
    absent: Any = None
    if hide := "pyarrow" not in sys.modules:
        sys.modules["pyarrow"] = absent
    try:
        library: Any = importlib.import_module("chdb._chdb")
    finally:
        if hide:
            del sys.modules["pyarrow"]
    # SIGTERM and SIGINT belong to this process; chDB would take them over.
    library.set_signal_handlers_enabled(0)
    return library


def _config(*, memory_bytes: int, max_queries: int) -> str:
    # Small pools: the machine is shared with the broker, the queue and the workers.
    values = {
        "max_server_memory_usage": memory_bytes,
        "max_concurrent_queries": max_queries,
        # Threads beyond these end when idle; each holds three file descriptors.
        "max_thread_pool_free_size": 32,
        "background_pool_size": 2,
        "background_merges_mutations_concurrency_ratio": 2,
        "background_schedule_pool_size": 4,
        "background_common_pool_size": 2,
        "background_move_pool_size": 1,
        "background_fetches_pool_size": 1,
        "background_buffer_flush_schedule_pool_size": 1,
        "background_distributed_schedule_pool_size": 1,
        "background_message_broker_schedule_pool_size": 1,
        "mark_cache_size": 64 << 20,
        "uncompressed_cache_size": 0,
        "index_mark_cache_size": 16 << 20,
        "mmap_cache_size": 100,
    }
    lines = "\n".join(f"  <{name}>{escape(str(value))}</{name}>" for name, value in values.items())
    return f"<clickhouse>\n{lines}\n</clickhouse>\n"
