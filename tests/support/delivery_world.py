"""Kafka, ClickHouse, Redis and workers in one thread, all fakes but for the workers: what the delivery machine drives.

Crashes are exceptions that nobody catches, time stands still until somebody waits, and nothing is random but ids.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from clickhouse_connect.driver.exceptions import OperationalError
from kafka import OffsetAndMetadata, TopicPartition
from pydantic import SecretStr

from monitor.clock import FixedClock
from monitor.config import IngestSettings, KafkaSettings, PrivacySettings, SamplingSettings, Settings
from monitor.errors import QueueUnavailable, StoreUnavailable
from monitor.intake.batch import Sampled
from monitor.intake.fake import FakeConsumer, FakeLog, FakeRecord
from monitor.intake.interaction import Interaction
from monitor.intake.sampling import Stratum
from monitor.scoring.verdict import Result, ScorerIdentity, Verdict
from monitor.store.due import EVER, find_due, score_due
from monitor.store.fake import FakeDatabase, FakeStore, Hook
from tests.support.oracle import Produced
from workers.celery_app import chunks
from workers.hint_queue_fake import FakeHintQueue, Hint
from workers.ingest import Ingest

START = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
TOPIC, GROUP, PARTITIONS = "chat", "group", 2
KEY = SecretStr("a-key-of-enough-bytes-0123")
SESSION_S = 0.5
"""A poll that finds nothing waits for a fifth of it."""
UNSTORABLE = "UNSTORABLE"
"""ClickHouse refuses a sample whose text holds this."""
DEADLY = b'{"messages":[{"role":"assistant","content":"a"}]}'
"""The value of a record whose key kills the worker: without a conversation id, the key is looked at."""

Place = tuple[UUID, int, int]
"""Incarnation, partition and offset."""
Outcome = tuple[int, str, str]
"""Window, stratum and what became of the record."""


class Crash(BaseException):
    """The process is gone at this point."""


class DeadlyKey(bytes):
    """A record's key that kills whoever decodes it."""

    def decode(self, *_: Any, **__: Any) -> str:
        """Kill the process."""
        raise Crash


class LengthScorer:
    """Gives a verdict that is a pure function of the answer."""

    def __init__(self, dimension: str, divisor: int) -> None:
        self._divisor = divisor
        self._identity = ScorerIdentity(kind="rule", name=f"length-{divisor}", dimension=dimension, code_version="1")

    @property
    def identity(self) -> ScorerIdentity:
        return self._identity

    def score(self, batch: list[Interaction]) -> list[Result]:
        return [self.judge(one.answer) for one in batch]

    def judge(self, answer: str) -> Verdict:
        """Judge one answer."""
        return Verdict(value=float(len(answer) % self._divisor == 0), label="", reason="")


SCORERS = (LengthScorer("two", 2), LengthScorer("three", 3))


class WatchedStore(FakeStore):
    """Checks after every insert that what was taken can be read (I3)."""

    def __init__(self, database: FakeDatabase, *, hook: Hook, recorded: Callable[[Place], None] | None = None) -> None:
        super().__init__(database, hook=hook)
        self._recorded = recorded or (lambda _place: None)

    def insert(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        """Insert, then look."""
        super().insert(table, columns)
        if table == "samples" and columns:
            there = {row["sample_id"].int for row in self.database.tables["samples"].rows}
            assert set(columns[1]) <= there, "rows were lost by their insert's token"
        if table == "offset_ledger_in" and columns:
            cells = self.database.ledger.cells.items()
            for topic_id, partition, offsets in zip(columns[1], columns[2], columns[6], strict=True):
                there = {o for key, held in cells if key[1:3] == (topic_id, partition) for o in held}
                assert set(offsets) <= there, "offsets were lost by their insert's token"
                for offset in offsets:
                    self._recorded((topic_id, partition, offset))


class WatchedConsumer(FakeConsumer):
    """Tells when a poll has given records."""

    polled: Callable[[], None]

    def poll(self, timeout_ms: int = 0, max_records: int | None = None) -> dict[TopicPartition, list[FakeRecord]]:
        """Poll, then tell."""
        found = super().poll(timeout_ms, max_records)
        if found:
            self.polled()
        return found


class DirectHints:
    """Hints without a thread: as `workers.hints.Hints`, a failure is shrugged off."""

    def __init__(self, queue: FakeHintQueue) -> None:
        self._queue = queue

    def send(self, sampled: Sequence[Sampled]) -> None:
        """Send what the queue takes."""
        try:
            for window, ids in chunks(((one.window, str(one.position.sample_id)) for one in sampled), 3):
                self._queue.send(window, ids)
        except QueueUnavailable:
            pass


@dataclass(kw_only=True)
class Worker:
    """One ingest process."""

    ingest: Ingest
    consumer: FakeConsumer
    store: FakeStore
    plan: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What happens the next time that a point is passed, such as `before samples` or `after commit`."""


@lru_cache
def settings(rest: float) -> Settings:
    """Give settings of small batches; `rest` is the probability of what is not Turkish."""
    turkish = Stratum(name="turkish", when={"locale": ("tr",)}, probability=0.9)
    return Settings(
        sampling=SamplingSettings(key=KEY, strata=(turkish, Stratum(name="rest", probability=rest))),
        privacy=PrivacySettings(pseudonym_key=KEY),
        kafka=KafkaSettings(topic=TOPIC, group_id=GROUP),
        ingest=IngestSettings(max_records=6, max_wait_ms=100, max_due=0),
    )


class World:
    """Everything outside the workers, and the workers."""

    def __init__(self) -> None:
        """Start with an empty topic and nobody running."""
        self.clock = FixedClock(START)
        self.database = FakeDatabase(clock=self.clock)
        self.mend()
        seen = FakeDatabase(clock=self.clock)
        seen.tables, seen.ledger = self.database.tables, self.database.ledger
        self.eyes = FakeStore(seen)
        """Reads what is stored, whatever is wrong with ClickHouse."""
        self.log = FakeLog(idle=self.clock.advance)
        self.queue = FakeHintQueue()
        self.rest = 0.5
        """What workers that start from now on are told of the sampling policy."""
        self.workers: list[Worker] = []
        self.ghosts: list[tuple[float, Worker]] = []
        """When the dead died, of whom the broker does not know yet."""
        self.produced: dict[UUID, dict[tuple[int, int], Produced]] = {}
        self.deadly: set[Place] = set()
        self.recordless: set[Place] = set()
        """Offsets that never held a record."""
        self.dropped: dict[tuple[UUID, int], int] = {}
        """Where the log starts after retention."""
        self.never_ours: dict[tuple[UUID, int], int] = {}
        """Below this, records were dropped before the service had seen anything of the partition."""
        self.too_late: set[Place] = set()
        """What was dropped by retention, and recorded by a zombie that had read it before: lost, and not lost."""
        self.misled: set[TopicPartition] = set()
        """Partitions whose committed offset is of an earlier incarnation: Kafka takes such a commit."""
        self.make_topic()

    @property
    def topic_id(self) -> UUID:
        """The incarnation that Kafka has."""
        found = self.log.topic_id(TOPIC)
        assert found is not None
        return found

    @property
    def committed(self) -> dict[TopicPartition, int]:
        """What the group has committed."""
        return {tp: offset.offset for tp, offset in self.log.group(GROUP).offsets.items()}

    def mend(self) -> None:
        """Let ClickHouse work again, but for what it never takes."""
        self.database.heal()
        self.database.refuse("samples", lambda row: UNSTORABLE in row["messages"])

    def make_topic(self) -> None:
        """Make the topic, or make it anew."""
        self.produced[self.log.create(TOPIC, partitions=PARTITIONS)] = {}
        self.misled.clear()

    def produce(self, partition: int, value: bytes | None, *, hours: float = 0.0) -> None:
        """Write a record that is stamped now, or some hours off."""
        key = DeadlyKey(b"c-1") if value == DEADLY else None
        stamp = int((self.clock.now().timestamp() + hours * 3600) * 1000)
        record = self.log.append(TOPIC, partition, value, key=key, timestamp=stamp)
        self.produced[self.topic_id][partition, record.offset] = Produced(
            partition=partition, offset=record.offset, timestamp=stamp, key=key, value=value
        )
        if key is not None:
            self.deadly.add((self.topic_id, partition, record.offset))

    def skip(self, partition: int, count: int) -> None:
        """Use up offsets without records."""
        end = self.log.bounds(TopicPartition(TOPIC, partition))[1]
        self.log.skip(TOPIC, partition, count)
        self.recordless |= {(self.topic_id, partition, end + n) for n in range(count)}

    def drop(self, partition: int, kept: int) -> None:
        """Let retention take all but the newest offsets."""
        tp, place = TopicPartition(TOPIC, partition), (self.topic_id, partition)
        start, end = self.log.bounds(tp)
        self.dropped[place] = max(start, end - kept)
        self.log.delete_before(TOPIC, partition, self.dropped[place])
        recorded = any(key[1:3] == place for key in self.database.ledger.cells)
        if not recorded and (tp not in self.committed or tp in self.misled):
            self.never_ours[place] = self.dropped[place]

    def rewind(self, partition: int, count: int) -> None:
        """Move the group's offset back; who is reading does not hear of it."""
        tp = TopicPartition(TOPIC, partition)
        if tp in self.committed:
            self.log.group(GROUP).offsets[tp] = OffsetAndMetadata(max(0, self.committed[tp] - count), "", -1)

    def start(self) -> Worker | None:
        """Start a worker as `Ingest.run` does; None if ClickHouse is away."""
        worker: Worker | None = None

        def passing(when: str, what: str) -> None:
            assert worker is not None
            act = worker.plan.pop(f"{when} {what}", None)
            if act is not None:
                act()

        def committing(when: str, offsets: Mapping[TopicPartition, Any]) -> None:
            assert worker is not None
            if when == "after" and worker.ingest._topic_id != self.topic_id:
                self.misled |= offsets.keys()
            elif when == "after":
                self.misled -= offsets.keys()
            passing(when, "commit")

        def recorded(place: Place) -> None:
            zombie = not self.log.group(GROUP).knows(consumer._member)
            if zombie and place[2] < self.dropped.get(place[:2], 0):
                self.too_late.add(place)

        store = WatchedStore(self.database, hook=passing, recorded=recorded)
        consumer = WatchedConsumer(self.log, group_id=GROUP, fetch_records=4, commit_hook=committing)
        consumer.polled = lambda: passing("after", "poll")
        worker = Worker(ingest=Ingest(settings(self.rest), clock=self.clock), consumer=consumer, store=store)
        try:
            worker.ingest._recorder.refresh_policies(store)
        except StoreUnavailable:
            return None
        worker.ingest.open(store, cast("Any", consumer), DirectHints(self.queue))
        self.workers.append(worker)
        return worker

    def step(self, worker: Worker) -> None:
        """Let a worker do one round, which may be its last; the dead do nothing."""
        if worker not in self.workers:
            return
        self.bury()
        try:
            worker.ingest.step()
        except Crash:
            self.kill(worker)

    def kill(self, worker: Worker) -> None:
        """Take a worker away; the broker finds out later."""
        self.workers.remove(worker)
        self.ghosts.append((self.clock.monotonic(), worker))

    def bury(self) -> None:
        """Strike off the dead whose sessions have timed out."""
        until = self.clock.monotonic() - SESSION_S
        for _, ghost in [one for one in self.ghosts if one[0] <= until]:
            ghost.consumer.expel()
        self.ghosts = [one for one in self.ghosts if one[0] > until]

    def leave(self, worker: Worker) -> None:
        """Stop a worker as SIGTERM does."""
        try:
            worker.ingest.stop()
            worker.ingest._drain()
        except Crash:
            self.kill(worker)
            return
        worker.consumer.close()
        self.workers.remove(worker)

    def due(self) -> list[tuple[int, UUID]]:
        """Give what is due."""
        found = find_due(self.eyes, SCORERS, oldest=EVER, settled_s=0, limit=10_000)
        return [(one.window, one.sample_id) for one in found]

    def hint_again(self) -> None:
        """Send hints for what is due, as reconcile does, if ClickHouse and Redis are there."""
        try:
            self.database.check()
            for window, ids in chunks(((window, str(sample_id)) for window, sample_id in self.due()), 3):
                self.queue.send(window, ids, again=True)
        except (OperationalError, QueueUnavailable):
            return

    def score(self, hint: Hint, plan: dict[str, Callable[[], None]] | None = None) -> None:
        """Score as a task does; `plan` says what happens at which point."""
        points = plan or {}

        def passing(when: str, table: str) -> None:
            act = points.pop(f"{when} {table}", None)
            if act is not None:
                act()

        store = WatchedStore(self.database, hook=passing)
        try:
            score_due(store, SCORERS, window=hint.window, ids=[UUID(one) for one in hint.sample_ids], clock=self.clock)
        except (Crash, StoreUnavailable):
            return

    def ledger(self) -> list[tuple[Place, Outcome]]:
        """Give what the ledger says; no offset stands in it twice."""
        rows = self.eyes.query("ledger_offsets", topic=TOPIC)
        found = [
            ((row["topic_id"], row["partition"], offset), (row["window"], row["stratum"], row["outcome"]))
            for row in rows
            for offset in row["offsets"]
        ]
        double = {place for place, n in Counter(place for place, _ in found).items() if n > 1}
        wrong = [one for one in found if one[0] in double - self.too_late]
        assert not wrong, f"two outcomes: {wrong}"
        return found

    def is_read(self) -> bool:
        """Say whether everything is recorded and committed."""
        ends = {tp: self.log.bounds(tp)[1] for tp in (TopicPartition(TOPIC, p) for p in range(PARTITIONS))}
        return not self.misled and self.committed == ends
