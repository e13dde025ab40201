"""Reading Kafka's log at given offsets: what kafka-python does at the log's edges must not be taken for an answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError

from monitor.config import KafkaSettings
from monitor.errors import BrokerUnavailable
from monitor.intake import broker, broker_log
from monitor.intake.broker_log import NO_TOPIC_ID, Fetched, KafkaLog, PartitionState

TOPIC_ID = UUID(int=7)


@dataclass(frozen=True)
class Record:
    """A record that only has a place."""

    offset: int
    value: bytes | None = b"v"


@dataclass
class Cluster:
    """What the consumer has heard of topics."""

    known: UUID | None = TOPIC_ID

    def topic_id(self, _topic: str) -> UUID | None:
        return self.known


@dataclass
class Consumer:
    """kafka-python's consumer on one partition, with `earliest` as its way out of range, as on Apache Kafka."""

    offsets: Sequence[int]
    end: int
    start: int = 0
    silent: bool = False
    tells_end: bool = True
    fails: bool = False
    at: int = 0
    seeks: list[int] = field(default_factory=list)
    _cluster: Cluster = field(default_factory=Cluster)

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return {0}

    def assign(self, _partitions: list[TopicPartition]) -> None:
        self.at = 0

    def seek(self, _tp: TopicPartition, offset: int) -> None:
        self.seeks.append(offset)
        self.at = offset

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Record]]:  # noqa: ARG002
        if self.fails:
            raise KafkaTimeoutError
        if self.silent:
            return {}
        if not self.start <= self.at <= self.end:
            self.at = self.start
        found = [Record(one) for one in self.offsets if one >= self.at][:max_records]
        if found:
            self.at = found[-1].offset + 1
        elif self.at < self.end:
            self.at = self.end
        return {TopicPartition("t", 0): found} if found else {}

    def position(self, _tp: TopicPartition, timeout_ms: int) -> int:  # noqa: ARG002
        return self.at

    def highwater(self, _tp: TopicPartition) -> int | None:
        return self.end if self.tells_end else None

    def beginning_offsets(self, partitions: list[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:  # noqa: ARG002
        return dict.fromkeys(partitions, self.start)

    def committed(self, _tp: TopicPartition, timeout_ms: int) -> int | None:  # noqa: ARG002
        return 5

    def close(self) -> None:
        """Nothing to close."""


Open = Callable[[Consumer], KafkaLog]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setattr(broker_log, "PATIENCE_S", 0.0)
    monkeypatch.setattr(broker_log, "AT_END_S", 0.0)

    def made(consumer: Consumer) -> KafkaLog:
        monkeypatch.setattr(broker, "consumer", lambda *_arguments, **_named: consumer)
        return KafkaLog(KafkaSettings(topic="t"), max_records=3)

    return made


def offsets(fetched: Fetched) -> tuple[list[int], int]:
    return [one.offset for one in fetched.records], fetched.next_offset


def test_it_reads_on_without_throwing_away_what_was_fetched_ahead(opened: Open) -> None:
    consumer = Consumer(offsets=range(9), end=9)
    log = opened(consumer)
    assert offsets(log.fetch(0, 2)) == ([2, 3, 4], 5)
    assert offsets(log.fetch(0, 5)) == ([5, 6, 7], 8)
    assert offsets(log.fetch(0, 1)) == ([1, 2, 3], 4)
    assert consumer.seeks == [2, 1]


def test_a_hole_shows_by_the_position_that_moved_on(opened: Open) -> None:
    log = opened(Consumer(offsets=[0, 1, 5], end=8))
    assert offsets(log.fetch(0, 0)) == ([0, 1, 5], 6)
    assert offsets(log.fetch(0, 6)) == ([], 8), "marks at the end of the log"
    assert offsets(log.fetch(0, 2)) == ([5], 6)


@pytest.mark.parametrize("start", [0, 4])
def test_beyond_the_end_nothing_is_known_although_the_consumer_starts_over(opened: Open, start: int) -> None:
    log = opened(Consumer(offsets=range(start, 9), end=9, start=start))
    assert offsets(log.fetch(0, 20)) == ([], 20)


def test_below_the_start_the_first_records_that_are_held_are_given(opened: Open) -> None:
    log = opened(Consumer(offsets=range(4, 9), end=9, start=4))
    assert offsets(log.fetch(0, 1)) == ([4, 5, 6], 7)


@pytest.mark.parametrize("tells_end", [True, False])
def test_a_broker_that_is_silent_proves_nothing(opened: Open, *, tells_end: bool) -> None:
    log = opened(Consumer(offsets=range(9), end=9, silent=True, tells_end=tells_end))
    assert offsets(log.fetch(0, 3)) == ([], 3)


def test_a_broker_that_fails_is_unavailable(opened: Open) -> None:
    with pytest.raises(BrokerUnavailable, match="KafkaTimeoutError"):
        opened(Consumer(offsets=range(9), end=9, fails=True)).fetch(0, 3)


def test_it_tells_the_incarnation_and_the_bounds(opened: Open) -> None:
    consumer: Any = Consumer(offsets=range(4, 9), end=9, start=4)
    log = opened(consumer)
    assert log.topic_id() == TOPIC_ID
    assert log.partitions() == [PartitionState(partition=0, log_start=4, committed=5)]
    assert log.log_start(0) == 4
    consumer._cluster.known = None
    assert log.topic_id() == NO_TOPIC_ID, "a broker that knows no incarnations"
