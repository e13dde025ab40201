"""The queue holds hints: each task has one queue, a chunk one window, and no state of Redis stops anybody."""

import socket
import threading
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.exceptions import OperationalError
from prometheus_client import REGISTRY
from pydantic import SecretStr

from monitor.clock import FixedClock
from monitor.config import PrivacySettings, RedisSettings, SamplingSettings, ScoringSettings, Settings
from monitor.errors import QueueUnavailable
from monitor.store.due import DueSample
from tests.support.live import wait_for
from tests.unit.test_store_record import sampled
from workers import celery_app, hints
from workers.celery_app import (
    ASK,
    ATTACK,
    CANARY,
    CLASSIFY,
    CONSIDER,
    EXPIRE,
    GAPS,
    JUDGE,
    PANEL,
    RECONCILE,
    ROLLUP,
    SCHEDULE,
    SCORE,
    SWEEP,
    chunks,
    make_app,
)
from workers.hint_queue import HintQueue
from workers.hint_queue_fake import FakeHintQueue, Hint
from workers.hints import Hints
from workers.injection import attack
from workers.judge import ask
from workers.reconcile import SENDING_S, hint_again

KEY = SecretStr("a-key-of-enough-bytes-0123")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def settings(port: int = 6379) -> Settings:
    return Settings(
        sampling=SamplingSettings(key=KEY),
        privacy=PrivacySettings(pseudonym_key=KEY),
        redis=RedisSettings(url=SecretStr(f"redis://127.0.0.1:{port}/0")),
    )


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Counted:
    """How much the metric of hints has grown since."""

    def __init__(self) -> None:
        self._before = {result: self._now(result) for result in ("sent", "failed", "dropped")}

    def _now(self, result: str) -> float:
        return REGISTRY.get_sample_value("alignment_monitor_hints_total", {"result": result}) or 0.0

    def __getitem__(self, result: str) -> float:
        return self._now(result) - self._before[result]


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        (SCORE, CLASSIFY),
        (RECONCILE, SCHEDULE),
        (EXPIRE, SCHEDULE),
        (ROLLUP, SCHEDULE),
        (CANARY, SCHEDULE),
        (GAPS, SCHEDULE),
        (CONSIDER, SCHEDULE),
        (PANEL, SCHEDULE),
        (SWEEP, SCHEDULE),
        (ASK, JUDGE),
        (ATTACK, JUDGE),
    ],
)
def test_a_task_goes_to_one_queue_and_no_queue_gets_the_tasks_of_another(task: str, queue: str) -> None:
    """A queue without an exchange of its own is bound to the default one and gets every task."""
    app = make_app(settings())
    route = app.amqp.router.route({}, task)["queue"]
    bindings = {(q.exchange.name, q.routing_key) for q in app.amqp.queues.values()}
    assert route.name == route.exchange.name == route.routing_key == queue
    assert len(bindings) == len(app.amqp.queues) == 3


def test_delivery_is_set_up_so_that_a_lost_worker_loses_no_task() -> None:
    conf = make_app(settings()).conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.worker_lost_wait <= 1
    assert conf.accept_content == ["json"], "never pickle: the queue is not ours alone"


def test_a_task_ends_before_redis_hands_it_out_again_and_hears_of_its_end_before_that() -> None:
    conf = make_app(settings()).conf
    assert conf.task_soft_time_limit + 10 <= conf.task_time_limit
    assert conf.task_time_limit < conf.broker_transport_options["visibility_timeout"]
    for task in (ask, attack):
        assert task.soft_time_limit + 10 <= task.time_limit < conf.broker_transport_options["visibility_timeout"]


def test_what_a_dead_worker_held_is_looked_for_every_second() -> None:
    """By kombu's defaults it is every 100 s."""
    options = make_app(settings()).conf.broker_transport_options
    assert options["unacked_restore_interval"] == options["unacked_restore_throttle"] == 1


def test_a_lost_connection_or_a_full_redis_ends_neither_worker_nor_task() -> None:
    conf = make_app(settings()).conf
    assert conf.broker_connection_retry_on_startup
    assert conf.broker_connection_max_retries is None
    assert conf.broker_channel_error_retry
    assert not conf.worker_cancel_long_running_tasks_on_connection_loss, "a killed child would look like a death"


def test_pauses_between_attempts_to_reach_redis_stay_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls are those of Celery's consumer and of beat; kombu's own pauses grow to 30 s."""
    monkeypatch.setattr("kombu.utils.functional.sleep", lambda _: None)
    app = make_app(settings(free_port()))
    for connection in (app.connection_for_read(heartbeat=None), app.connection_for_write()):
        pauses: list[float] = []
        with pytest.raises(OperationalError):
            connection.ensure_connection(lambda _, pause, said=pauses: said.append(pause), 10)
        assert len(pauses) == 10
        assert max(pauses) == celery_app.RECONNECT_MAX_S
        connection.release()


def test_all_waits_together_let_work_be_found_within_a_minute_of_redis_return() -> None:
    scoring = ScoringSettings()
    silent = 1 + 2 * celery_app.HEALTH_CHECK_S
    assert (
        max(silent, celery_app.SOCKET_TIMEOUT_S)
        + celery_app.RECONNECT_MAX_S
        + scoring.reconcile_every_s
        + scoring.reconcile_after_s
        < 60
    )


@given(st.lists(st.tuples(st.integers(0, 3), st.text("ab", min_size=1, max_size=3))), st.integers(1, 5))
def test_chunks_hold_one_window_are_small_enough_and_lose_nothing(due: list[tuple[int, str]], size: int) -> None:
    made = list(chunks(due, size))
    assert all(0 < len(ids) <= size for _, ids in made)
    assert sorted((window, one) for window, ids in made for one in ids) == sorted(due)


def test_hints_name_each_sample_once_in_chunks() -> None:
    queue = FakeHintQueue()
    many = [sampled(offset) for offset in range(450)]
    made = Hints(settings(), queue)
    made.warm()
    made.send(many[:400])
    made.send(many[400:])
    made.send([])
    made.close()
    taken = list(iter(queue.take, None))
    assert [len(hint.sample_ids) for hint in taken] == [200, 200, 50]
    assert [i for hint in taken for i in hint.sample_ids] == [str(one.position.sample_id) for one in many]
    assert {hint.again for hint in taken} == {False}


def test_a_queue_that_hangs_holds_up_nobody_and_what_does_not_fit_is_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hints, "MAX_WAITING", 1000)
    monkeypatch.setattr(hints, "CLOSE_S", 0.1)
    released = threading.Event()

    class Hanging(FakeHintQueue):
        def send(self, window: int, sample_ids: list[str], *, again: bool = False) -> None:
            assert released.wait(60)
            super().send(window, sample_ids, again=again)

    queue, counted = Hanging(), Counted()
    made = Hints(settings(), queue)
    batch = [sampled(offset) for offset in range(100)]
    for _ in range(30):
        # It comes back although the queue does not: else this test never ends.
        made.send(batch)
    assert counted["dropped"] == 20
    assert counted["sent"] == 0
    made.close()
    released.set()
    wait_for(lambda: counted["sent"] == 10, "what was queued to be sent after all")


def test_a_queue_that_is_away_costs_the_hint_that_was_tried_and_not_those_that_wait() -> None:
    queue, counted = FakeHintQueue(), Counted()
    queue.away = True
    made = Hints(settings(), queue)
    made.send([sampled(1)])
    wait_for(lambda: counted["failed"] == 1, "a hint to fail")
    made.send([sampled(2)])
    queue.away = False
    made.close()
    assert counted["sent"] == 1
    assert queue.take() == Hint(window=sampled(2).window, sample_ids=(str(sampled(2).position.sample_id),), again=False)


def test_without_redis_the_queue_says_so() -> None:
    queue = HintQueue(settings(free_port()))
    with pytest.raises(QueueUnavailable, match="Redis"):
        queue.send(0, ["a"])
    with pytest.raises(QueueUnavailable, match="Redis"):
        queue.depth()
    queue.close()


def due(count: int) -> list[DueSample]:
    return [DueSample(window=3600 * (n // 3), sample_id=UUID(int=n)) for n in range(count)]


def test_reconcile_marks_its_hints_as_coming_again() -> None:
    queue = FakeHintQueue()
    assert hint_again(queue, due(5), 2, FixedClock(NOON)) == (3, 5)
    taken = list(iter(queue.take, None))
    assert {hint.again for hint in taken} == {True}
    assert sorted(i for hint in taken for i in hint.sample_ids) == [str(UUID(int=n)) for n in range(5)]


def test_reconcile_does_not_sit_in_front_of_a_slow_queue_for_longer_than_its_task_may_take() -> None:
    clock = FixedClock(NOON)

    class Slow(FakeHintQueue):
        def send(self, window: int, sample_ids: list[str], *, again: bool = False) -> None:
            clock.advance(5)
            super().send(window, sample_ids, again=again)

    sent, _ = hint_again(Slow(), due(100), 1, clock)
    assert sent == SENDING_S / 5
    assert make_app(settings()).conf.task_soft_time_limit > SENDING_S + 2 * celery_app.SOCKET_TIMEOUT_S


def test_reconcile_counts_what_was_sent_before_the_queue_went_away() -> None:
    class GoesAway(FakeHintQueue):
        def send(self, window: int, sample_ids: list[str], *, again: bool = False) -> None:
            super().send(window, sample_ids, again=again)
            self.away = self.depth() == 2

    queue = GoesAway()
    assert hint_again(queue, due(9), 2, FixedClock(NOON)) == (2, 4)
    queue.flush()
    with pytest.raises(QueueUnavailable):
        hint_again(queue, due(9), 2, FixedClock(NOON))
