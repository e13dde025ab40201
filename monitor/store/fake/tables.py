"""ClickHouse's tables as the fake keeps them, made from schema.sql: replaced by key, inserts known by their token."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from clickhouse_connect.driver.exceptions import DatabaseError

from monitor.store.rows import TABLES
from monitor.store.sql import blocks

Row = dict[str, Any]

TOO_MANY_PARTITIONS = 252
PARTITIONS_AN_INSERT = 100
"""The server's default of `max_partitions_per_insert_block`."""

_STAMPED = re.compile(r"^\s{4}(\w+)\s+DateTime64\(3, 'UTC'\) DEFAULT now64\(3\)", re.MULTILINE)
_ENGINE = re.compile(r"^ENGINE = (\w+)(?:\((\w+)\))?", re.MULTILINE)
_MONTH = re.compile(r"^PARTITION BY toYYYYMM\((\w+)\)", re.MULTILINE)
_KEY = re.compile(r"^ORDER BY \(?([\w, ]+)\)?", re.MULTILINE)
_TOKENS = re.compile(r"non_replicated_deduplication_window = (\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What schema.sql says of a table, as far as the fake heeds it."""

    name: str
    key: tuple[str, ...]
    version: str
    """Of rows with one key the largest wins; empty = the last one inserted."""
    month_of: str
    """The column whose month is the partition; empty = one partition."""
    stamps: tuple[str, ...]
    """Columns that the server fills in with its own time."""
    tokens: int
    """How many tokens of inserts are remembered; 0 = none, and nothing is dropped."""


def _shape(name: str, statement: str) -> Shape:
    engine = _ENGINE.search(statement)
    key, month, tokens = _KEY.search(statement), _MONTH.search(statement), _TOKENS.search(statement)
    return Shape(
        name=name,
        key=tuple(key[1].split(", ")) if key else (),
        version=(engine[2] or "") if engine else "",
        month_of=month[1] if month else "",
        stamps=tuple(_STAMPED.findall(statement)),
        tokens=int(tokens[1]) if tokens else 0,
    )


SHAPES: Mapping[str, Shape] = {name: _shape(name, blocks("schema.sql")[name]) for name in TABLES}


@dataclass(kw_only=True)
class Table:
    """Rows as they were inserted; `final` is what `FINAL` reads."""

    shape: Shape
    rows: list[Row] = field(default_factory=list)
    _tokens: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def insert(self, rows: Sequence[Row], token: str, now: datetime) -> None:
        """Keep rows, unless an insert with this token is remembered.

        Raises:
            DatabaseError: the rows are of too many months.
        """
        check_months(self.shape, rows)
        if self.is_repeated(token):
            return
        stamps = dict.fromkeys(self.shape.stamps, now)
        self.rows.extend({**row, **stamps} for row in rows)

    def is_repeated(self, token: str) -> bool:
        """Say whether an insert had this token before, and remember it."""
        if not self.shape.tokens:
            return False
        repeated = token in self._tokens
        self._tokens[token] = None
        while len(self._tokens) > self.shape.tokens:
            self._tokens.popitem(last=False)
        return repeated

    def final(self) -> Iterable[Row]:
        """Give one row a key."""
        newest: dict[tuple[Any, ...], Row] = {}
        version = self.shape.version
        for row in self.rows:
            key = tuple(row[name] for name in self.shape.key)
            before = newest.get(key)
            if before is None or not version or row[version] >= before[version]:
                newest[key] = row
        return newest.values()

    def merge(self) -> None:
        """Drop replaced rows for good, as the server does some time or other."""
        self.rows = list(self.final())


CellKey = tuple[str, UUID, int, datetime, str, str]
"""Topic, incarnation, partition, window, stratum and outcome."""


class Ledger:
    """Offsets by cell: the union of everything that was ever inserted."""

    def __init__(self) -> None:
        """Start empty."""
        self.cells: dict[CellKey, set[int]] = {}
        self._target = Table(shape=SHAPES["offset_ledger"])

    def insert(self, rows: Sequence[Row], token: str) -> None:
        """Add offsets, unless an insert with this token is remembered.

        Raises:
            DatabaseError: the rows are of too many months.
        """
        check_months(self._target.shape, rows)
        if self._target.is_repeated(token):
            return
        for row in rows:
            key = (row["topic"], row["topic_id"], row["partition"], row["window"], row["stratum"], row["outcome"])
            self.cells.setdefault(key, set()).update(row["offsets"])


def check_months(shape: Shape, rows: Sequence[Row]) -> None:
    """Refuse an insert that spans too many partitions.

    Raises:
        DatabaseError: as the server says it.
    """
    if not shape.month_of:
        return
    months = {(row[shape.month_of].year, row[shape.month_of].month) for row in rows}
    if len(months) > PARTITIONS_AN_INSERT:
        raise DatabaseError(f"too many partitions in one insert: {len(months)}", code=TOO_MANY_PARTITIONS)
