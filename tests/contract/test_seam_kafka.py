"""The Kafka seam: what ingest relies on, the same from the fake that ships and from a real broker with kafka-python.

The real broker is the embedded one, or Apache Kafka at `ALIGNMENT_MONITOR_TEST_KAFKA=host:port`; only the latter can
drop records on request.
"""

import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import pytest
from kafka import ConsumerRebalanceListener, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import CommitFailedError, IllegalStateError

from monitor.config import KafkaSettings
from monitor.intake import broker
from monitor.intake.fake import FakeConsumer, FakeLog
from workers.stack.supervisor import Stack

REAL = os.environ.get("ALIGNMENT_MONITOR_TEST_KAFKA", "")
WAIT_S = 40.0
POLL_MS = 400
SILENT_S = 3.0
"""A member that does not poll for so long is struck off."""


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[int]]] = []

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self.told.append(("revoked", numbers(revoked)))

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self.told.append(("lost", numbers(lost)))

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self.told.append(("assigned", numbers(assigned)))


def numbers(partitions: Iterable[TopicPartition]) -> list[int]:
    return sorted(tp.partition for tp in partitions)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A consumer, fake or real, and what its listener was told."""

    consumer: Any
    listener: Listener = field(default_factory=Listener)

    @property
    def share(self) -> list[int]:
        return numbers(self.consumer.assignment())


Polled = dict[int, list[int]]
"""Offsets by partition."""


class Kafka(Protocol):
    """What a scenario needs of a broker."""

    def create(self, topic: str, partitions: int) -> None: ...
    def delete(self, topic: str) -> None: ...
    def append(self, topic: str, partition: int, value: bytes | None, **more: Any) -> int: ...
    def delete_before(self, tp: TopicPartition, offset: int) -> None: ...
    def consumer(self, topic: str) -> Any: ...
    def together(self, polls: Sequence[Callable[[], Any]]) -> list[Any]: ...


class Fake:
    """The fake that ships."""

    def __init__(self) -> None:
        self._log = FakeLog(idle=lambda _seconds: None)

    def create(self, topic: str, partitions: int) -> None:
        self._log.create(topic, partitions=partitions)

    def delete(self, topic: str) -> None:
        """Nothing: to make it again is enough."""

    def append(self, topic: str, partition: int, value: bytes | None, **more: Any) -> int:
        return self._log.append(topic, partition, value, **more).offset

    def delete_before(self, tp: TopicPartition, offset: int) -> None:
        self._log.delete_before(tp.topic, tp.partition, offset)

    def consumer(self, topic: str) -> Any:
        return FakeConsumer(self._log, group_id=topic)

    def together(self, polls: Sequence[Callable[[], Any]]) -> list[Any]:
        return [poll() for poll in polls]


class Broker:
    """A real broker."""

    def __init__(self, address: str) -> None:
        # Apache Kafka allows no shorter session by default; the embedded broker lets a join wait for half of it.
        session_ms = 6000 if REAL else 2000
        self._settings = KafkaSettings(
            bootstrap_servers=address, session_timeout_ms=session_ms, heartbeat_interval_ms=session_ms // 5
        )
        self._producer: KafkaProducer = broker.producer(self._settings)
        self._pool = ThreadPoolExecutor(4)
        self._opened: list[Any] = []

    def create(self, topic: str, partitions: int) -> None:
        broker.ensure_topic(self._settings.model_copy(update={"topic": topic}), partitions=partitions)

    def delete(self, topic: str) -> None:
        admin = broker.admin(self._settings)
        admin.delete_topics([topic])
        deadline = time.monotonic() + WAIT_S
        while topic in admin.list_topics():
            assert time.monotonic() < deadline
        admin.close()

    def append(self, topic: str, partition: int, value: bytes | None, **more: Any) -> int:
        stamp = {"timestamp_ms": more.pop("timestamp")} if "timestamp" in more else {}
        sent = self._producer.send(topic, value=value, partition=partition, **more, **stamp)
        return int(sent.get(timeout=WAIT_S).offset)

    def delete_before(self, tp: TopicPartition, offset: int) -> None:
        admin = broker.admin(self._settings)
        admin.delete_records({tp: offset})
        admin.close()

    def consumer(self, topic: str) -> Any:
        more = {"topic": topic, "group_id": topic, "max_poll_interval_ms": int(SILENT_S * 1000)}
        made = broker.consumer(self._settings.model_copy(update=more), max_poll_records=500)
        self._opened.append(made)
        return made

    def together(self, polls: Sequence[Callable[[], Any]]) -> list[Any]:
        # A join waits for the other members: in one thread they would wait for each other.
        return [future.result() for future in [self._pool.submit(poll) for poll in polls]]

    def close(self) -> None:
        for one in self._opened:
            one.close()
        self._producer.close()
        self._pool.shutdown()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if REAL:
        yield REAL
        return
    with Stack(tmp_path_factory.mktemp("broker"), say=print, services=False) as stack:
        yield f"127.0.0.1:{stack.ports.kafka}"


@pytest.fixture(params=["fake", "broker"])
def kafka(request: pytest.FixtureRequest) -> Iterator[Kafka]:
    if request.param == "fake":
        yield Fake()
        return
    real = Broker(request.getfixturevalue("address"))
    yield real
    real.close()


@pytest.fixture(params=["fake", *(["broker"] if REAL else [])])
def forgetful(request: pytest.FixtureRequest) -> Iterator[Kafka]:
    """Give those that can drop records."""
    if request.param == "fake":
        yield Fake()
        return
    real = Broker(REAL)
    yield real
    real.close()


@pytest.fixture
def topic() -> str:
    return f"seam-{uuid.uuid4().hex[:10]}"


def fill(kafka: Kafka, topic: str, *, partitions: int = 1, each: int = 10) -> list[TopicPartition]:
    """Make a topic with `each` records in every partition."""
    kafka.create(topic, partitions)
    for partition in range(partitions):
        for number in range(each):
            assert kafka.append(topic, partition, b"%d" % number) == number
    return [TopicPartition(topic, partition) for partition in range(partitions)]


def member(kafka: Kafka, topic: str) -> Member:
    """Subscribe, and not join yet: that is what the first poll does."""
    made = Member(consumer=kafka.consumer(topic))
    made.consumer.subscribe([topic], listener=made.listener)
    return made


def poll(kafka: Kafka, *members: Member, until: Callable[[list[Polled]], bool], max_records: int = 500) -> list[Polled]:
    """Let members poll together until enough is there, and give the offsets that each has read."""
    read: list[Polled] = [{} for _ in members]
    deadline = time.monotonic() + WAIT_S

    def one(consumer: Any) -> Callable[[], Any]:
        return lambda: consumer.poll(timeout_ms=POLL_MS, max_records=max_records)

    while not until(read):
        assert time.monotonic() < deadline, f"waited in vain: {read} {[m.listener.told for m in members]}"
        for offsets, polled in zip(read, kafka.together([one(m.consumer) for m in members]), strict=True):
            for tp, records in polled.items():
                offsets.setdefault(tp.partition, []).extend(record.offset for record in records)
    return read


def joined(kafka: Kafka, topic: str, partitions: int = 1) -> Member:
    """Give a member that has all partitions and has read nothing that is not read again."""
    made = member(kafka, topic)
    poll(kafka, made, until=lambda _: len(made.share) == partitions)
    made.consumer.seek_to_beginning()
    return made


def enough(count: int) -> Callable[[list[Polled]], bool]:
    return lambda read: sum(len(offsets) for polled in read for offsets in polled.values()) >= count


def at(offset: int) -> OffsetAndMetadata:
    return OffsetAndMetadata(offset, "", -1)


def test_a_record_comes_back_as_it_was_written(kafka: Kafka, topic: str) -> None:
    kafka.create(topic, 1)
    headers = [("am-locale", b"tr"), ("am-locale", b"\xff")]
    kafka.append(topic, 0, b"\x00\xff{", key=b"c-1", headers=headers, timestamp=1_795_420_800_123)
    kafka.append(topic, 0, None, key=b"c-2", timestamp=0)
    reader = member(kafka, topic)
    found: list[Any] = []
    deadline = time.monotonic() + WAIT_S
    while len(found) < 2:
        assert time.monotonic() < deadline
        found += reader.consumer.poll(timeout_ms=POLL_MS).get(TopicPartition(topic, 0), [])
    assert [(r.topic, r.partition, r.offset, r.timestamp, r.timestamp_type, r.key, r.value) for r in found] == [
        (topic, 0, 0, 1_795_420_800_123, 0, b"c-1", b"\x00\xff{"),
        (topic, 0, 1, 0, 0, b"c-2", None),
    ]
    assert [list(r.headers) for r in found] == [headers, []]


def test_the_first_poll_joins_the_group_and_reading_begins_at_the_start(kafka: Kafka, topic: str) -> None:
    tps = fill(kafka, topic, partitions=3, each=2)
    reader = member(kafka, topic)
    assert reader.share == []
    assert reader.listener.told == []
    (read,) = poll(kafka, reader, until=enough(6))
    assert read == {0: [0, 1], 1: [0, 1], 2: [0, 1]}
    assert reader.listener.told == [("revoked", []), ("assigned", [0, 1, 2])]
    assert [reader.consumer.position(tp) for tp in tps] == [2, 2, 2]
    assert [reader.consumer.committed(tp) for tp in tps] == [None] * 3


def test_a_poll_gives_no_more_than_it_was_asked_for_and_the_next_one_goes_on(kafka: Kafka, topic: str) -> None:
    (tp,) = fill(kafka, topic)
    reader = member(kafka, topic)
    (read,) = poll(kafka, reader, until=enough(1), max_records=4)
    assert read == {0: [0, 1, 2, 3]}
    assert reader.consumer.position(tp) == 4
    (read,) = poll(kafka, reader, until=enough(1), max_records=4)
    assert read == {0: [4, 5, 6, 7]}


def test_after_a_seek_the_poll_gives_that_offset(kafka: Kafka, topic: str) -> None:
    (tp,) = fill(kafka, topic)
    reader = joined(kafka, topic)
    poll(kafka, reader, until=enough(1), max_records=2)
    reader.consumer.seek(tp, 7)
    assert reader.consumer.position(tp) == 7
    assert poll(kafka, reader, until=enough(3)) == [{0: [7, 8, 9]}]
    reader.consumer.seek_to_beginning(tp)
    assert reader.consumer.position(tp) == 0
    assert poll(kafka, reader, until=enough(10)) == [{0: list(range(10))}]


def test_a_paused_partition_gives_nothing_and_loses_nothing(kafka: Kafka, topic: str) -> None:
    first, second = fill(kafka, topic, partitions=2)
    reader = joined(kafka, topic, 2)
    reader.consumer.pause(first)
    assert reader.consumer.paused() == {first}
    assert poll(kafka, reader, until=enough(10)) == [{1: list(range(10))}]
    assert reader.consumer.poll(timeout_ms=POLL_MS) == {}
    reader.consumer.seek(first, 4)
    assert reader.consumer.position(first) == 4
    reader.consumer.resume(first, second)
    assert reader.consumer.paused() == set()
    assert poll(kafka, reader, until=enough(6)) == [{0: [4, 5, 6, 7, 8, 9]}]


def test_what_is_not_assigned_cannot_be_moved_or_paused(kafka: Kafka, topic: str) -> None:
    fill(kafka, topic)
    other = TopicPartition(topic, 9)
    reader = joined(kafka, topic)
    with pytest.raises(ValueError, match="Unassigned"):
        reader.consumer.seek(other, 0)
    with pytest.raises(ValueError, match="Unassigned"):
        reader.consumer.seek_to_beginning(other)
    with pytest.raises(ValueError, match="No partitions"):
        member(kafka, topic).consumer.seek_to_beginning()
    with pytest.raises(ValueError, match=">= 0"):
        reader.consumer.seek(TopicPartition(topic, 0), -1)
    with pytest.raises(IllegalStateError):
        reader.consumer.position(other)
    with pytest.raises(KeyError):
        reader.consumer.pause(other)
    reader.consumer.close()
    reader.consumer.close()
    with pytest.raises(IllegalStateError):
        reader.consumer.poll()


def test_the_broker_tells_the_bounds_of_the_log_and_which_incarnation_it_is(kafka: Kafka, topic: str) -> None:
    tps = fill(kafka, topic, partitions=2, each=3)
    reader = joined(kafka, topic, 2)
    assert reader.consumer.beginning_offsets(tps) == dict.fromkeys(tps, 0)
    assert reader.consumer.end_offsets(tps) == dict.fromkeys(tps, 3)
    assert reader.consumer.partitions_for_topic(topic) == {0, 1}
    assert reader.consumer.partitions_for_topic(f"{topic}-none") == set()
    assert isinstance(reader.consumer._cluster.topic_id(topic), UUID)
    assert reader.consumer._cluster.topic_id(f"{topic}-none") is None


def test_a_successor_begins_at_the_committed_offset_forwards_or_backwards(kafka: Kafka, topic: str) -> None:
    (tp,) = fill(kafka, topic)
    for committed in (8, 3):
        reader = joined(kafka, topic)
        reader.consumer.commit({tp: OffsetAndMetadata(committed, f"id-{committed}", -1)})
        assert reader.consumer.committed(tp) == committed
        # tansu forgets the metadata; who reads it must do without where there is none.
        assert reader.consumer.committed(tp, metadata=True).metadata in {f"id-{committed}", None}
        reader.consumer.close()
        assert reader.listener.told[-1] == ("revoked", [0])
        successor = member(kafka, topic)
        assert poll(kafka, successor, until=enough(10 - committed)) == [{0: list(range(committed, 10))}]
        successor.consumer.close()


def test_members_share_and_who_keeps_a_partition_keeps_its_position_uncommitted(kafka: Kafka, topic: str) -> None:
    """The trap of kafka-python 3: a partition that was revoked and given back goes on behind what was polled last."""
    tps = fill(kafka, topic, partitions=3)
    first = joined(kafka, topic, 3)
    poll(kafka, first, until=enough(30))
    second = member(kafka, topic)
    second.consumer.poll(timeout_ms=POLL_MS)
    assert len(first.share) == 3, "it has not heard of the rebalance: only a poll tells it"
    first.consumer.commit({tp: at(4) for tp in tps})
    (_, read) = poll(kafka, first, second, until=lambda r: len(first.share) < 3 and enough(6)(r))
    assert sorted(first.share + second.share) == [0, 1, 2]
    assert Counter(map(len, (first.share, second.share))) == {2: 1, 1: 1}
    assert first.listener.told[-2:] == [("revoked", [0, 1, 2]), ("assigned", first.share)]
    assert second.listener.told == [("revoked", []), ("assigned", second.share)]
    assert read == {partition: [4, 5, 6, 7, 8, 9] for partition in second.share}
    assert [first.consumer.position(TopicPartition(topic, partition)) for partition in first.share] == [10] * len(
        first.share
    )
    theirs = TopicPartition(topic, second.share[0])
    first.consumer.commit({theirs: at(1)})
    assert second.consumer.committed(theirs) == 1, "the broker takes a commit for a partition of another member"


def test_who_leaves_hands_over_and_the_one_that_stays_reads_on_from_what_is_committed(kafka: Kafka, topic: str) -> None:
    tps = fill(kafka, topic, partitions=2)
    first, second = member(kafka, topic), member(kafka, topic)
    poll(kafka, first, second, until=lambda r: enough(20)(r) and len(first.share) == len(second.share) == 1)
    mine, theirs = TopicPartition(topic, first.share[0]), TopicPartition(topic, second.share[0])
    second.consumer.commit({theirs: at(6)})
    second.consumer.close()
    (read,) = poll(kafka, first, until=lambda r: len(first.share) == 2 and enough(4)(r))
    assert read == {theirs.partition: [6, 7, 8, 9]}
    assert [first.consumer.position(tp) for tp in tps] == [10, 10]
    assert first.consumer.committed(mine) is None


def test_who_was_silent_is_struck_off_and_finds_out_by_its_commit(kafka: Kafka, topic: str) -> None:
    tps = fill(kafka, topic, partitions=2)
    zombie, other = member(kafka, topic), member(kafka, topic)
    poll(kafka, zombie, other, until=lambda r: enough(20)(r) and len(zombie.share) == len(other.share) == 1)
    before = zombie.share
    if isinstance(zombie.consumer, FakeConsumer):
        zombie.consumer.expel()
    poll(kafka, other, until=lambda _: len(other.share) == 2)
    assert zombie.share == before, "it does not know yet"
    with pytest.raises(CommitFailedError):
        zombie.consumer.commit({tp: at(5) for tp in tps})
    assert [other.consumer.committed(tp) for tp in tps] == [None, None]
    assert zombie.share == before
    with pytest.raises(CommitFailedError):
        zombie.consumer.commit({tp: at(5) for tp in tps})
    other.consumer.commit({tp: at(7) for tp in tps})
    told = len(zombie.listener.told)
    poll(kafka, zombie, other, until=lambda r: len(zombie.share) == len(other.share) == 1 and enough(3)(r[:1]))
    assert zombie.listener.told[told:] == [("lost", before), ("assigned", zombie.share)]
    assert zombie.consumer.position(TopicPartition(topic, zombie.share[0])) == 10


def test_a_topic_made_anew_forgets_what_was_committed_and_an_old_position_points_into_the_new_log(
    kafka: Kafka, topic: str
) -> None:
    (tp,) = fill(kafka, topic)
    reader = joined(kafka, topic)
    poll(kafka, reader, until=enough(10))
    reader.consumer.commit({tp: at(3)})
    known = reader.consumer._cluster.topic_id(topic)
    kafka.delete(topic)
    fill(kafka, topic, each=15)
    assert reader.consumer._cluster.topic_id(topic) == known, "nobody has told it yet"
    assert reader.consumer.committed(tp) is None
    reader.consumer.partitions_for_topic(f"{topic}-none")
    assert reader.consumer._cluster.topic_id(topic) not in {None, known}
    assert poll(kafka, reader, until=enough(5)) == [{0: [10, 11, 12, 13, 14]}]
    reader.consumer.close()
    successor = member(kafka, topic)
    assert poll(kafka, successor, until=enough(15)) == [{0: list(range(15))}]


def test_records_that_were_fetched_ahead_are_given_out_although_their_topic_is_gone(kafka: Kafka, topic: str) -> None:
    """The trap: they come when the consumer knows the new incarnation's id already."""
    (tp,) = fill(kafka, topic)
    reader = joined(kafka, topic)
    poll(kafka, reader, until=enough(3), max_records=3)
    known = reader.consumer._cluster.topic_id(topic)
    kafka.delete(topic)
    fill(kafka, topic, each=2)
    reader.consumer.partitions_for_topic(f"{topic}-none")
    assert reader.consumer._cluster.topic_id(topic) not in {None, known}
    assert poll(kafka, reader, until=enough(7)) == [{0: [3, 4, 5, 6, 7, 8, 9]}]
    reader.consumer.seek_to_beginning(tp)
    assert poll(kafka, reader, until=enough(2)) == [{0: [0, 1]}]


def test_what_retention_drops_moves_the_start_and_a_position_that_is_gone_goes_to_it(
    forgetful: Kafka, topic: str
) -> None:
    (tp,) = fill(forgetful, topic)
    reader = joined(forgetful, topic)
    forgetful.delete_before(tp, 6)
    assert reader.consumer.beginning_offsets([tp]) == {tp: 6}
    assert reader.consumer.end_offsets([tp]) == {tp: 10}
    for gone in (2, 50):
        reader.consumer.seek(tp, gone)
        assert poll(forgetful, reader, until=enough(4)) == [{0: [6, 7, 8, 9]}]


def test_records_that_were_fetched_ahead_are_given_out_after_retention_dropped_them(
    forgetful: Kafka, topic: str
) -> None:
    (tp,) = fill(forgetful, topic)
    reader = joined(forgetful, topic)
    assert poll(forgetful, reader, until=enough(2), max_records=2) == [{0: [0, 1]}]
    forgetful.delete_before(tp, 10)
    assert poll(forgetful, reader, until=enough(8)) == [{0: [2, 3, 4, 5, 6, 7, 8, 9]}]
