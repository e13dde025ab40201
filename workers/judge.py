"""The tasks of phase 2: decide which samples judges see, hint at what is due, ask the judges, keep the budget tidy."""

import logging
import time
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from monitor import metrics
from monitor.clock import SystemClock
from monitor.config import settings
from monitor.errors import ConfigError, QueueUnavailable, StoreUnavailable
from monitor.intake.sampling import hasher
from monitor.scoring.judge.budget.model import ALL, Spent
from monitor.store.events import EventKind, Severity
from monitor.store.judged import CALL_S, Round, Tally
from monitor.store.judging import consider as decide
from monitor.store.judging import find_judge_due
from workers import resources
from workers.celery_app import ASK, CONSIDER, SWEEP, chunks

log = logging.getLogger("judge")

BEGIN_S = 60.0
"""A task begins no call after so long; what is left is due still."""
SPARE_S = 20.0
CHUNK = 40
"""Samples a task."""
MAX_CHUNKS = 25
DECIDED_AT_ONCE = 20_000


@shared_task(name=CONSIDER)  # type: ignore[untyped-decorator]
def consider() -> int:
    """Decide for new samples which judges see them, and hint at what is due; gives the number of hints sent."""
    config = settings()
    oldest = timedelta(hours=config.scoring.expire_after_h)
    hash64 = hasher(config.sampling.key.get_secret_value().encode())
    sent = 0
    try:
        judges = resources.judges()
        for judge in judges:
            decide(
                resources.store(),
                judge.name,
                probability=judge.endpoint.probability,
                hash64=hash64,
                oldest=oldest,
                limit=DECIDED_AT_ONCE,
            )
        if any(resources.judge_queue(judge.endpoint.name).depth() for judge in judges[:1]):
            # All judges share one queue; what is due is most likely hinted at already.
            return 0
        for judge in judges:
            ids = [one.id for one in judge.identities]
            due = find_judge_due(resources.store(), judge.name, ids, oldest=oldest, limit=CHUNK * MAX_CHUNKS)
            for window, samples in chunks(((one.window, str(one.sample_id)) for one in due), CHUNK):
                resources.judge_queue(judge.endpoint.name).send(window, samples)
                sent += 1
    except (StoreUnavailable, QueueUnavailable) as error:
        log.warning("judges are not asked for new work", extra={"why": str(error)})
    except ConfigError as error:
        _note(EventKind.JUDGE_REFUSED, "critical", f"no judge can be asked: {error}")
    return sent


@shared_task(name=ASK, soft_time_limit=BEGIN_S + CALL_S + SPARE_S, time_limit=BEGIN_S + CALL_S + 2 * SPARE_S)  # type: ignore[untyped-decorator]
def ask(window: int, sample_ids: list[str], *, judge: str) -> int:
    """Ask one judge about samples that it is to see; gives the number of terminal rows written."""
    found = next((one for one in resources.judges() if one.endpoint.name == judge), None)
    if found is None:
        log.warning("a hint for a judge that is not in the settings", extra={"judge": judge})
        return 0
    clock = SystemClock()
    work = Round(
        store=resources.store(),
        judge=found,
        chat=resources.chat(judge),
        budget=resources.budget(),
        claims=resources.claims(),
        clock=clock,
        window=window,
    )
    phase1 = [one.identity for one in resources.scorers()]
    started = time.monotonic()
    try:
        resources.run_async(
            work.run([UUID(one) for one in sample_ids], phase1=phase1, until=clock.monotonic() + BEGIN_S)
        )
    except (StoreUnavailable, QueueUnavailable) as error:
        log.warning("the judge is not asked; the work stays due", extra={"judge": judge, "why": str(error)})
    except ConfigError as error:
        _note(EventKind.JUDGE_REFUSED, "critical", f"judge {judge} cannot be asked: {error}")
    except SoftTimeLimitExceeded:
        log.warning("the judge did not come to an end in time; the rest stays due", extra={"judge": judge})
    _report(judge, work.tally)
    told = {"judge": judge, "window": window, "samples": len(sample_ids), "rows": work.tally.rows}
    more = {"calls": work.tally.calls, "cached": work.tally.cached, "left": work.tally.left}
    log.info("judged", extra={**told, **more, "seconds": round(time.monotonic() - started, 2)})
    return work.tally.rows


@shared_task(name=SWEEP)  # type: ignore[untyped-decorator]
def sweep() -> int:
    """End leases of calls whose workers died, and put caps in force that were set; gives the number of lost calls."""
    try:
        lost = resources.budget().sweep()
    except (StoreUnavailable, QueueUnavailable) as error:
        log.warning("the judges' budget is not swept", extra={"why": str(error)})
        return 0
    if lost:
        detail = f"{len(lost)} judge calls went out and were never settled: they are charged at the most they can cost"
        _note(EventKind.JUDGE_LOST, "warning", detail, n=len(lost))
    return len(lost)


def _report(judge: str, tally: Tally) -> None:
    """Move the metrics, and note what a person should know of."""
    metrics.JUDGE_CALLS.labels(judge=judge).inc(tally.calls)
    metrics.JUDGE_CACHED.labels(judge=judge).inc(tally.cached)
    metrics.JUDGE_MICRO_USD.labels(judge=judge).inc(tally.micro_usd)
    if tally.spent is not None:
        _note_spent(tally.spent, tally.left)
    if tally.unavailable:
        _note(EventKind.JUDGE_AWAY, "warning", f"judge {judge}: {tally.unavailable}; {tally.left} stay due")


def _note_spent(spent: Spent, left: int) -> None:
    """Say once a cap and period that it is spent."""
    key = (spent.scope, spent.cap, spent.resets_at)
    if key in resources.caps_told():
        return
    resources.caps_told().add(key)
    who = "all judges" if spent.scope == ALL else f"judge {spent.scope}"
    when = f"again from {spent.resets_at:%Y-%m-%d %H:%M} UTC" if spent.resets_at else "the cap is below one call"
    _note(EventKind.BUDGET_SPENT, "critical", f"the budget {spent.cap} of {who} is spent ({when})", n=left)


def _note(kind: EventKind, severity: Severity, detail: str, *, n: int = 0) -> None:
    resources.journal().note(kind, severity, detail, n=n)
    resources.journal().flush(resources.store())
