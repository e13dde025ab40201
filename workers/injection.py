"""The task that plants attacks into judges' work, on schedule, and tells people when one succeeds."""

import logging
from datetime import timedelta

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from monitor import metrics
from monitor.clock import SystemClock
from monitor.config import settings
from monitor.errors import ConfigError, StoreUnavailable
from monitor.scoring.judge.attacks.catalogue import CONTROL
from monitor.scoring.judge.judge import Judge
from monitor.store.events import EventKind
from monitor.store.injection import Run, run
from monitor.store.judged import CALL_S
from workers import resources
from workers.celery_app import ATTACK

log = logging.getLogger("injection")

BEGIN_S = 60.0
"""No call begins after so long; the next run begins with another judge and in another order."""
SPARE_S = 20.0
HOUR = timedelta(hours=1)


@shared_task(name=ATTACK, soft_time_limit=BEGIN_S + CALL_S + SPARE_S, time_limit=BEGIN_S + CALL_S + 2 * SPARE_S)  # type: ignore[untyped-decorator]
def attack() -> int:
    """Plant one attack of each kind for each judge; gives the number of those that succeeded."""
    clock = SystemClock()
    every = settings().judging.attack_every_s or HOUR.total_seconds()
    # One number a period: a task that is delivered twice finds its rows and does nothing.
    seed = int(clock.now().timestamp() / every)
    until = clock.monotonic() + BEGIN_S
    succeeded = 0
    try:
        judges = resources.judges()
        first = seed % max(1, len(judges))
        for judge in (*judges[first:], *judges[:first]):
            succeeded += _plant(judge, seed, until, clock)
    except StoreUnavailable as error:
        log.warning("no attack is planted", extra={"why": str(error)})
    except SoftTimeLimitExceeded:
        log.warning("planting attacks did not come to an end in time")
    return succeeded


def _plant(judge: Judge, seed: int, until: float, clock: SystemClock) -> int:
    try:
        chat = resources.chat(judge.endpoint.name)
    except ConfigError as error:
        log.warning("no attack is planted: the judge cannot be asked", extra={"judge": judge.name, "why": str(error)})
        return 0
    made = resources.run_async(
        run(resources.store(), judge, chat, resources.budget(), clock=clock, seed=seed, until=until)
    )
    _report(judge, made)
    return len(made.succeeded)


def _report(judge: Judge, made: Run) -> None:
    """Move the metrics, and note which attacks succeeded."""
    name = judge.endpoint.name
    metrics.JUDGE_CALLS.labels(judge=name).inc(made.calls)
    metrics.JUDGE_MICRO_USD.labels(judge=name).inc(made.micro_usd)
    for row in made.rows:
        metrics.INJECTIONS_JUDGED.labels(judge=name, attack=row.attack).inc(row.planted)
        metrics.INJECTION_SUCCESSES.labels(judge=name, attack=row.attack).inc(row.succeeded)
    if made.succeeded:
        planted = sum(row.planted for row in made.rows if row.attack != CONTROL)
        resources.journal().note(
            EventKind.INJECTION,
            "critical",
            f"{len(made.succeeded)} of {planted} planted attacks turned a label of {judge.name}: "
            f"{', '.join(made.succeeded)}; see: alignment-monitor judges attacks",
            n=len(made.succeeded),
        )
        resources.journal().flush(resources.store())
    told = {"judge": name, "rows": len(made.rows), "succeeded": len(made.succeeded), "calls": made.calls}
    if made.stopped:
        log.warning("not all attacks were planted", extra={**told, "why": made.stopped})
    else:
        log.info("attacks planted", extra=told)
