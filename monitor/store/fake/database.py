"""The server that fake connections share: its tables, its clock, and what it is told to fail at."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from monitor.clock import Clock, SystemClock
from monitor.store.fake.tables import SHAPES, Ledger, Row, Table

LEDGER_IN = "offset_ledger_in"
INCORRECT_DATA = 117


@dataclass(frozen=True, kw_only=True, slots=True)
class _Refusal:
    table: str
    unfit: Callable[[Row], bool]
    code: int


class FakeDatabase:
    """Tables behind any number of `FakeStore` connections; works until it is told to fail."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        """Start empty; `clock` is the server's own."""
        self._clock = clock or SystemClock()
        self.tables = {name: Table(shape=shape) for name, shape in SHAPES.items()}
        self.ledger = Ledger()
        self._away = False
        self._lost_replies: set[str] = set()
        self._refusals: list[_Refusal] = []

    def away(self) -> None:
        """Answer nothing from now on: no call has an effect."""
        self._away = True

    def lose_reply(self, table: str) -> None:
        """Let the next insert into `table` take effect, and its answer get lost."""
        self._lost_replies.add(table)

    def refuse(self, table: str, unfit: Callable[[Row], bool], *, code: int = INCORRECT_DATA) -> None:
        """Refuse every insert into `table` that holds an unfit row, with this error."""
        self._refusals.append(_Refusal(table=table, unfit=unfit, code=code))

    def heal(self) -> None:
        """Work again."""
        self._away = False
        self._lost_replies.clear()
        self._refusals.clear()

    def merge(self) -> None:
        """Merge the parts of all tables: no answer changes by it that is read with FINAL."""
        for table in self.tables.values():
            table.merge()

    def now(self) -> datetime:
        """Give the server's time as `now64(3)` reads: UTC without a zone, in milliseconds."""
        now = self._clock.now().astimezone(UTC).replace(tzinfo=None)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def check(self) -> None:
        """Raise if nobody answers.

        Raises:
            OperationalError: the fake was told to be away.
        """
        if self._away:
            raise OperationalError("the fake server is away")

    def insert(self, table: str, rows: list[Row], token: str) -> None:
        """Take an insert.

        Raises:
            OperationalError: it was told to be away, or that the answer gets lost.
            DatabaseError: it was told to refuse a row, or the rows are of too many months.
        """
        self.check()
        for refusal in self._refusals:
            if refusal.table == table and any(map(refusal.unfit, rows)):
                raise DatabaseError("the fake server refuses a row", code=refusal.code)
        if table == LEDGER_IN:
            self.ledger.insert(rows, token)
        else:
            self.tables[table].insert(rows, token, self.now())
        if table in self._lost_replies:
            with suppress(KeyError):
                self._lost_replies.remove(table)
            raise OperationalError("the fake server's answer got lost")
