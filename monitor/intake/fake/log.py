"""Topics in memory: partitions of records, retention that cuts them off, and incarnations by topic id."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from kafka import TopicPartition

from monitor.intake.fake.group import FakeGroup

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class FakeRecord:
    """The part of kafka-python's `ConsumerRecord` that anybody looks at."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    timestamp_type: int = 0


@dataclass(kw_only=True)
class _Partition:
    start: int = 0
    end: int = 0
    records: dict[int, FakeRecord] = field(default_factory=dict)


@dataclass(kw_only=True)
class _Topic:
    topic_id: UUID
    partitions: list[_Partition]


class FakeLog:
    """A broker for any number of `FakeConsumer`s; one thread, nothing blocks but for `idle`."""

    def __init__(self, *, idle: Callable[[float], object] = time.sleep) -> None:
        """Start without topics; `idle` is called with the seconds that a poll would have waited for records."""
        self.idle = idle
        self._topics: dict[str, _Topic] = {}
        self._groups: dict[str, FakeGroup] = {}

    def create(self, topic: str, *, partitions: int) -> UUID:
        """Make a topic, or make it anew, and give its id; offsets committed to an earlier one are gone with it."""
        for group in self._groups.values():
            group.forget(topic)
        self._topics[topic] = _Topic(topic_id=uuid4(), partitions=[_Partition() for _ in range(partitions)])
        return self._topics[topic].topic_id

    def append(
        self,
        topic: str,
        partition: int,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers = (),
        timestamp: int | None = None,
    ) -> FakeRecord:
        """Write a record, stamped now unless a timestamp is given."""
        log = self._topics[topic].partitions[partition]
        record = FakeRecord(
            topic=topic,
            partition=partition,
            offset=log.end,
            timestamp=int(time.time() * 1000) if timestamp is None else timestamp,
            key=key,
            value=value,
            headers=list(headers),
        )
        log.records[log.end] = record
        log.end += 1
        return record

    def skip(self, topic: str, partition: int, count: int) -> None:
        """Use up offsets without a record, as a transaction's mark does."""
        self._topics[topic].partitions[partition].end += count

    def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Drop the records below `offset`, as retention does."""
        log = self._topics[topic].partitions[partition]
        log.start = max(log.start, min(offset, log.end))
        for gone in [held for held in log.records if held < log.start]:
            del log.records[gone]

    def group(self, group_id: str) -> FakeGroup:
        """Give a consumer group, which begins to exist when somebody asks for it."""
        return self._groups.setdefault(group_id, FakeGroup(self.partitions))

    def topic_id(self, topic: str) -> UUID | None:
        """Give the id of the topic's present incarnation."""
        found = self._topics.get(topic)
        return found.topic_id if found else None

    def partitions(self, topic: str) -> list[int]:
        """Give the numbers of a topic's partitions; none if there is no such topic."""
        found = self._topics.get(topic)
        return list(range(len(found.partitions))) if found else []

    def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        """Give the first offset that is still held, and the one that comes next."""
        log = self._topics[tp.topic].partitions[tp.partition]
        return log.start, log.end

    def read(self, tp: TopicPartition, offset: int, count: int) -> list[FakeRecord]:
        """Give at most `count` records from `offset` on."""
        log = self._topics[tp.topic].partitions[tp.partition]
        found = (log.records.get(at) for at in range(max(offset, log.start), log.end))
        return [record for record in found if record is not None][:count]
