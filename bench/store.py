"""Our insert path beside a bare clickhouse-connect insert of the same rows: same table, same client settings."""

import dataclasses
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Self, TypeVar
from uuid import UUID

from bench.messages import message
from monitor.config import ClickHouseSettings
from monitor.errors import StackError
from monitor.intake.batch import Sampled, Sifter
from monitor.intake.sampling import Headers, Policy, PolicyHistory, Stratum
from monitor.scoring.verdict import ScorerIdentity, Verdict
from monitor.store.client import INSERT_SETTINGS, Store
from monitor.store.migrate import migrate
from monitor.store.rows import TABLES, sample_columns, score_row, to_columns

ROWS = 5_000
WINDOW = int(datetime(2026, 11, 20, 9, tzinfo=UTC).timestamp())
_KEY = b"bench-key-not-a-secret"

WAYS = 3
"""Inserts a repetition."""

Columns = Sequence[Sequence[object]]
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True, slots=True)
class Inserted:
    """Seconds that the same number of rows took, each way."""

    whole: float
    """Our whole path: values -> rows -> columns -> token -> insert."""
    columns: float
    """`Store.insert` of finished columns: only the token is ours."""
    bare: float
    """clickhouse-connect's own insert of finished columns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Record:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Inserts:
    """All insert paths on one connection, in a database of their own."""

    def __init__(self, settings: ClickHouseSettings) -> None:
        """Connect and make the tables.

        Raises:
            StoreUnavailable: ClickHouse does not answer.
        """
        migrate(settings)
        self._store = Store.connect(settings)
        self._sampled = _samples(ROWS)
        self._offsets = random.Random(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def samples(self, repetitions: int) -> Iterator[Inserted]:
        """Measure inserts into `samples`; our path starts from what ingest holds."""
        return self._measure("samples", repetitions, self._moved, sample_columns)

    def scores(self, repetitions: int) -> Iterator[Inserted]:
        """Measure inserts into `scores`; our path starts from verdicts."""
        identity = ScorerIdentity(kind="rule", name="bench", dimension="refusal", code_version="1")
        verdicts = [
            Verdict(value=n % 100 / 100, label="none", reason="no phrase of refusal found") for n in range(ROWS)
        ]

        def ids() -> list[UUID]:
            return [one.position.sample_id for one in self._moved()]

        def columns(sample_ids: Sequence[UUID]) -> Columns:
            now = datetime.now(UTC)
            return to_columns(
                [
                    score_row(window=WINDOW, sample_id=i, identity=identity, result=verdict, now=now)
                    for i, verdict in zip(sample_ids, verdicts, strict=True)
                ]
            )

        return self._measure("scores", repetitions, ids, columns)

    def _measure(
        self,
        table: str,
        repetitions: int,
        fresh: Callable[[], Sequence[Value]],
        columns: Callable[[Sequence[Value]], Columns],
    ) -> Iterator[Inserted]:
        """Insert three ways in turn, each time other rows; every second turn runs backwards."""
        for turn in range(repetitions):
            values, finished, plain = fresh(), columns(fresh()), columns(fresh())
            ways: dict[str, Callable[[], None]] = {
                "whole": partial(self._whole, table, values, columns),
                "columns": partial(self._store.insert, table, finished),
                "bare": partial(self._bare, table, plain),
            }
            order = list(ways)[:: -1 if turn % 2 else 1]
            yield Inserted(**{name: _seconds(ways[name]) for name in order})

    def _whole(self, table: str, values: Sequence[Value], columns: Callable[[Sequence[Value]], Columns]) -> None:
        self._store.insert(table, columns(values))

    def check(self, table: str, rows: int) -> None:
        """Check that no insert was dropped as a repetition.

        Raises:
            StackError: the table does not hold that many rows.
        """
        found = int(self._store._client.command(f"SELECT count() FROM {table}"))  # type: ignore[arg-type]  # noqa: SLF001 - counts parts as they are, unlike any query of ours
        if found != rows:
            raise StackError(f"{rows} rows were inserted into {table}, {found} are there")

    def _bare(self, table: str, columns: Columns) -> None:
        names, types = TABLES[table]
        self._store._client.insert(  # noqa: SLF001 - the very connection that ours uses
            table,
            columns,
            column_names=names,
            column_type_names=types,
            column_oriented=True,
            settings=dict(INSERT_SETTINGS),
        )

    def _moved(self) -> list[Sampled]:
        """Give the samples at offsets never used before: a repeated block would be dropped by the engine."""
        base = self._offsets.getrandbits(40)
        return [
            dataclasses.replace(one, position=dataclasses.replace(one.position, offset=base + n))
            for n, one in enumerate(self._sampled)
        ]


def _seconds(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _samples(count: int) -> list[Sampled]:
    """Give what ingest would hold after sampling all of the first messages."""
    policy = Policy(effective_from=datetime.fromtimestamp(0, UTC), strata=(Stratum(name="all", probability=1.0),))
    sifter = Sifter(
        sampling_key=_KEY,
        pseudonym_key=_KEY,
        policies=PolicyHistory([policy]),
        max_message_bytes=1024 * 1024,
    )
    records = [
        _Record(offset=n, timestamp=WINDOW * 1000 + n, key=key, value=value)
        for n, (key, value) in enumerate(map(message, range(count)))
    ]
    batch = sifter.sift([("bench", UUID(int=1), 0, records)])
    if len(batch.sampled) != count:
        raise StackError(f"of {count} messages only {len(batch.sampled)} could be read")
    return batch.sampled
