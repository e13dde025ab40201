"""Which offset each partition should give next, and what it means when it gives a later one (DESIGN §5, I1).

Kafka gives offsets with holes where a transaction's mark or a compacted record was: those never held a message and
are written down as `absent`. A hole at the log's start is a loss: retention was faster than ingest (`lost`).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, Protocol
from uuid import UUID

from kafka import OffsetAndMetadata, TopicPartition

from monitor.intake.batch import Record
from monitor.intake.holes import CELL_OFFSETS, Hole, window_by
from monitor.store.client import Store


class Log(Protocol):
    """The part of kafka-python's consumer that is asked here."""

    def committed(self, partition: TopicPartition, metadata: Literal[True]) -> OffsetAndMetadata | None:
        """Give what the group has committed; None = nothing."""
        ...

    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Give the first offset that Kafka still holds."""
        ...


class Positions:
    """The next offset by partition, from what is committed or, failing that, recorded."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._next: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._recorded: dict[TopicPartition, int] = {}

    def adopt(
        self, partitions: Collection[TopicPartition], topic_id: UUID, store: Store, log: Log
    ) -> set[TopicPartition]:
        """Look up where these begin; give those whose committed offset is of another incarnation of the topic.

        The others are to be read from what is committed, wherever Kafka has set the consumer: after a rebalance it goes
        on with a partition that it had before where it was, past records that were given up.

        Raises:
            StoreUnavailable: ClickHouse does not answer.
            KafkaError: the broker does not answer.
        """
        stale: set[TopicPartition] = set()
        edges: dict[str, dict[tuple[UUID, int], int]] = {}
        for tp in partitions:
            if tp.topic not in edges:
                rows = store.query("ledger_edges", topic=tp.topic)
                edges[tp.topic] = {(r["topic_id"], r["partition"]): r["next_offset"] for r in rows}
            recorded = edges[tp.topic].get((topic_id, tp.partition))
            committed = log.committed(tp, metadata=True)
            self.forget([tp])
            self._recorded[tp] = recorded or 0
            if committed is not None and committed.metadata:
                mine = committed.metadata == str(topic_id)
            else:
                # Not committed by us: somebody has set the offset by hand.
                others = any(partition == tp.partition for _, partition in edges[tp.topic])
                mine = committed is None or not committed.offset or recorded is not None or not others
            if not mine:
                stale.add(tp)
            elif committed is not None:
                self._next[tp] = self._committed[tp] = committed.offset
            elif recorded is not None:
                self._next[tp] = recorded
        return stale

    def unrecorded(self, holes: Iterable[Hole], topic_id: UUID, store: Store) -> Iterator[Hole]:
        """Leave out what has an outcome already, as it does after somebody moved the commit back.

        Raises:
            StoreUnavailable: ClickHouse does not answer; asked only for what lies below the recorded end.
        """
        for hole in holes:
            first, known = hole.first, self._recorded.get(hole.tp, 0)
            while first <= hole.last:
                last = min(first + CELL_OFFSETS - 1, hole.last)
                taken: list[int] = []
                if first < known:
                    where = {"topic": hole.tp.topic, "topic_id": topic_id, "partition": hole.tp.partition}
                    taken = store.query("recorded_between", **where, first=first, last=last)[0]["offsets"]
                for one in [*taken, last + 1]:
                    if one > first:
                        yield replace(hole, first=first, last=one - 1)
                    first = one + 1
                first = last + 1

    def begin(self, holes: Iterable[Hole]) -> None:
        """These are about to be recorded: whether they were is to be asked, should the reply be lost."""
        for hole in holes:
            self._recorded[hole.tp] = max(self._recorded.get(hole.tp, 0), hole.last + 1)

    def start(self, tp: TopicPartition) -> int | None:
        """Give the committed offset that `adopt` found; None = read from the log's start."""
        return self._committed.get(tp)

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Somebody else has these now."""
        for tp in partitions:
            self._next.pop(tp, None)
            self._committed.pop(tp, None)

    def advance(self, tp: TopicPartition, next_offset: int) -> None:
        """Everything below `next_offset` is recorded."""
        self._next[tp] = next_offset

    def holes(self, tp: TopicPartition, records: Sequence[Record], log: Log) -> list[Hole]:
        """Find the offsets that are missing before and between these records, which are in order.

        Raises:
            KafkaError: the broker does not answer; asked only when there is a hole.
        """
        expected = self._next.get(tp)
        if expected is None:
            # Never read before: what retention took by now was never ours, a mark at the log's start is a hole.
            expected = min(log.beginning_offsets([tp])[tp], records[0].offset)
        if records[0].offset <= expected and records[-1].offset - records[0].offset + 1 == len(records):
            return []
        found: list[Hole] = []
        log_start: int | None = None
        for record in records:
            if record.offset > expected:
                if log_start is None:
                    log_start = log.beginning_offsets([tp])[tp]
                start = min(max(log_start, expected), record.offset)
                window = window_by(record)
                if start > expected:
                    found.append(Hole(tp=tp, first=expected, last=start - 1, kind="lost", window=window))
                if record.offset > start:
                    found.append(Hole(tp=tp, first=start, last=record.offset - 1, kind="absent", window=window))
            expected = max(expected, record.offset + 1)
        return found
