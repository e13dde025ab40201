"""The ingest loop round by round, on the fakes that ship: crash loops, holes, stale commits, pauses."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from kafka import OffsetAndMetadata, TopicPartition

from monitor.clock import FixedClock
from monitor.config import Settings
from monitor.intake.batch import KILLS_WORKER, Batch, Record, Sampled, Sifter
from monitor.intake.fake import FakeConsumer, FakeLog
from monitor.scoring.registry import enabled_scorers
from monitor.store.due import EVER, find_due, score_due
from monitor.store.fake import FakeDatabase, FakeStore
from tests.support.live import KEY, clean_environment, settings_from
from workers.ingest import Ingest
from workers.pressure import LOOK_EVERY_S

TOPIC, GROUP = "chat", "group"
POISON = b"kill"
START = datetime(2026, 11, 23, 10, 5, tzinfo=UTC)


class Died(BaseException):
    """Stands in for SIGKILL: nothing catches it."""


class Hinted:
    """Where hints go; nobody asks."""

    def send(self, sampled: Iterable[Sampled]) -> None:
        """Forget them."""


@dataclass
class World:
    """One broker, one database and a clock that only waiting moves."""

    settings: Settings
    clock: FixedClock = field(default_factory=lambda: FixedClock(START))

    def __post_init__(self) -> None:
        self.log = FakeLog(idle=self.clock.advance)
        self.database = FakeDatabase(clock=self.clock)
        self.store = FakeStore(self.database)
        self.topic_id = self.log.create(TOPIC, partitions=2)

    def send(self, count: int, *, partition: int = 0, value: Callable[[int], bytes] | None = None) -> None:
        for n in range(count):
            text = value(n) if value else message(n)
            stamp = int(self.clock.now().timestamp() * 1000)
            self.log.append(TOPIC, partition, text, key=b"c-%d" % n, timestamp=stamp)

    def worker(self) -> Ingest:
        made = Ingest(self.settings, clock=self.clock)
        made.open(FakeStore(self.database), FakeConsumer(self.log, group_id=GROUP), Hinted())
        return made

    def run(self, worker: Ingest, rounds: int = 40) -> None:
        for _ in range(rounds):
            worker.step()

    def outcomes(self) -> dict[tuple[UUID, int, int], str]:
        return {
            (row["topic_id"], row["partition"], offset): row["outcome"]
            for row in self.store.query("ledger_offsets", topic=TOPIC)
            for offset in row["offsets"]
        }

    def events(self, kind: str) -> list[dict[str, Any]]:
        return self.store.query("events", since=0, kind=kind, limit=1000)

    def committed(self, partition: int = 0) -> int | None:
        return FakeConsumer(self.log, group_id=GROUP).committed(TopicPartition(TOPIC, partition))

    def set_committed(self, offset: int, metadata: str = "") -> None:
        self.log.group(GROUP).offsets[TopicPartition(TOPIC, 0)] = OffsetAndMetadata(offset, metadata, -1)


def message(n: int) -> bytes:
    return b'{"conversation_id":"c-%d","messages":[{"role":"assistant","content":"An answer."}]}' % n


@pytest.fixture
def world() -> World:
    return World(
        settings_from(
            clean_environment(
                SAMPLING__KEY=KEY,
                PRIVACY__PSEUDONYM_KEY=KEY,
                SAMPLING__STRATA='[{"name":"all","probability":0.5}]',
                KAFKA__TOPIC=TOPIC,
                KAFKA__GROUP_ID=GROUP,
                SCORING__SCORERS='["rule-empty-answer", "lexical-refusal"]',
                INGEST__MAX_RECORDS="300",
                INGEST__MAX_DUE="0",
            )
        )
    )


def mortal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker die of any batch that holds the poison."""
    sift = Sifter.sift

    def sift_or_die(sifter: Sifter, parts: Iterable[tuple[str, UUID, int, list[Record]]]) -> Batch:
        held = list(parts)
        if any(record.value == POISON for *_, records in held for record in records):
            raise Died
        return sift(sifter, held)

    monkeypatch.setattr(Sifter, "sift", sift_or_die)


@pytest.mark.parametrize("at", [0, 1, 150, 299])
def test_a_record_that_kills_becomes_a_dead_letter_and_its_neighbours_are_recorded(
    world: World, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    mortal(monkeypatch)
    world.send(300, value=lambda n: POISON if n == at else message(n))
    deaths = 0
    while (TOPIC, at) not in {(row["topic"], row["offset"]) for row in dead_letters(world)}:
        assert deaths < 8, "the loop does not end"
        worker = world.worker()
        try:
            world.run(worker)
        except Died:
            deaths += 1
            expel(worker)
    assert deaths >= 3
    assert len(world.outcomes()) == 300
    assert [row["reason"] for row in dead_letters(world)] == [KILLS_WORKER]
    (event,) = world.events("crash_loop")
    assert (event["partition"], event["first_offset"]) == (0, at)
    assert event["severity"] == "critical"


def test_a_record_that_kills_is_passed_over_when_it_is_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    mortal(monkeypatch)
    world.send(10, value=lambda n: POISON if n == 4 else message(n))
    run_through_deaths(world, 5)
    before = world.outcomes()
    world.set_committed(0)
    run_through_deaths(world, 5)
    assert world.committed() == 10
    assert world.outcomes() == before
    assert len(dead_letters(world)) == 1
    assert {event["severity"] for event in world.events("crash_loop")} == {"critical", "warning"}


def run_through_deaths(world: World, starts: int) -> None:
    """Start a worker so many times, each after the death of the one before."""
    for _ in range(starts):
        worker = world.worker()
        with suppress(Died):
            world.run(worker)
        expel(worker)


def dead_letters(world: World) -> list[dict[str, Any]]:
    return world.store.query("dead_letters", reason="", status="", limit=1000)


def expel(worker: Ingest) -> None:
    """Let the group notice that the member is dead."""
    worker._consumer.expel()


def test_two_records_that_kill_are_both_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mortal(monkeypatch)
    world.send(300, value=lambda n: POISON if n in {40, 41} else message(n))
    run_through_deaths(world, 16)
    assert {row["offset"] for row in dead_letters(world)} == {40, 41}
    assert len(world.outcomes()) == 300


def test_a_record_that_is_read_again_and_again_without_a_death_leaves_no_attempt(world: World) -> None:
    world.send(1)
    for _ in range(6):
        worker = world.worker()
        world.run(worker, rounds=5)
        expel(worker)
        world.set_committed(0)
    assert set(world.outcomes().values()) <= {"sampled", "sampled_out"}
    assert dead_letters(world) == []
    assert all(row["void"] for row in world.database.tables["attempts"].final())


def test_the_steady_state_writes_no_attempt(world: World) -> None:
    worker = world.worker()
    for _ in range(5):
        world.send(10)
        world.run(worker, rounds=2)
    subjects = {row["subject"] for row in world.database.tables["attempts"].final()}
    assert len(subjects) == 1
    assert len(world.outcomes()) == 50


def test_what_retention_dropped_is_lost_and_what_never_was_is_absent(world: World) -> None:
    worker = world.worker()
    world.send(10)
    world.run(worker, rounds=3)
    world.send(10)
    world.log.delete_before(TOPIC, 0, 15)
    world.log.skip(TOPIC, 0, 2)
    world.send(3)
    world.run(worker, rounds=3)
    by_outcome: dict[str, list[int]] = {}
    for (_, _, offset), outcome in world.outcomes().items():
        by_outcome.setdefault(outcome, []).append(offset)
    assert sorted(by_outcome["lost"]) == [10, 11, 12, 13, 14]
    assert sorted(by_outcome["absent"]) == [20, 21]
    assert sorted(o for _, _, o in world.outcomes()) == list(range(25))
    (event,) = world.events("retention_loss")
    assert (event["first_offset"], event["last_offset"], event["n"]) == (10, 14, 5)


def test_a_commit_moved_back_behind_a_consumer_makes_no_hole(world: World) -> None:
    """Kafka set the position by the old commit; what lies between the two was read by somebody already."""
    world.send(10)
    old = world.worker()
    world.run(old, rounds=3)
    expel(old)
    heir = world.worker()
    heir._consumer.poll()
    world.send(5)
    world.set_committed(4)
    world.run(heir, rounds=5)
    assert set(world.outcomes().values()) <= {"sampled", "sampled_out"}
    assert len(world.outcomes()) == 15


def test_what_was_recorded_before_retention_took_it_is_not_lost_by_a_commit_moved_back(world: World) -> None:
    world.send(10)
    old = world.worker()
    world.run(old, rounds=3)
    expel(old)
    world.set_committed(2)
    world.send(4)
    world.log.delete_before(TOPIC, 0, 12)
    world.send(1)
    world.run(world.worker(), rounds=5)
    assert {o for (_, _, o), outcome in world.outcomes().items() if outcome == "lost"} == {10, 11}
    assert len(world.outcomes()) == 15


def test_a_hole_whose_insert_lost_its_reply_keeps_its_outcome_when_retention_comes(world: World) -> None:
    worker = world.worker()
    world.send(5)
    world.run(worker, rounds=5)
    world.log.skip(TOPIC, 0, 3)
    world.send(2)
    world.database.lose_reply("offset_ledger_in")
    world.run(worker, rounds=1)
    world.log.delete_before(TOPIC, 0, 8)
    world.run(worker, rounds=60)
    rows = world.store.query("ledger_offsets", topic=TOPIC)
    assert sorted(o for row in rows for o in row["offsets"]) == list(range(10))
    assert {o for (_, _, o), outcome in world.outcomes().items() if outcome == "absent"} == {5, 6, 7}


def test_a_first_start_in_the_middle_of_a_log_is_no_loss(world: World) -> None:
    world.send(10)
    world.log.delete_before(TOPIC, 0, 4)
    world.run(world.worker(), rounds=3)
    assert sorted(o for _, _, o in world.outcomes()) == [4, 5, 6, 7, 8, 9]
    assert world.events("retention_loss") == []


def test_a_new_group_goes_by_the_ledger_and_sees_what_was_lost_meanwhile(world: World) -> None:
    world.send(10)
    first = world.worker()
    world.run(first, rounds=3)
    world.send(10)
    world.log.delete_before(TOPIC, 0, 13)
    later = Ingest(world.settings, clock=world.clock)
    later.open(FakeStore(world.database), FakeConsumer(world.log, group_id="another"), Hinted())
    world.run(later, rounds=3)
    assert {o for (_, _, o), outcome in world.outcomes().items() if outcome == "lost"} == {10, 11, 12}


def test_a_committed_offset_of_an_earlier_topic_is_not_believed(world: World) -> None:
    world.send(10)
    old = world.worker()
    world.run(old, rounds=3)
    expel(old)
    anew = world.log.create(TOPIC, partitions=2)
    world.send(20)
    world.set_committed(10)
    world.run(world.worker(), rounds=5)
    assert sorted(o for topic_id, _, o in world.outcomes() if topic_id == anew) == list(range(20))
    assert world.events("topic_recreated")


def test_a_zombies_commit_of_an_earlier_topic_is_not_believed_once_the_new_one_has_outcomes(world: World) -> None:
    old = world.topic_id
    anew = world.log.create(TOPIC, partitions=2)
    world.send(4)
    first = world.worker()
    world.run(first, rounds=3)
    expel(first)
    world.send(6)
    world.set_committed(7, metadata=str(old))
    world.run(world.worker(), rounds=5)
    assert sorted(o for topic_id, _, o in world.outcomes() if topic_id == anew) == list(range(10))
    assert world.committed() == 10


def test_a_topic_made_anew_under_a_running_worker_is_read_from_its_beginning(world: World) -> None:
    world.send(10)
    worker = world.worker()
    world.run(worker, rounds=3)
    anew = world.log.create(TOPIC, partitions=2)
    world.send(7)
    world.run(worker, rounds=10)
    assert sorted(o for topic_id, _, o in world.outcomes() if topic_id == anew) == list(range(7))
    assert world.events("topic_recreated")


def test_a_topic_made_anew_does_not_stop_a_worker_that_has_no_partition_just_then(world: World) -> None:
    world.send(10)
    workers = [world.worker() for _ in range(3)]
    for worker in workers * 4:
        world.run(worker, rounds=1)
    (idle,) = [worker for worker in workers if not worker._consumer.assignment()]
    anew = world.log.create(TOPIC, partitions=2)
    world.send(7)
    world.run(idle, rounds=2)
    for worker in workers * 4:
        world.run(worker, rounds=1)
    assert sorted(o for topic_id, _, o in world.outcomes() if topic_id == anew) == list(range(7))


def test_ingest_waits_while_too_much_is_due_and_goes_on_when_it_is_scored(world: World) -> None:
    ingest = world.settings.ingest.model_copy(update={"max_due": 10})
    world.settings = world.settings.model_copy(update={"ingest": ingest})
    worker = world.worker()
    world.send(100)
    world.run(worker, rounds=2)
    world.clock.advance(LOOK_EVERY_S)
    world.send(100)
    world.run(worker, rounds=5)
    assert len(world.outcomes()) == 100
    assert [row["severity"] for row in world.events("back_pressure")] == ["warning"]

    score_everything(world)
    world.clock.advance(LOOK_EVERY_S)
    world.run(worker, rounds=5)
    assert len(world.outcomes()) == 200
    assert {row["severity"] for row in world.events("back_pressure")} == {"warning", "info"}


def score_everything(world: World) -> None:
    scorers = enabled_scorers(world.settings.scoring.scorers)
    due = find_due(world.store, scorers, oldest=EVER, settled_s=0, limit=10_000)
    for window in {one.window for one in due}:
        ids = [one.sample_id for one in due if one.window == window]
        score_due(world.store, scorers, window=window, ids=ids, clock=world.clock)


def test_while_clickhouse_is_away_the_worker_waits_as_a_member_and_then_records_all(world: World) -> None:
    worker = world.worker()
    world.send(5)
    world.run(worker, rounds=2)
    world.database.away()
    world.send(50)
    world.run(worker, rounds=100)
    assert worker._consumer.assignment()
    assert not worker.health.ready
    assert world.committed() == 5
    world.database.heal()
    world.run(worker, rounds=100)
    assert len(world.outcomes()) == 55
    assert world.committed() == 55
    (event,) = world.events("store_away")
    assert event["severity"] == "warning"


def test_a_member_thrown_out_during_an_outage_gives_up_its_batch(world: World) -> None:
    worker = world.worker()
    world.run(worker, rounds=2)
    world.database.away()
    world.send(10)
    world.run(worker, rounds=3)
    expel(worker)
    world.run(worker, rounds=3)
    world.database.heal()
    world.run(worker, rounds=60)
    assert worker.health.counts()["consumed"] == 10
    (event,) = world.events("partitions_lost")
    assert event["n"] == 10


def test_a_batch_given_up_in_a_rebalance_is_read_again_by_who_keeps_the_partition(world: World) -> None:
    """kafka-python goes on with a partition that it had before where it was, past what was given up."""
    first = world.worker()
    world.run(first, rounds=2)
    world.send(5)
    world.run(first, rounds=2)
    world.database.away()
    world.send(10)
    world.run(first, rounds=2)
    second = world.worker()
    for _ in range(10):
        world.run(second, rounds=1)
        world.run(first, rounds=1)
    assert TopicPartition(TOPIC, 0) in first._consumer.assignment()
    world.database.heal()
    world.run(first, rounds=60)
    assert len(world.outcomes()) == 15


def test_a_refused_dead_letter_stops_the_offset_and_is_told_at_once(world: World) -> None:
    worker = world.worker()
    world.run(worker, rounds=2)
    world.database.refuse("dead_letters", lambda _row: True)
    world.send(5, value=lambda n: b"\xff" if n == 2 else message(n))
    world.run(worker, rounds=10)
    assert world.committed() is None
    (event,) = world.events("store_refused")
    assert event["severity"] == "critical"
    world.database.heal()
    world.run(worker, rounds=100)
    assert world.committed() == 5
    assert len(world.outcomes()) == 5


def test_a_refused_sample_becomes_a_dead_letter_and_an_event(world: World) -> None:
    worker = world.worker()
    world.run(worker, rounds=2)
    world.database.refuse("samples", lambda row: row["conversation_id"] == "c-3")
    world.send(20)
    world.run(worker, rounds=10)
    assert len(world.outcomes()) == 20
    kept = {o for (_, _, o), outcome in world.outcomes().items() if outcome == "dead"}
    assert kept <= {3}
    assert len(world.events("sample_refused")) == len(kept)
