"""The Celery application. The queue holds hints; ClickHouse knows what is due (DESIGN §5)."""

import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from celery import Celery, signals
from celery.app.amqp import AMQP
from kombu.connection import Connection
from kombu.entity import Exchange, Queue

from monitor.config import Settings, settings
from monitor.errors import MonitorError
from monitor.telemetry import configure_logging

TASK_TIME_LIMIT_S = 120
VISIBILITY_TIMEOUT_S = 300
"""Longer than any task may run, or Redis would hand out the same task twice."""
LOST_WAIT_S = 1.0
CONNECT_TIMEOUT_S, SOCKET_TIMEOUT_S = 2.0, 10.0
"""A Redis that takes 5 s for an answer is slow, not away: work goes on, slowly."""
RECONNECT_FIRST_S, RECONNECT_MAX_S = 1.0, 5.0
"""Pauses between attempts to reach Redis. Kombu's own grow to 30 s, half of the time in which all work that was lost
with Redis is to be found again."""
HEALTH_CHECK_S = 10
"""A connection that died without a word is noticed after about twice as long; by default after 51 s."""

CLASSIFY, JUDGE, SCHEDULE = "classify", "judge", "schedule"
SCORE = "alignment.score"
ASK = "alignment.ask"
CONSIDER = "alignment.consider"
PANEL = "alignment.panel"
SWEEP = "alignment.sweep"
ATTACK = "alignment.attack"
RECONCILE = "alignment.reconcile"
EXPIRE = "alignment.expire"
ROLLUP = "alignment.rollup"
CANARY = "alignment.canary"
GAPS = "alignment.gaps"
EXPIRE_EVERY_S = 600.0
SWEEP_EVERY_S = 60.0
GAPS_EVERY_S = 1800.0
"""Each run reads the whole ledger, a bit an offset."""


class _Connection(Connection):
    """Pauses between its attempts as the transport options say; Celery's consumer and beat ask for kombu's own."""

    def ensure_connection(self, *args: Any, **options: Any) -> Connection:
        """Connect, however long that takes."""
        pauses = {name: value for name, value in (self.transport_options or {}).items() if name.startswith("interval_")}
        super().ensure_connection(*args, **{**pauses, **options})  # type: ignore[no-untyped-call]
        return self


class _AMQP(AMQP):  # type: ignore[misc]
    """Makes our connections."""

    Connection = _Connection


def make_app(config: Settings) -> Celery:
    """Make the application for these settings."""
    url = config.redis.url.get_secret_value()
    app = Celery("alignment-monitor", broker=url, amqp=_AMQP, set_as_current=False)
    app.conf.update(
        include=[f"workers.{name}" for name in ("score", "reconcile", "scheduled", "judge", "panel", "injection")],
        task_queues=[
            # Without an exchange of its own, a queue would be bound to the default one and get every task.
            Queue(name, Exchange(name), routing_key=name)  # type: ignore[no-untyped-call]
            for name in (CLASSIFY, JUDGE, SCHEDULE)
        ],
        task_default_queue=CLASSIFY,
        task_routes={
            SCORE: {"queue": CLASSIFY},
            ASK: {"queue": JUDGE},
            ATTACK: {"queue": JUDGE},
            "alignment.*": {"queue": SCHEDULE},
        },
        task_create_missing_queues=False,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_time_limit=TASK_TIME_LIMIT_S,
        task_soft_time_limit=TASK_TIME_LIMIT_S - 20,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        # A child that died has told all that it ever will; by default its task waits 10 s for word from it.
        worker_lost_wait=LOST_WAIT_S,
        # What runs writes to ClickHouse, with or without Redis; killing it would look like a death of its samples.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A Redis that is full refuses the note of what was taken: that must end the connection, not the worker.
        broker_channel_error_retry=True,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            # Measured: brings the redelivery of a lost task from 104 s to 12 s at a 10 s visibility timeout.
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "socket_timeout": SOCKET_TIMEOUT_S,
            "retry_on_timeout": True,
            "health_check_interval": HEALTH_CHECK_S,
            "interval_start": RECONNECT_FIRST_S,
            "interval_step": RECONNECT_FIRST_S,
            "interval_max": RECONNECT_MAX_S,
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
                (GAPS, GAPS_EVERY_S),
                (CONSIDER, config.judging.every_s if config.judging.endpoints else 0),
                (PANEL, config.judging.every_s if config.judging.panels else 0),
                (ATTACK, config.judging.attack_every_s if config.judging.endpoints else 0),
                (SWEEP, SWEEP_EVERY_S if config.judging.endpoints else 0),
            )
            if every
        },
    )
    return app


@signals.setup_logging.connect  # type: ignore[untyped-decorator]
def _log_as_we_do(**_: object) -> None:
    """Keep Celery from setting up logging of its own: one format in all processes."""
    configure_logging()
    # It would say with each lost connection that tasks are not cancelled; that is meant.
    warnings.filterwarnings("ignore", "(?s).*cancels all currently executed tasks", PendingDeprecationWarning)


@signals.worker_init.connect  # type: ignore[untyped-decorator]
def _load_before_fork(sender: Any, **_: object) -> None:
    """Load the encoder in the parent of those processes that score, once for all of them."""
    if CLASSIFY not in sender.app.amqp.queues.consume_from:
        return
    from workers.resources import load_before_fork  # noqa: PLC0415 - ingest and beat need the names here, no scorer

    try:
        load_before_fork()
    except MonitorError as error:
        # Without it each verdict would be an error for good. Celery goes on after any exception but this one.
        raise SystemExit(f"this worker cannot score: {error}") from error


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
