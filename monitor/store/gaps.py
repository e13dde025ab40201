"""Offsets that should have an outcome and have none: the ledger held against what Kafka says (DESIGN §5, I1).

Below the committed offset every hole is a fault. From there on nothing is one: ingest will come. What Kafka says must
be asked before the ledger is read, or a batch that is committed in between would look like a hole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from monitor.intake.broker_log import Log, PartitionState
from monitor.store.client import Store
from monitor.store.ledger import OffsetRange, PartitionLedger, coverage, places

Where = Literal["within", "before", "after"]
"""`within`: between recorded offsets. `before`: older than the first recorded one, and still in Kafka. `after`: later
than the last recorded one, and committed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A range of offsets without an outcome."""

    range: OffsetRange
    where: Where
    readable: bool | None
    """Whether Kafka can still give the records; None = it was not asked, or did not answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogView:
    """What Kafka said of a topic."""

    topic_id: UUID
    partitions: Mapping[int, PartitionState]


@dataclass(frozen=True, kw_only=True, slots=True)
class PartitionGaps:
    """One partition of one incarnation, and what is wrong with it."""

    topic_id: UUID
    partition: int
    current: bool | None
    """Whether Kafka has this incarnation now; None = Kafka did not answer."""
    ledger: PartitionLedger | None
    """None = nothing is recorded."""
    gaps: tuple[Gap, ...]
    missing: int
    """Offsets without an outcome; exact, also where `gaps` does not name them all."""

    @property
    def doubled(self) -> int:
        """Outcomes that are one too many."""
        return self.ledger.doubled if self.ledger else 0


def look(log: Log) -> LogView | None:
    """Ask Kafka; None = it has no such topic.

    Raises:
        BrokerUnavailable: Kafka does not answer.
    """
    topic_id = log.topic_id()
    if topic_id is None:
        return None
    return LogView(topic_id=topic_id, partitions={one.partition: one for one in log.partitions()})


def find_gaps(store: Store, topic: str, view: LogView | None, *, former: bool = True) -> list[PartitionGaps]:
    """Read the ledger and hold it against what Kafka said before; without that, only the ledger is told.

    Without `former` only the current incarnation is read: gaps of earlier ones stay for good, and cost each time.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    if view is None:
        return [_plain(one, current=None) for one in coverage(store, topic)]
    others = {partition for topic_id, partition in places(store, topic) if topic_id != view.topic_id}
    ledgers = coverage(store, topic, only=None if former else view.topic_id)
    ours = {one.partition: one for one in ledgers if one.topic_id == view.topic_id}
    now = [
        _current(view.topic_id, state, ours.get(number), bound(state, ours.get(number), seen_before=number in others))
        for number, state in sorted(view.partitions.items())
    ]
    earlier = [_plain(one, current=False) for one in ledgers if one.topic_id != view.topic_id]
    return [one for one in now if one.ledger or one.gaps] + earlier


def bound(state: PartitionState, ledger: PartitionLedger | None, *, seen_before: bool) -> int:
    """Give the offset from which on ingest will come by itself."""
    if state.committed is None or (ledger is None and seen_before):
        # Nothing committed, or of an earlier topic of this name: ingest begins at the log's start.
        return state.log_start
    return state.committed


def _plain(ledger: PartitionLedger, *, current: bool | None) -> PartitionGaps:
    readable = None if current is None else False
    return PartitionGaps(
        topic_id=ledger.topic_id,
        partition=ledger.partition,
        current=current,
        ledger=ledger,
        gaps=tuple(Gap(range=one, where="within", readable=readable) for one in ledger.missing),
        missing=ledger.missing_count,
    )


def _current(topic_id: UUID, state: PartitionState, ledger: PartitionLedger | None, until: int) -> PartitionGaps:
    if ledger is None:
        # What was before the log's start was never ours to read.
        holes = _holes("after", state.log_start, until)
    else:
        within: list[tuple[Where, OffsetRange]] = [("within", one) for one in _below(ledger.missing, until)]
        holes = [
            *_holes("before", state.log_start, min(ledger.first, until)),
            *within,
            *_holes("after", ledger.last + 1, until),
        ]
    missing = sum(len(one) for _, one in holes)
    if ledger is not None and until > ledger.last:
        # The ledger may name too few ranges, but it counts all.
        missing += ledger.missing_count - sum(len(one) for one in ledger.missing)
    return PartitionGaps(
        topic_id=topic_id,
        partition=state.partition,
        current=True,
        ledger=ledger,
        gaps=tuple(
            Gap(range=part, where=where, readable=part.first >= state.log_start)
            for where, one in holes
            for part in one.cut(state.log_start)
        ),
        missing=missing,
    )


def _holes(where: Where, start: int, end: int) -> list[tuple[Where, OffsetRange]]:
    return [(where, OffsetRange(start, end - 1))] if end > start else []


def _below(ranges: Iterable[OffsetRange], until: int) -> list[OffsetRange]:
    return [OffsetRange(one.first, min(one.last, until - 1)) for one in ranges if one.first < until]
