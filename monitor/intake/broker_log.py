"""Kafka's log, read at given offsets, outside of the group's work: it joins no group and commits nothing."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self
from uuid import UUID

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from monitor.config import KafkaSettings
from monitor.errors import BrokerUnavailable
from monitor.intake import broker
from monitor.intake.batch import Record

ANSWER_MS = 10_000
PATIENCE_S, AT_END_S = 10.0, 1.0
"""How long a fetch waits for a record; less where the log is known to end there."""
POLL_MS = 200
NO_TOPIC_ID = UUID(int=0)
"""The incarnation of every topic on a broker that knows none (before 2.8)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PartitionState:
    """What Kafka says of one partition. Not its end: the embedded broker tells the start of its last batch."""

    partition: int
    log_start: int
    """The first offset that can still be read."""
    committed: int | None
    """Below it our group has read everything; None = it has committed nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """One answer: the records at or after the asked offset, in order, and where the next one would be.

    Offsets between the asked one and `next_offset` for which there is no record have none in this log. Where
    `next_offset` is the asked one, nothing is known.
    """

    records: Sequence[Record]
    next_offset: int


class Log(Protocol):
    """The seam: what gap checks and mending need of Kafka. Every call blocks and may raise BrokerUnavailable."""

    def topic_id(self) -> UUID | None:
        """Give the topic's incarnation; None = there is no such topic."""
        ...

    def partitions(self) -> list[PartitionState]:
        """Give the state of each partition."""
        ...

    def log_start(self, partition: int) -> int:
        """Give the first offset that can be read now."""
        ...

    def fetch(self, partition: int, offset: int) -> Fetched:
        """Read some records from `offset` on."""
        ...


class KafkaLog:
    """The real one; a context manager."""

    def __init__(self, settings: KafkaSettings, *, max_records: int = 1000) -> None:
        """Connect.

        Raises:
            BrokerUnavailable: no broker answers at the address in the settings.
        """
        self._topic = settings.topic
        self._max_records = max_records
        self._consumer: Any = broker.consumer(settings, max_poll_records=max_records)
        self._reading: TopicPartition | None = None
        self._next: int | None = None

    def __enter__(self) -> Self:
        """Close on leaving."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the connections back."""
        self._consumer.close()

    def topic_id(self) -> UUID | None:
        """Give the topic's incarnation; None = there is no such topic."""
        if not self._numbers():
            return None
        return topic_id_of(self._consumer, self._topic)

    def partitions(self) -> list[PartitionState]:
        """Give the state of each partition."""
        found = [TopicPartition(self._topic, number) for number in self._numbers()]
        try:
            starts = self._consumer.beginning_offsets(found, timeout_ms=ANSWER_MS) if found else {}
            return [
                PartitionState(
                    partition=tp.partition,
                    log_start=starts[tp],
                    committed=self._consumer.committed(tp, timeout_ms=ANSWER_MS),
                )
                for tp in found
            ]
        except KafkaError as error:
            raise _silent("offsets", error) from error

    def log_start(self, partition: int) -> int:
        """Give the first offset that can be read now."""
        tp = TopicPartition(self._topic, partition)
        try:
            return int(self._consumer.beginning_offsets([tp], timeout_ms=ANSWER_MS)[tp])
        except KafkaError as error:
            raise _silent("offsets", error) from error

    def fetch(self, partition: int, offset: int) -> Fetched:
        """Read some records from `offset` on; nothing after `PATIENCE_S` seconds without one."""
        tp = TopicPartition(self._topic, partition)
        began = time.monotonic()
        try:
            if self._reading != tp:
                self._consumer.assign([tp])
                self._reading, self._next = tp, None
            if offset != self._next:
                # A seek throws away what was fetched ahead.
                self._consumer.seek(tp, offset)
            self._next = None
            while True:
                polled = self._consumer.poll(timeout_ms=POLL_MS, max_records=self._max_records).get(tp, [])
                position = self._consumer.position(tp, timeout_ms=ANSWER_MS)
                if polled and polled[0].offset < offset:
                    # Beyond the log's end: kafka-python went back to its start.
                    return Fetched(records=[], next_offset=offset)
                if polled or (position is not None and position > offset):
                    self._next = position
                    return Fetched(records=polled, next_offset=max(position or 0, offset))
                waited = time.monotonic() - began
                end = self._consumer.highwater(tp)
                if waited > (AT_END_S if end is not None and offset >= end else PATIENCE_S):
                    return Fetched(records=[], next_offset=offset)
        except KafkaError as error:
            raise _silent("records", error) from error

    def _numbers(self) -> list[int]:
        try:
            return sorted(self._consumer.partitions_for_topic(self._topic) or ())
        except KafkaError as error:
            raise _silent("topics", error) from error


def topic_id_of(consumer: KafkaConsumer, topic: str) -> UUID:
    """Give the incarnation of a topic whose metadata the consumer has."""
    found = consumer._cluster.topic_id(topic)  # noqa: SLF001 - kafka-python has no public way to it
    return found if isinstance(found, UUID) else NO_TOPIC_ID


def _silent(what: str, error: Exception) -> BrokerUnavailable:
    return BrokerUnavailable(f"Kafka does not tell {what} ({type(error).__name__}); check that the broker runs")
