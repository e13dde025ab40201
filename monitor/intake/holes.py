"""Offsets for which Kafka gives no record, as ledger cells: lost to retention, or never there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal
from uuid import UUID

from kafka import TopicPartition

from monitor.intake.batch import FIRST_RECORD_MS, LAST_RECORD_MS, NO_WINDOW, Cell, Record
from monitor.intake.sampling import window_of

CELL_OFFSETS = 500_000
"""How many offsets one insert of a hole holds: 4 MB."""
HoleKind = Literal["lost", "absent"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hole:
    """Offsets for which Kafka gave no record."""

    tp: TopicPartition
    first: int
    last: int
    kind: HoleKind
    window: int
    """Of the next record that was read: when the hole itself was written nobody knows."""

    @property
    def size(self) -> int:
        """How many offsets."""
        return self.last - self.first + 1


def cells_of(holes: Iterable[Hole], topic_id: UUID) -> Iterator[Cell]:
    """Give ledger cells of bounded size; the many small holes of transactions share one."""
    offsets: dict[tuple[TopicPartition, HoleKind, int], list[range]] = {}
    for hole in holes:
        offsets.setdefault((hole.tp, hole.kind, hole.window), []).append(range(hole.first, hole.last + 1))
    for (tp, kind, window), ranges in offsets.items():
        one_by_one = chain.from_iterable(ranges)
        while part := list(islice(one_by_one, CELL_OFFSETS)):
            yield Cell(
                topic=tp.topic,
                topic_id=topic_id,
                partition=tp.partition,
                window=window,
                stratum="",
                outcome=kind,
                offsets=part,
            )


def window_by(record: Record) -> int:
    """Give the window that a hole before this record is filed under."""
    return window_of(record.timestamp) if FIRST_RECORD_MS <= record.timestamp < LAST_RECORD_MS else NO_WINDOW
