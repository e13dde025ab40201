"""The ingest worker: Kafka -> samples, dead letters, ledger -> commit -> hint (DESIGN §5).

One batch is in flight. A committed offset means that everything below it is recorded (I1). While ClickHouse is away
the partitions are paused and polling goes on, so that group membership is kept (I9). Rebalance listeners run on
kafka-python's IO thread: they only set flags (I12).
"""

import gc
import logging
import signal
import threading
from collections.abc import Iterable
from types import FrameType
from typing import Any
from uuid import UUID

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from monitor import metrics
from monitor.clock import Clock, SystemClock
from monitor.config import Settings, settings
from monitor.errors import BrokerUnavailable, Fatal, MonitorError, Retryable, StoreRejected
from monitor.intake import broker
from monitor.intake.holes import Hole, cells_of
from monitor.store.client import Store, spare_data_frames
from monitor.store.events import NO_TOPIC, EventKind, Journal
from monitor.store.migrate import migrate
from monitor.store.rows import to_columns
from monitor.telemetry import configure_logging
from workers.careful import Careful, Gathered, Portion
from workers.health import Health, serve
from workers.hints import Hints
from workers.positions import Positions
from workers.pressure import Pressure
from workers.rebalance import Listener
from workers.recorder import Hinting, Recorder

log = logging.getLogger("ingest")

MAX_BATCH_BYTES = 32 * 1024 * 1024
RETRY_FIRST_S, RETRY_MAX_S = 0.5, 15.0
KEEPALIVE_POLL_MS = 250
SLICE_S = 5.0
"""So long at most are portions settled before the next poll."""
GC_OBJECTS = 200_000


class Ingest:
    """The loop. `run` blocks until `stop` is called, then drains (I13); `step` is one round of it.

    What touches the world can be handed in, so that a test can drive several workers in one thread: `open` takes a
    store, a consumer and a sink for hints.
    """

    def __init__(self, settings: Settings, *, clock: Clock | None = None, health: Health | None = None) -> None:
        """Start with nothing connected."""
        self.settings = settings
        self.health = health or Health("ingest")
        self._clock = clock or SystemClock()
        self._stopping = threading.Event()
        self._listener = Listener()
        self._journal = Journal("ingest", self._clock)
        self._recorder = Recorder(settings, clock=self._clock, journal=self._journal, health=self.health)
        self._positions = Positions()
        self._topic_id = NO_TOPIC
        self._fresh: set[TopicPartition] = set()
        self._gathered: Gathered = {}
        self._holes: list[Hole] = []
        self._portion: Portion | None = None
        self._holding = False
        self._retry_at = self._delay = self._waiting_since = 0.0

    def stop(self) -> None:
        """Ask the loop to finish its batch, commit and return; safe from a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Consume until stopped.

        Raises:
            Fatal: a person must change something first.
            BrokerUnavailable: no broker answers at the start.
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
        self.open(store, consumer, hints)
        log.info("consuming", extra={"topic": self.settings.kafka.topic, "group": self.settings.kafka.group_id})
        try:
            while not self._stopping.is_set():
                self.step()
            self._drain()
        finally:
            consumer.close()
            hints.close()
            store.close()
            log.info("stopped", extra=self.health.counts())

    def open(self, store: Store, consumer: KafkaConsumer, hints: Hinting) -> None:
        """Take the connections and join the group."""
        self._store, self._consumer = store, consumer
        self._recorder.open(store, consumer, hints)
        self._careful = Careful(store)
        self._pressure = Pressure(
            limit=self.settings.ingest.max_due, scorers=self.settings.scoring.scorers, clock=self._clock
        )
        consumer.subscribe([self.settings.kafka.topic], listener=self._listener)

    def step(self) -> None:
        """Do one round: gather a batch and settle it, or wait a little where neither can be done."""
        if self._unsettled():
            early = self._clock.monotonic() < self._retry_at
            self._keep_membership(KEEPALIVE_POLL_MS if early else 0, ready=not self._waiting_since)
            if not early:
                self._settle_all()
        elif self._pressure.look(self._store) or self._holding:
            self._hold()
        else:
            if self._consumer.paused():
                self._caught_up()
            self._gather()
            self.health.beat(ready=bool(self._consumer.assignment()))
            if self._unsettled():
                self._settle_all()
                gc.collect()

    def _unsettled(self) -> bool:
        return bool(self._gathered or self._portion or self._fresh or self._holes)

    def _connect(self) -> Store | None:
        """Wait for ClickHouse and the schema; None if told to stop meanwhile."""
        delay = RETRY_FIRST_S
        while not self._stopping.is_set():
            try:
                migrate(self.settings.clickhouse)
                store = Store.connect(self.settings.clickhouse)
                self._recorder.refresh_policies(store)
            except Retryable as error:
                self.health.beat(ready=False)
                log.warning("waiting for ClickHouse", extra={"why": str(error)})
                self._stopping.wait(delay)
                delay = min(delay * 2, RETRY_MAX_S)
            else:
                return store
        return None

    def _gather(self) -> None:
        """Poll until the batch is full or its time is up."""
        limit = self.settings.ingest.max_records
        gathered = self._gathered
        count = size = 0
        deadline = self._clock.monotonic() + self.settings.ingest.max_wait_ms / 1000
        while not self._stopping.is_set():
            left_ms = int((deadline - self._clock.monotonic()) * 1000)
            if left_ms <= 0:
                break
            polled = self._consumer.poll(timeout_ms=left_ms, max_records=limit - count)
            # Before what was just polled is added: it was fetched after the rebalance.
            self._heed_rebalance()
            for tp, records in polled.items():
                gathered.setdefault(tp, []).extend(records)
                count += len(records)
                size += sum(len(r.value) for r in records if r.value is not None)
            if self._fresh or count >= limit or size >= MAX_BATCH_BYTES:
                break
        self._heed_topic()

    def _heed_topic(self) -> None:
        """Start over when the topic was made anew: its offsets mean other records now."""
        found = _topic_id(self._consumer, self.settings.kafka.topic)
        if found is None or found == self._topic_id:
            return
        known, self._topic_id = self._topic_id, found
        if known != NO_TOPIC:
            self._start_over(self._consumer.assignment(), "it was made anew while it was read")

    def _heed_rebalance(self) -> None:
        """Give up what was lost, and remember what must be looked up before it is recorded."""
        lost = self._listener.take_lost()
        if lost:
            given_up = sum(len(self._gathered.pop(tp, ())) for tp in lost)
            self._holes = [hole for hole in self._holes if hole.tp not in lost]
            self._positions.forget(lost)
            self._fresh -= lost
            if self._portion is not None:
                kept = {tp: rs for tp, rs in self._portion.records.items() if tp not in lost}
                given_up += sum(map(len, self._portion.records.values())) - sum(map(len, kept.values()))
                self._portion = Portion(records=kept, attempts=self._portion.attempts) if kept else None
            if given_up:
                # Another member may have these records now: what was recorded already is harmless (set union).
                self._note(EventKind.PARTITIONS_LOST, "warning", "a batch was given up after a rebalance", n=given_up)
        fresh = self._listener.take_fresh()
        if fresh or lost:
            self._fresh |= fresh
            log.info("partitions", extra={"held": sorted(tp.partition for tp in self._consumer.assignment())})

    def _settle_all(self) -> None:
        """Record and commit what was gathered; on a failure keep the rest and say when to try again."""
        until = self._clock.monotonic() + SLICE_S
        try:
            self._adopt()
            self._record_holes()
            while self._portion or self._gathered:
                if self._portion is None:
                    self._portion = self._careful.take(self._gathered, self._topic_id)
                self._recorder.settle(self._portion, self._topic_id)
                for tp, records in self._portion.records.items():
                    self._positions.advance(tp, records[-1].offset + 1)
                if self._portion.attempts:
                    self._careful.settled(self._portion)
                self._portion = None
                if self._clock.monotonic() > until or (self._stopping.is_set() and self._careful.slow(self._gathered)):
                    break
        except (Retryable, KafkaError) as error:
            self._back_off("cannot record the batch; nothing is committed", error)
        except StoreRejected as error:
            if not self._waiting_since:
                self._note(EventKind.STORE_REFUSED, "critical", f"ingest stands still: {error}")
                self._journal.flush(self._store)
            self._back_off("a ledger or dead-letter row was refused; nothing is committed", error)
        else:
            self._caught_up()

    def _adopt(self) -> None:
        """Look up where newly assigned partitions begin, and what is missing before the gathered records."""
        if self._fresh:
            stale = self._positions.adopt(self._fresh, self._topic_id, self._store, self._consumer)
            self._careful.assigned(self._fresh)
            for tp in self._fresh:
                self._gathered.pop(tp, None)
                start = self._positions.start(tp)
                if start is None:
                    self._consumer.seek_to_beginning(tp)
                else:
                    self._consumer.seek(tp, start)
            self._fresh = set()
            if stale:
                self._start_over(stale, "the committed offsets are of an earlier topic of this name")
        if self._portion is None:
            seen = (
                hole
                for tp, records in self._gathered.items()
                for hole in self._positions.holes(tp, records, self._consumer)
            )
            self._holes = list(self._positions.unrecorded(seen, self._topic_id, self._store))

    def _record_holes(self) -> None:
        self._positions.begin(self._holes)
        for cell in cells_of(self._holes, self._topic_id):
            self._store.insert("offset_ledger_in", to_columns([cell]))
        for hole in self._holes:
            self._positions.advance(hole.tp, hole.last + 1)
            if hole.kind == "lost":
                metrics.LOST.inc(hole.size)
                self._note(
                    EventKind.RETENTION_LOSS,
                    "critical",
                    "Kafka dropped records before they were read",
                    partition=hole.tp.partition,
                    first_offset=hole.first,
                    last_offset=hole.last,
                    n=hole.size,
                )
        self._holes = []

    def _back_off(self, what: str, error: Exception) -> None:
        """Set the time of the next try; until then the loop only keeps its membership."""
        now = self._clock.monotonic()
        self._waiting_since = self._waiting_since or now
        self._delay = min(self._delay * 2, RETRY_MAX_S) if self._delay else RETRY_FIRST_S
        self._retry_at = now + self._delay
        metrics.RETRIES.inc()
        metrics.PAUSED.labels(cause="store").set(1)
        self.health.beat(ready=False)
        log.warning(what, extra={"why": str(error) if isinstance(error, MonitorError) else type(error).__name__})

    def _caught_up(self) -> None:
        """Take up reading again, if it was paused and nothing is left."""
        if self._waiting_since:
            waited = self._clock.monotonic() - self._waiting_since
            self._note(EventKind.STORE_AWAY, "warning", f"ingest waited {waited:.0f} s before a batch was recorded")
            self._waiting_since = self._delay = self._retry_at = 0.0
            metrics.PAUSED.labels(cause="store").set(0)
        if not self._unsettled():
            self._consumer.resume(*self._consumer.paused())
        self._journal.flush(self._store)

    def _hold(self) -> None:
        """Wait while too much is due; say so when it begins and when it ends."""
        high, due = self._pressure.high, self._pressure.due
        if high != self._holding:
            self._holding = high
            metrics.PAUSED.labels(cause="back_pressure").set(high)
            detail = f"{due} verdicts are due: ingest waits for the scorers" if high else "ingest goes on"
            self._note(EventKind.BACK_PRESSURE, "warning" if high else "info", detail, n=due)
            self._journal.flush(self._store)
        if high:
            self._keep_membership(ready=True)
        else:
            self._consumer.resume(*self._consumer.paused())

    def _keep_membership(self, timeout_ms: int = KEEPALIVE_POLL_MS, *, ready: bool) -> None:
        self._consumer.pause(*self._consumer.assignment())
        surprise = self._consumer.poll(timeout_ms=timeout_ms)
        for tp, records in surprise.items():
            # A partition assigned during the wait delivered before it was paused: read these again later.
            self._consumer.seek(tp, records[0].offset)
        self._heed_rebalance()
        self.health.beat(ready=ready)

    def _start_over(self, partitions: Iterable[TopicPartition], why: str) -> None:
        """Read these from their beginning: they are of another incarnation of the topic."""
        todo = set(partitions)
        for tp in todo:
            self._gathered.pop(tp, None)
        self._positions.forget(todo)
        if todo:
            # None in the middle of a rebalance: what is assigned next is looked up as always.
            self._consumer.seek_to_beginning(*todo)
        self._note(EventKind.TOPIC_RECREATED, "critical", f"the topic is read from its beginning: {why}", n=len(todo))

    def _drain(self) -> None:
        """Settle what is in hand, once; what cannot be recorded stays uncommitted and is read again."""
        if self._unsettled() and not self._waiting_since:
            # Not after a failure: a server that hangs would hold the drain beyond its grace period.
            self._settle_all()
        if self._gathered or self._portion:
            log.warning("stopped with an unrecorded batch; it stays uncommitted and will be read again")
            return
        self._note(EventKind.DRAINED, "info", "stopped cleanly", n=self.health.counts().get("consumed", 0))
        self._journal.flush(self._store)

    def _note(self, kind: EventKind, severity: Any, detail: str, **fields: int) -> None:
        self._journal.note(kind, severity, detail, topic=self.settings.kafka.topic, topic_id=self._topic_id, **fields)


def _topic_id(consumer: KafkaConsumer, topic: str) -> UUID | None:
    """Give the topic's incarnation, once it is known; a broker before 2.8 has none."""
    found = consumer._cluster.topic_id(topic)  # noqa: SLF001 - kafka-python has no public way to it
    return found if isinstance(found, UUID) else None


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
