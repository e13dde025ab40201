"""The ingest worker: Kafka -> samples, dead letters, ledger -> commit -> hint (DESIGN §5).

One batch is in flight. A committed offset means that everything below it is recorded (I1). While ClickHouse is away
the partitions are paused and polling goes on, so that group membership is kept (I9). Rebalance listeners run on
kafka-python's IO thread: they only set flags (I12).
"""

import gc
import logging
import signal
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any
from uuid import UUID

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import CommitFailedError, KafkaError

from monitor.clock import Clock, SystemClock
from monitor.config import Settings, settings
from monitor.errors import BrokerUnavailable, Fatal, MonitorError, Retryable, StoreRejected
from monitor.intake import broker
from monitor.intake.batch import Batch, Record, Sifter
from monitor.store import policies
from monitor.store.client import Store, spare_data_frames
from monitor.store.migrate import migrate
from monitor.store.record import record
from monitor.telemetry import configure_logging
from workers.health import Health, serve
from workers.hints import Hints

log = logging.getLogger("ingest")

MAX_BATCH_BYTES = 32 * 1024 * 1024
POLICY_REFRESH_S = 60.0
RETRY_FIRST_S, RETRY_MAX_S = 0.5, 15.0
KEEPALIVE_POLL_MS = 250
GC_OBJECTS = 200_000


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes what changed; the loop acts on it."""

    def __init__(self) -> None:
        self.lost: set[TopicPartition] = set()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self.lost.update(revoked)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self.lost.update(lost)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """New partitions need nothing: their positions are the committed ones."""


@dataclass
class Ingest:
    """The loop. Blocks in `run` until `stop` is called, then drains (I13)."""

    settings: Settings
    clock: Clock = field(default_factory=SystemClock)
    health: Health = field(default_factory=lambda: Health("ingest"))

    def __post_init__(self) -> None:
        """Start with nothing connected."""
        self._stopping = threading.Event()
        self._listener = _Listener()
        self._policies_at = 0.0
        self._sifter: Sifter | None = None

    def stop(self) -> None:
        """Ask the loop to finish its batch, commit and return; safe from a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Consume until stopped.

        Raises:
            Fatal: a person must change something first.
        """
        spare_data_frames()
        store = self._connect()
        if store is None:
            return
        hints = Hints(self.settings)
        hints.warm()
        consumer = broker.consumer(self.settings.kafka, max_poll_records=self.settings.ingest.max_records)
        # What is loaded by now stays for good: the collector need not look at it with every batch (13 % of the time).
        gc.collect()
        gc.freeze()
        # A batch is many small objects, and the default looks through them thirty times while it is read: look once,
        # after the batch, when little is left. Never looking lets kafka-python's responses pile up.
        gc.set_threshold(GC_OBJECTS)
        consumer.subscribe([self.settings.kafka.topic], listener=self._listener)
        log.info("consuming", extra={"topic": self.settings.kafka.topic, "group": self.settings.kafka.group_id})
        try:
            while not self._stopping.is_set():
                records = self._gather(consumer)
                self.health.beat(ready=bool(consumer.assignment()))
                if records:
                    self._settle(consumer, store, hints, records)
                    del records
                    gc.collect()
        finally:
            consumer.close()
            hints.close()
            store.close()
            log.info("stopped", extra=self.health.counts())

    def _connect(self) -> Store | None:
        """Wait for ClickHouse and the schema; None if told to stop meanwhile."""
        delay = RETRY_FIRST_S
        while not self._stopping.is_set():
            try:
                migrate(self.settings.clickhouse)
                store = Store.connect(self.settings.clickhouse)
                self._refresh_policies(store)
            except Retryable as error:
                self.health.beat(ready=False)
                log.warning("waiting for ClickHouse", extra={"why": str(error)})
                self._stopping.wait(delay)
                delay = min(delay * 2, RETRY_MAX_S)
            else:
                return store
        return None

    def _gather(self, consumer: KafkaConsumer) -> dict[TopicPartition, list[Any]]:
        """Poll until the batch is full or its time is up."""
        limit, wait_ms = self.settings.ingest.max_records, self.settings.ingest.max_wait_ms
        gathered: dict[TopicPartition, list[Any]] = {}
        count = size = 0
        deadline = time.monotonic() + wait_ms / 1000
        while True:
            left_ms = int((deadline - time.monotonic()) * 1000)
            if left_ms <= 0 or self._stopping.is_set():
                return gathered
            for partition, records in consumer.poll(timeout_ms=left_ms, max_records=limit - count).items():
                gathered.setdefault(partition, []).extend(records)
                count += len(records)
                size += sum(len(r.value) for r in records if r.value is not None)
            if count >= limit or size >= MAX_BATCH_BYTES:
                return gathered

    def _settle(
        self, consumer: KafkaConsumer, store: Store, hints: Hints, records: dict[TopicPartition, list[Any]]
    ) -> None:
        """Record and commit one batch, however long that takes; give it up only if its partitions are lost."""
        delay, paused = RETRY_FIRST_S, False
        self._listener.lost.clear()
        while True:
            if self._listener.lost:
                # Another member may have these records now: what was recorded already is harmless (set union).
                records = {tp: rs for tp, rs in records.items() if tp not in self._listener.lost}
                if not records:
                    log.warning("batch discarded: its partitions were lost")
                    break
            try:
                batch = record(store, self._sift(consumer, store, records))
            except Retryable as error:
                self.health.beat(ready=False)
                log.warning("cannot record the batch; nothing is committed", extra={"why": str(error)})
            except StoreRejected as error:
                self.health.beat(ready=False)
                log.critical("a ledger or dead-letter row was refused; nothing is committed", extra={"why": str(error)})
            else:
                self._commit(consumer, records, batch)
                hints.send(batch.sampled)
                self.health.count(consumed=batch.consumed, sampled=len(batch.sampled), dead=len(batch.dead), batches=1)
                break
            if self._stopping.is_set():
                log.warning("stopped with an unrecorded batch; it stays uncommitted and will be read again")
                return
            if not paused:
                consumer.pause(*consumer.assignment())
                paused = True
            self._keep_membership(consumer, delay)
            delay = min(delay * 2, RETRY_MAX_S)
        if paused:
            consumer.resume(*consumer.paused())

    def _keep_membership(self, consumer: KafkaConsumer, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping.is_set():
            consumer.pause(*consumer.assignment())
            surprise = consumer.poll(timeout_ms=KEEPALIVE_POLL_MS)
            for partition, records in surprise.items():
                # A partition assigned during the wait delivered before it was paused: read these again later.
                consumer.seek(partition, records[0].offset)
            self.health.beat(ready=False)

    def _sift(self, consumer: KafkaConsumer, store: Store, records: dict[TopicPartition, list[Any]]) -> Batch:
        if self._sifter is None or time.monotonic() - self._policies_at > POLICY_REFRESH_S:
            self._sifter = self._refresh_policies(store)
        parts: list[tuple[str, UUID, int, list[Record]]] = [
            (tp.topic, _topic_id(consumer, tp.topic), tp.partition, rs) for tp, rs in records.items()
        ]
        return self._sifter.sift(parts)

    def _refresh_policies(self, store: Store) -> Sifter:
        self._sifter = Sifter(
            sampling_key=self.settings.sampling.key.get_secret_value().encode(),
            pseudonym_key=self.settings.privacy.pseudonym_key.get_secret_value().encode(),
            policies=policies.ensure(store, self.settings.sampling.strata, self.clock),
            max_message_bytes=self.settings.kafka.max_message_bytes,
        )
        self._policies_at = time.monotonic()
        return self._sifter

    def _commit(self, consumer: KafkaConsumer, records: dict[TopicPartition, list[Any]], batch: Batch) -> None:
        mine = consumer.assignment()
        offsets = {tp: OffsetAndMetadata(batch.next_offsets[tp.partition], "", -1) for tp in records if tp in mine}
        if not offsets:
            return
        try:
            consumer.commit(offsets)
        except CommitFailedError:
            log.warning("commit refused after a rebalance; the new owner reads these records again")
        except KafkaError as error:
            # The next commit covers this one; until then a restart would only record the same again.
            log.warning("commit failed", extra={"why": type(error).__name__})


def _topic_id(consumer: KafkaConsumer, topic: str) -> UUID:
    """Give the topic's incarnation; a broker before 2.8 has none, and then all incarnations look alike."""
    found = consumer._cluster.topic_id(topic)  # noqa: SLF001 - kafka-python has no public way to it
    return found if isinstance(found, UUID) else UUID(int=0)


def main() -> int:
    """Run the worker until SIGTERM or SIGINT; 0 after a clean drain, 1 when it could not run."""
    configure_logging()
    try:
        config = settings()
        ingest = Ingest(config)

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            ingest.stop()

        signal.signal(signal.SIGTERM, on_signal)
        signal.signal(signal.SIGINT, on_signal)
        with serve(ingest.health, config.ingest.health_port):
            ingest.run()
    except (Fatal, BrokerUnavailable) as error:
        log.critical("cannot run: %s", error)
        return 1
    except MonitorError:
        log.exception("stopped by an error")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
