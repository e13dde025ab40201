"""The Celery application. The queue holds hints; ClickHouse knows what is due (DESIGN §5)."""

from collections.abc import Iterable, Iterator
from functools import cache

from celery import Celery, signals
from kombu.entity import Exchange, Queue

from monitor.config import Settings, settings
from monitor.telemetry import configure_logging

TASK_TIME_LIMIT_S = 120
VISIBILITY_TIMEOUT_S = 300
"""Longer than any task may run, or Redis would hand out the same task twice."""

CLASSIFY, SCHEDULE = "classify", "schedule"
SCORE = "alignment.score"
RECONCILE = "alignment.reconcile"
EXPIRE = "alignment.expire"
ROLLUP = "alignment.rollup"
CANARY = "alignment.canary"
EXPIRE_EVERY_S = 600.0


def make_app(config: Settings) -> Celery:
    """Make the application for these settings."""
    app = Celery("alignment-monitor", broker=config.redis.url.get_secret_value(), set_as_current=False)
    app.conf.update(
        include=["workers.score", "workers.reconcile", "workers.scheduled"],
        task_queues=[
            # Without an exchange of its own, a queue would be bound to the default one and get every task.
            Queue(name, Exchange(name), routing_key=name)  # type: ignore[no-untyped-call]
            for name in (CLASSIFY, SCHEDULE)
        ],
        task_default_queue=CLASSIFY,
        task_routes={SCORE: {"queue": CLASSIFY}, "alignment.*": {"queue": SCHEDULE}},
        task_create_missing_queues=False,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_time_limit=TASK_TIME_LIMIT_S,
        task_soft_time_limit=TASK_TIME_LIMIT_S - 20,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            # Measured: brings the redelivery of a lost task from 104 s to 12 s at a 10 s visibility timeout.
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": 2.0,
            "socket_timeout": 10.0,
            "retry_on_timeout": True,
        },
        enable_utc=True,
        timezone="UTC",
        beat_schedule={
            # A beat that nobody took in time is dropped: the next one does the same work.
            task: {"task": task, "schedule": every, "options": {"expires": max(every, 10.0)}}
            for task, every in (
                (RECONCILE, config.scoring.reconcile_every_s),
                (EXPIRE, EXPIRE_EVERY_S),
                (ROLLUP, config.scoring.rollup_every_s),
                (CANARY, config.scoring.canary_every_s),
            )
            if every
        },
    )
    return app


@signals.setup_logging.connect  # type: ignore[untyped-decorator]
def _log_as_we_do(**_: object) -> None:
    """Keep Celery from setting up logging of its own: one format in all processes."""
    configure_logging()


def chunks(due: Iterable[tuple[int, str]], size: int) -> Iterator[tuple[int, list[str]]]:
    """Group (window, sample id) pairs into task arguments: one window and at most `size` ids each."""
    open_chunks: dict[int, list[str]] = {}
    for window, sample_id in due:
        ids = open_chunks.setdefault(window, [])
        ids.append(sample_id)
        if len(ids) >= size:
            yield window, open_chunks.pop(window)
    yield from open_chunks.items()


@cache
def _app() -> Celery:
    app = make_app(settings())
    app.set_default()
    return app


def __getattr__(name: str) -> Celery:
    # `celery -A workers.celery_app` asks for `app`; only then are the settings read.
    if name == "app":
        return _app()
    raise AttributeError(name)
