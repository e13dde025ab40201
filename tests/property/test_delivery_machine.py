"""Delivery as a state machine (DESIGN §5): whatever happens in whatever order, I1 to I6 hold after every step.

The workers are the real ones; Kafka, ClickHouse and Redis are the fakes that the contract suites hold against the real
things. At the end of each example everything is healed, read and scored to the end, and compared with the oracle.
"""

import json
import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from clickhouse_connect.driver import options
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from kafka import TopicPartition
from kafka.errors import CommitFailedError, KafkaTimeoutError

from monitor.store.client import spare_data_frames
from tests.support.delivery_oracle import SETTLE_ROUNDS, check_everything, check_step
from tests.support.delivery_world import (
    DEADLY,
    PARTITIONS,
    TOPIC,
    UNSTORABLE,
    Crash,
    Outcome,
    Place,
    Worker,
    World,
)
from tests.support.faults import FULL
from workers import ingest

EXAMPLES, STEPS = (3000, 60) if FULL else (200, 30)
MOST_WORKERS = 3
POINTS = [
    "after poll",
    "after poll",
    "before attempts",
    "after attempts",
    "before samples",
    "after samples",
    "after dead_letters",
    "before offset_ledger_in",
    "after offset_ledger_in",
    "before commit",
    "after commit",
]
TABLES = ["samples", "dead_letters", "offset_ledger_in", "attempts", "events", "scores", "policies"]
PARTITION = st.integers(0, PARTITIONS - 1)
FEW = st.integers(1, 6)
WHO = st.integers(0, MOST_WORKERS - 1)


def message(number: int, text: str, locale: str) -> bytes:
    body = {
        "conversation_id": f"c-{number}",
        "locale": locale,
        "messages": [{"role": "user", "content": "Soru?"}, {"role": "assistant", "content": text}],
    }
    return json.dumps(body).encode()


GOOD = st.builds(message, st.integers(0, 30), st.text("ab", max_size=4), st.sampled_from(["tr", "en"]))
ODD = st.one_of(
    st.builds(message, st.integers(0, 30), st.just(UNSTORABLE), st.just("tr")),
    st.sampled_from([None, b"{", b"\xff\x00"]),
)
VALUES = st.lists(st.one_of(GOOD, GOOD, GOOD, ODD), min_size=1, max_size=5)
ONE_IN_EIGHT = st.integers(0, 7).map(lambda n: n == 5)
STEPS_AFTER = st.integers(0, 3)
HOURS = st.sampled_from([0.0, 0.0, 0.0, -40.0, -1.0, 1.5])


def crash() -> None:
    raise Crash


def refused() -> None:
    raise CommitFailedError


def unknown() -> None:
    raise KafkaTimeoutError("no answer")


class DeliveryMachine(RuleBasedStateMachine):
    """The rules are what can happen; the invariants are I1 to I6."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.believed: dict[Place, Outcome] = {}
        """Outcomes that were found right."""

    @initialize(workers=st.integers(1, 2))
    def begin(self, workers: int) -> None:
        for _ in range(workers):
            self.world.start()
        self._all_step(2)

    # What producers and Kafka do.

    @rule(partition=PARTITION, values=VALUES, hours=HOURS, steps=STEPS_AFTER, deadly=ONE_IN_EIGHT)
    def records_arrive(
        self, partition: int, values: list[bytes | None], hours: float, steps: int, deadly: bool
    ) -> None:
        for value in (DEADLY, *values) if deadly else values:
            self.world.produce(partition, value, hours=hours)
        self._all_step(steps)

    @rule(
        partition=PARTITION,
        values=VALUES,
        what=st.sampled_from(["retention", "retention", "rewind", "rewind", "mark", "made anew"]),
        count=st.integers(0, 4),
        steps=STEPS_AFTER,
        bare=st.booleans(),
    )
    def kafka_does_something(
        self, partition: int, values: list[bytes | None], what: str, count: int, steps: int, bare: bool
    ) -> None:
        for value in () if bare else values:
            self.world.produce(partition, value)
        if what == "retention":
            self.world.drop(partition, count)
        elif what == "rewind":
            self.world.rewind(partition, count + 1)
        elif what == "mark":
            self.world.skip(partition, count + 1)
        else:
            self.world.make_topic()
        self._all_step(steps)

    # What workers do.

    @precondition(lambda self: len(self.world.workers) < MOST_WORKERS)
    @rule()
    def a_worker_starts(self) -> None:
        self.world.start()

    @rule(who=WHO, times=st.integers(1, 3))
    def a_worker_steps(self, who: int, times: int) -> None:
        for worker in self._some(who):
            for _ in range(times):
                self.world.step(worker)

    @rule(
        who=WHO,
        partition=PARTITION,
        values=VALUES,
        point=st.sampled_from(POINTS),
        what=st.sampled_from(
            [
                "crash",
                "crash",
                "crash",
                "zombie",
                "newcomer",
                "newcomer",
                "slow",
                "away",
                "lost reply",
                "retention",
                "topic made anew",
                "rewind",
            ]
        ),
    )
    def something_befalls_a_batch(
        self, who: int, partition: int, values: list[bytes | None], point: str, what: str
    ) -> None:
        for worker in self._some(who):
            self._befall(worker, partition, values, point, self._act(what, worker, partition))

    @rule(who=WHO, partition=PARTITION, values=VALUES, how=st.sampled_from(["refused", "failed", "unknown"]))
    def a_commit_fails(self, who: int, partition: int, values: list[bytes | None], how: str) -> None:
        point = "after commit" if how == "unknown" else "before commit"
        for worker in self._some(who):
            self._befall(worker, partition, values, point, refused if how == "refused" else unknown)

    @rule(who=WHO, how=st.sampled_from(["killed", "silent", "deaf", "stopped"]))
    def the_membership_changes(self, who: int, how: str) -> None:
        for worker in self._some(who):
            if how == "silent":
                worker.consumer.expel()
            elif how == "deaf":
                worker.consumer.deaf_polls = 2
            elif how == "stopped":
                self.world.leave(worker)
            else:
                self.world.kill(worker)

    @rule(who=WHO, partition=PARTITION, count=FEW)
    def records_are_delivered_again(self, who: int, partition: int, count: int) -> None:
        tp = TopicPartition(TOPIC, partition)
        for worker in self._some(who):
            if tp in worker.consumer.assignment():
                worker.consumer.seek(tp, max(0, (worker.consumer.position(tp) or 0) - count))

    # What ClickHouse, Redis and the clock do.

    @rule(
        what=st.sampled_from(["away", "merge", "reply lost", "refusal"]),
        table=st.sampled_from(TABLES),
        values=VALUES,
        steps=STEPS_AFTER,
        mended=st.booleans(),
    )
    def clickhouse_does_something(
        self, what: str, table: str, values: list[bytes | None], steps: int, mended: bool
    ) -> None:
        database = self.world.database
        if what == "away":
            database.away()
        elif what == "merge":
            database.merge()
        elif what == "reply lost":
            database.lose_reply(table)
        elif table in {"dead_letters", "offset_ledger_in", "events"}:
            database.refuse(table, lambda _row: True)
        for partition, value in enumerate(values):
            self.world.produce(partition % PARTITIONS, value)
        self._all_step(steps)
        if mended:
            self.clickhouse_is_mended()

    @rule()
    def clickhouse_is_mended(self) -> None:
        self.world.mend()
        self.world.clock.advance(20)

    @rule(seconds=st.sampled_from([0.25, 20.0, 61.0, 3600.0, 7200.0]))
    def time_goes_by(self, seconds: float) -> None:
        self.world.clock.advance(seconds)

    @rule(probability=st.sampled_from([0.2, 0.5, 1.0]))
    def the_policy_is_changed(self, probability: float) -> None:
        self.world.rest = probability
        self.world.clock.advance(61)

    @rule(away=st.booleans())
    def redis_is_flushed(self, away: bool) -> None:
        self.world.queue.flush()
        self.world.queue.away = away

    # What scoring does.

    @rule(
        how=st.sampled_from(["well", "twice", "two at once", "two at once", "before scores", "after scores"]),
        by_reconcile=st.booleans(),
    )
    def due_work_is_scored(self, how: str, by_reconcile: bool) -> None:
        if by_reconcile:
            self.world.hint_again()
        hint = self.world.queue.take()
        if hint is None:
            return

        def again() -> None:
            # Not the same rows once more: another worker, who is later.
            self.world.clock.advance(0.01)
            self.world.score(hint)

        plans: dict[str, dict[str, Callable[[], None]]] = {
            "two at once": {"before scores": again},
            "before scores": {"before scores": crash},
            "after scores": {"after scores": crash},
        }
        self.world.score(hint, plans.get(how))
        if how == "twice":
            again()

    # What must be true after each of these.

    @invariant()
    def delivery_holds(self) -> None:
        self.believed = check_step(self.world, self.believed)

    # The end: everything is mended and goes on until nothing is left.

    def teardown(self) -> None:
        world = self.world
        world.mend()
        world.queue.away = False
        for partition in range(PARTITIONS):
            # A loss is noticed by the record after it.
            world.produce(partition, message(99, "last", "tr"))
        for _ in range(SETTLE_ROUNDS):
            if world.is_read():
                break
            if not world.workers:
                world.start()
            for worker in list(world.workers):
                world.step(worker)
            world.clock.advance(1)
        else:
            raise AssertionError(f"not all is read after {SETTLE_ROUNDS} rounds: committed is {world.committed}")
        check_step(world, {})
        check_everything(world)

    def _act(self, what: str, worker: Worker, partition: int) -> Callable[[], None]:
        world = self.world
        acts: dict[str, Callable[[], None]] = {
            "crash": crash,
            "zombie": lambda: self._sleep(worker, struck_off=True),
            "newcomer": self._newcomer,
            "slow": lambda: self._sleep(worker, struck_off=False),
            "away": world.database.away,
            "lost reply": lambda: world.database.lose_reply("offset_ledger_in"),
            "retention": lambda: world.drop(partition, 1),
            "topic made anew": world.make_topic,
            "rewind": lambda: world.rewind(partition, 2),
        }
        return acts[what]

    def _befall(
        self, worker: Worker, partition: int, values: list[bytes | None], point: str, act: Callable[[], None]
    ) -> None:
        """Give a worker something to read, and let something happen at a point of its batch."""
        self.clickhouse_is_mended()
        self._all_step(1)
        mine = sorted(tp.partition for tp in worker.consumer.assignment())
        if mine:
            partition = mine[partition % len(mine)]
        for value in values:
            self.world.produce(partition, value)
        worker.plan[point] = act
        for _ in range(2):
            if point in worker.plan:
                self.world.step(worker)
        worker.plan.clear()
        # So that whoever reads these again gets another batch.
        self.world.produce(partition, message(7, "after", "tr"))

    def _sleep(self, worker: Worker, *, struck_off: bool) -> None:
        """Let the others go on while a worker stands still in mid-batch."""
        if struck_off:
            worker.consumer.expel()
        self._all_step(3, but=worker)

    def _newcomer(self) -> None:
        """Let another worker ask to join the group: the others hear of it when they poll."""
        worker = self.world.start()
        if worker is not None:
            self.world.step(worker)

    def _all_step(self, times: int, *, but: Worker | None = None) -> None:
        if not self.world.workers:
            self.world.start()
        for worker in [one for _ in range(times) for one in self.world.workers]:
            if worker is not but:
                self.world.step(worker)

    def _some(self, who: int) -> list[Worker]:
        """Give one of the workers; where none is left, a new one is started, if ClickHouse lets it."""
        if not self.world.workers:
            self.world.start()
        running = self.world.workers
        return [running[who % len(running)]] if running else []


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Spare the run what takes most of its time: log lines, and a search for garbage after each batch."""
    for name in ("pd", "pd_time_test", "arrow"):
        # They come back: tests after this one may read data frames in the same process.
        monkeypatch.setattr(options, name, getattr(options, name))
    spare_data_frames()
    monkeypatch.setattr(ingest, "gc", SimpleNamespace(collect=lambda: 0))
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("quick")
@pytest.mark.timeout(3600 if FULL else 300)
def test_delivery_keeps_its_invariants_whatever_happens_in_whatever_order() -> None:
    run_state_machine_as_test(
        DeliveryMachine, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)
    )
