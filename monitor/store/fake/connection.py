"""A connection to a fake server: all of `Store` is the real one, and only clickhouse-connect's client is not.

So what is sent is encoded, tokened and read back as in production, and errors are told apart as in production.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.ctypes import RespBuffCls
from clickhouse_connect.driver.insert import InsertContext
from clickhouse_connect.driver.query import QueryContext, QueryResult
from clickhouse_connect.driver.transform import NativeTransform

from monitor.store.client import Store
from monitor.store.fake.database import FakeDatabase
from monitor.store.fake.queries import answer
from monitor.store.fake.tables import Row
from monitor.store.sql import blocks

Hook = Callable[[Literal["before", "after"], str], None]
"""Called with a table's name before an insert into it has an effect, and after."""

_HEAD = re.compile(rb"INSERT INTO (\w+) \(.*?\) FORMAT Native\n", re.DOTALL)


class FakeStore(Store):
    """A `Store` whose ClickHouse is a `FakeDatabase`; what `hook` raises goes to the caller, to play a crash."""

    def __init__(self, database: FakeDatabase | None = None, *, hook: Hook | None = None) -> None:
        """Connect to a database of its own or to a shared one."""
        self.database = database or FakeDatabase()
        super().__init__(cast("Client", _FakeClient(self.database, hook or _nothing)))


def _nothing(_when: str, _table: str) -> None:
    """Let every insert pass."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Receipt:
    def query_id(self) -> str:
        return "fake"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Result:
    rows: list[Row]

    @property
    def column_names(self) -> tuple[str, ...]:
        # As with the real client: a result without rows has no names either.
        return tuple(self.rows[0]) if self.rows else ()

    @property
    def result_columns(self) -> list[list[Any]]:
        return [[row[name] for row in self.rows] for name in self.column_names]

    def named_results(self) -> list[Row]:
        return [dict(row) for row in self.rows]


class _Block:
    """Bytes in the shape that clickhouse-connect reads blocks from."""

    def __init__(self, body: bytes) -> None:
        self.gen = iter((body,))
        self.exception_tag = self.last_message = None

    def close(self) -> None:
        """Keep nothing open."""


class _FakeClient:
    """The part of clickhouse-connect's `Client` that `Store` calls."""

    write_compression = None

    def __init__(self, database: FakeDatabase, hook: Hook) -> None:
        self._database, self._hook = database, hook

    def create_insert_context(
        self,
        table: str,
        column_names: Sequence[str],
        *,
        column_type_names: Sequence[str],
        column_oriented: bool,
        data: Sequence[Sequence[Any]],
    ) -> InsertContext:
        types = [get_from_name(name) for name in column_type_names]
        return InsertContext(table, column_names, types, data=data, column_oriented=column_oriented)

    def raw_insert(
        self, _table: None, _names: None, body: bytes, *, settings: Mapping[str, Any], **_options: object
    ) -> _Receipt:
        head = _HEAD.match(body)
        if head is None:
            raise AssertionError("Store sends another kind of insert than the fake can read")
        table = head[1].decode()
        rows = _decoded(body[head.end() :])
        self._hook("before", table)
        self._database.insert(table, rows, settings["insert_deduplication_token"])
        self._hook("after", table)
        return _Receipt()

    def query(self, statement: str, parameters: Mapping[str, Any], *, column_oriented: bool = False) -> _Result:
        del column_oriented
        self._database.check()
        return _Result(rows=answer(self._database, _name_of(statement), parameters))

    def command(self, _statement: str, parameters: Mapping[str, Any] | None = None) -> None:
        # Migrations: the fake's tables are there from the start.
        del parameters
        self._database.check()

    def close(self) -> None:
        """Nothing was opened."""


def _decoded(body: bytes) -> list[Row]:
    source = RespBuffCls(_Block(body))  # type: ignore[no-untyped-call]
    found = cast("QueryResult", NativeTransform.parse_response(source, QueryContext()))
    return [dict(zip(found.column_names, row, strict=True)) for row in found.result_rows]


def _name_of(statement: str) -> str:
    return next(name for name, block in blocks("queries.sql").items() if block == statement)
