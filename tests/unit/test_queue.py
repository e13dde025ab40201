"""The queue holds hints: each task has one queue, a chunk one window, and a dead Redis stops nobody."""

import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from monitor.config import PrivacySettings, RedisSettings, SamplingSettings, Settings
from tests.unit.test_store_record import sampled
from workers.celery_app import CANARY, CLASSIFY, EXPIRE, RECONCILE, ROLLUP, SCHEDULE, SCORE, chunks, make_app
from workers.hints import Hints

KEY = SecretStr("a-key-of-enough-bytes-0123")


def settings(port: int = 6379) -> Settings:
    return Settings(
        sampling=SamplingSettings(key=KEY),
        privacy=PrivacySettings(pseudonym_key=KEY),
        redis=RedisSettings(url=SecretStr(f"redis://127.0.0.1:{port}/0")),
    )


@pytest.mark.parametrize(
    ("task", "queue"),
    [(SCORE, CLASSIFY), (RECONCILE, SCHEDULE), (EXPIRE, SCHEDULE), (ROLLUP, SCHEDULE), (CANARY, SCHEDULE)],
)
def test_a_task_goes_to_one_queue_and_no_queue_gets_the_tasks_of_another(task: str, queue: str) -> None:
    """A queue without an exchange of its own is bound to the default one and gets every task."""
    app = make_app(settings())
    route = app.amqp.router.route({}, task)["queue"]
    bindings = {(q.exchange.name, q.routing_key) for q in app.amqp.queues.values()}
    assert route.name == route.exchange.name == route.routing_key == queue
    assert len(bindings) == len(app.amqp.queues) == 2


def test_delivery_is_set_up_so_that_a_lost_worker_loses_no_task() -> None:
    conf = make_app(settings()).conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.task_soft_time_limit < conf.task_time_limit < conf.broker_transport_options["visibility_timeout"]
    assert conf.accept_content == ["json"], "never pickle: the queue is not ours alone"


@given(st.lists(st.tuples(st.integers(0, 3), st.text("ab", min_size=1, max_size=3))), st.integers(1, 5))
def test_chunks_hold_one_window_are_small_enough_and_lose_nothing(due: list[tuple[int, str]], size: int) -> None:
    made = list(chunks(due, size))
    assert all(0 < len(ids) <= size for _, ids in made)
    assert sorted((window, one) for window, ids in made for one in ids) == sorted(due)


def test_without_redis_a_hint_is_given_up_at_once_and_none_is_tried_for_a_while() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    hints = Hints(settings(port))
    start = time.monotonic()
    for _ in range(20):
        hints.send([sampled(1)])
    assert time.monotonic() - start < 5
    hints.close()
