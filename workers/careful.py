"""Crash-loop isolation: finds the record that kills the process, and steps over it (DESIGN §5, I7).

The first batch after a start leaves a row in `attempts`; a row whose batch has no outcome stands for a death. What
died in a large batch is tried in parts, what died in a part is tried alone, and a record that has been begun alone
and three times in all becomes a dead letter without being looked at. In the steady state nothing is written.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from kafka import TopicPartition

from monitor.intake.batch import Position, Record
from monitor.store.attempts import Past, begin, past, void
from monitor.store.client import Store
from monitor.store.rows import AttemptRow

Gathered = dict[TopicPartition, list[Record]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Portion:
    """Records that are recorded and committed together."""

    records: Gathered
    attempts: list[AttemptRow] = field(default_factory=list)
    hopeless: bool = False
    """It is one record, and touching it kills the process."""
    known: bool = False
    """It is such a record and has an outcome already, so it is only passed over."""


class Careful:
    """Cuts what was gathered into portions, small ones where a process has died before."""

    def __init__(self, store: Store) -> None:
        """Keep the store; every attempt of this process bears one mark, so that a retry is no second attempt."""
        self._store = store
        self._process = uuid4()
        self._fresh: set[TopicPartition] = set()
        self._regions: dict[TopicPartition, tuple[int, int]] = {}

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """Take note that these may be where somebody died."""
        for tp in partitions:
            self._fresh.add(tp)
            self._regions.pop(tp, None)

    def take(self, gathered: Gathered, topic_id: UUID) -> Portion:
        """Move the next portion out of `gathered`, its attempt written down if it is suspect.

        Raises:
            StoreUnavailable: nothing was taken.
        """
        fresh = {tp: self._subject(tp, records[0], topic_id) for tp, records in gathered.items() if tp in self._fresh}
        known = past(self._store, "ingest", list(fresh.values()))
        clean = [tp for tp, subject in fresh.items() if subject not in known]
        if clean:
            return self._first(clean, fresh, gathered)
        for tp, records in gathered.items():
            if tp in fresh or records[0].offset < self._regions.get(tp, (0, 0))[0]:
                return self._suspect(tp, gathered, topic_id)
        portion = Portion(records=dict(gathered))
        gathered.clear()
        return portion

    def slow(self, gathered: Gathered) -> bool:
        """Whether these are where somebody died: they go in small portions, which a drain need not wait for."""
        return any(records[0].offset < self._regions.get(tp, (0, 0))[0] for tp, records in gathered.items())

    def settled(self, portion: Portion) -> None:
        """Clear the portion's attempts: it ended without a death.

        Raises:
            StoreUnavailable: they stand; that only makes the next start more careful.
        """
        void(self._store, portion.attempts)

    def _first(self, clean: list[TopicPartition], subjects: dict[TopicPartition, UUID], gathered: Gathered) -> Portion:
        together = sum(len(gathered[tp]) for tp in clean)
        rows = [
            row
            for tp in clean
            for row in begin(
                self._store,
                "ingest",
                [subjects[tp]],
                span=together,
                until=gathered[tp][-1].offset + 1,
                by=self._process,
            )
        ]
        self._fresh.difference_update(clean)
        return Portion(records={tp: gathered.pop(tp) for tp in clean}, attempts=rows)

    def _suspect(self, tp: TopicPartition, gathered: Gathered, topic_id: UUID) -> Portion:
        records = gathered[tp]
        subject = self._subject(tp, records[0], topic_id)
        before = past(self._store, "ingest", [subject]).get(subject)
        hopeless = before is not None and before.hopeless
        if hopeless:
            taken, rows = records[:1], []
        else:
            until, span = self._region(tp, records[0], before)
            taken = [record for record in records[:span] if record.offset < until]
            rows = begin(
                self._store, "ingest", [subject], span=len(taken), until=taken[-1].offset + 1, by=self._process
            )
        known = hopeless and self._has_outcome(tp, records[0], topic_id)
        self._fresh.discard(tp)
        rest = records[len(taken) :]
        if rest:
            gathered[tp] = rest
        else:
            del gathered[tp]
        return Portion(records={tp: taken}, attempts=rows, hopeless=hopeless, known=known)

    def _region(self, tp: TopicPartition, record: Record, before: Past | None) -> tuple[int, int]:
        """Give up to where to be careful, and how many records to try together."""
        if before is not None:
            self._regions[tp] = (max(before.until, record.offset + 1), before.next_span)
        return self._regions[tp]

    def _has_outcome(self, tp: TopicPartition, record: Record, topic_id: UUID) -> bool:
        found = self._store.query(
            "recorded_between",
            topic=tp.topic,
            topic_id=topic_id,
            partition=tp.partition,
            first=record.offset,
            last=record.offset,
        )
        return bool(found[0]["offsets"])

    @staticmethod
    def _subject(tp: TopicPartition, record: Record, topic_id: UUID) -> UUID:
        return Position(topic=tp.topic, topic_id=topic_id, partition=tp.partition, offset=record.offset).sample_id
