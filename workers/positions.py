"""Which offset each partition should give next, and what it means when it gives a later one (DESIGN §5, I1).

Kafka gives offsets with holes where a transaction's mark or a compacted record was: those never held a message and
are written down as `absent`. A hole at the log's start is a loss: retention was faster than ingest (`lost`).
"""

from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import UUID

from kafka import TopicPartition

from monitor.intake.batch import Record
from monitor.intake.holes import Hole, window_by
from monitor.store.client import Store


class Log(Protocol):
    """The part of kafka-python's consumer that is asked here."""

    def committed(self, partition: TopicPartition) -> int | None:
        """Give the group's committed offset; None = none."""
        ...

    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Give the first offset that Kafka still holds."""
        ...


class Positions:
    """The next offset by partition, from what is committed or, failing that, recorded."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._next: dict[TopicPartition, int] = {}

    def adopt(
        self, partitions: Iterable[TopicPartition], topic_id: UUID, store: Store, log: Log
    ) -> set[TopicPartition]:
        """Look up where these begin; give those whose committed offset is of another incarnation of the topic.

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
            committed = log.committed(tp)
            self._next.pop(tp, None)
            others = any(partition == tp.partition for _, partition in edges[tp.topic])
            if committed and recorded is None and others:
                stale.add(tp)
            elif committed is not None:
                self._next[tp] = committed
            elif recorded is not None:
                self._next[tp] = recorded
        return stale

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Somebody else has these now."""
        for tp in partitions:
            self._next.pop(tp, None)

    def advance(self, tp: TopicPartition, next_offset: int) -> None:
        """Everything below `next_offset` is recorded."""
        self._next[tp] = next_offset

    def holes(self, tp: TopicPartition, records: Sequence[Record], log: Log) -> list[Hole]:
        """Find the offsets that are missing before and between these records, which are in order.

        Raises:
            KafkaError: the broker does not answer; asked only when there is a hole.
        """
        expected = self._next.get(tp, records[0].offset)
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
