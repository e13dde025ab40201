"""The console's data, read from ClickHouse, and from Kafka for the lag."""

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from monitor.clock import Clock
from monitor.config import Settings
from monitor.intake import broker_state
from monitor.report.ledger import Span
from monitor.report.rates import Rate
from monitor.report.rates import rates as compute_rates
from monitor.report.status import Status
from monitor.report.status import status as read_status
from monitor.review.data import Case, Lag, Recent, VerdictRow
from monitor.review.lag import LagReader, knock
from monitor.review.pool import StorePool
from monitor.scoring.registry import enabled_scorers
from monitor.scoring.verdict import ScorerIdentity
from monitor.store.client import Store

PAGE_TIMEOUT_S = 20.0
"""A person does not wait as long as a worker may."""
PING_TIMEOUT_S = 3.0


class StoreData:
    """`ConsoleData` over a pool of stores."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Connect to nothing yet, so that the console starts while ClickHouse is away."""
        self._clickhouse = settings.clickhouse
        self._kafka = settings.kafka
        self._clock = clock
        self._scorers = enabled_scorers(settings.scoring.scorers)
        self._identities = tuple(s.identity for s in self._scorers)
        self._pool = StorePool(lambda: self._connect(PAGE_TIMEOUT_S))
        self._lag = LagReader(self._ask_lag, clock)

    @property
    def scorers(self) -> Sequence[ScorerIdentity]:
        """The scorers that run now."""
        return self._identities

    def ping(self) -> None:
        """Ask for the version on a connection of its own, with a short timeout."""
        with self._connect(PING_TIMEOUT_S) as store:
            store.query("ping")

    def status(self, span: Span) -> Status:
        """Give the state of the pipeline."""
        with self._pool.borrow() as store:
            return read_status(store, span, scorers=self._scorers, clock=self._clock)

    def lag(self) -> Lag:
        """Give the lag."""
        return self._lag()

    def rates(self, span: Span, *, by: Sequence[str] = ()) -> list[Rate]:
        """Give the rates."""
        with self._pool.borrow() as store:
            return compute_rates(store, span, splits=[by] if by else [], scorers=self._scorers)

    def recent(self, span: Span, *, limit: int) -> list[Recent]:
        """Give the samples that were recorded last."""
        with self._pool.borrow() as store:
            rows = store.query("recent", since=span.since, limit=limit)
        return [Recent(**{**_only(row, Recent), "record_time": _utc(row["record_time"])}) for row in rows]

    def find(self, one_id: str) -> Case | None:
        """Give one sample with its verdicts."""
        with self._pool.borrow() as store:
            rows = store.query("interaction", id=one_id)
            if not rows:
                return None
            row = rows[0]
            verdicts = store.query("verdicts", window=row["window_s"], sample_id=row["sample_id"])
        return _case(row, verdicts)

    def close(self) -> None:
        """Give connections back."""
        self._pool.close()

    def _ask_lag(self) -> int:
        knock(self._kafka.bootstrap_servers)
        return sum(p.lag for p in broker_state.lag(self._kafka))

    def _connect(self, timeout_s: float) -> Store:
        shorter = {
            "timeout_s": min(timeout_s, self._clickhouse.timeout_s),
            "connect_timeout_s": min(timeout_s, self._clickhouse.connect_timeout_s),
        }
        return Store.connect(self._clickhouse.model_copy(update=shorter))


def _case(row: dict[str, Any], verdicts: list[dict[str, Any]]) -> Case:
    return Case(
        **{name: value for name, value in _only(row, Case).items() if name not in _CONVERTED},
        messages=tuple((str(m["role"]), str(m["content"])) for m in json.loads(row["messages"])),
        occurred_at=_utc(row["occurred_at"]),
        record_time=_utc(row["record_time"]),
        ingested_at=_utc(row["ingested_at"]),
        normalised=tuple(row["normalised"]),
        verdicts=tuple(
            VerdictRow(
                dimension=v["dimension"],
                scorer_id=v["scorer_id"],
                scorer_name=v["name"] or "",
                kind=v["kind"],
                status=v["status"],
                value=v["value"],
                label=v["label"],
                reason=v["reason"],
                scored_at=_utc(v["scored_at"]),
            )
            for v in verdicts
        ),
    )


_CONVERTED = frozenset({"messages", "occurred_at", "record_time", "ingested_at", "normalised", "verdicts"})


def _only(row: dict[str, Any], kind: type[Case | Recent]) -> dict[str, Any]:
    return {field.name: row[field.name] for field in fields(kind) if field.name in row}


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
