"""The tasks that make the queue dispensable: find due work in ClickHouse, close what is too old (I5, I6)."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from celery import shared_task

from monitor.clock import Clock, SystemClock
from monitor.config import settings
from monitor.errors import QueueUnavailable, StoreUnavailable
from monitor.store.due import DueSample, expire_overdue, find_due
from monitor.store.events import EventKind
from workers import resources
from workers.celery_app import EXPIRE, RECONCILE, chunks
from workers.hint_queue import AnyHintQueue

log = logging.getLogger("reconcile")

MAX_CHUNKS = 100
"""At most so many hints a run; the rest is still due at the next."""
SENDING_S = 30.0
"""At most so long a run sends hints to a queue that is slow; the rest is still due at the next."""
EXPIRE_LIMIT = 10_000


@shared_task(name=RECONCILE)  # type: ignore[untyped-decorator]
def reconcile() -> int:
    """Hint at due work whose hint was lost; gives the number of hints sent."""
    config = settings().scoring
    try:
        if resources.hint_queue().depth():
            # The queue still holds hints: what is due is most likely among them.
            return 0
        due = find_due(
            resources.store(),
            resources.scorers(),
            oldest=timedelta(hours=config.expire_after_h),
            settled_s=config.reconcile_after_s,
            limit=MAX_CHUNKS * config.chunk_size,
        )
        sent, samples = hint_again(resources.hint_queue(), due, config.chunk_size, SystemClock())
        if sent:
            detail = f"{samples} samples were due and no hint waited; {sent} hints were sent again"
            resources.journal().note(EventKind.FOUND_DUE, "info", detail, n=samples)
        resources.journal().flush(resources.store())
    except (StoreUnavailable, QueueUnavailable) as error:
        # Beat asks again soon; what is due stays due.
        log.warning("cannot look for due work", extra={"why": str(error)})
        return 0
    return sent


def hint_again(queue: AnyHintQueue, due: Sequence[DueSample], chunk_size: int, clock: Clock) -> tuple[int, int]:
    """Send hints at due samples, for `SENDING_S` seconds at most; gives the number of hints and of samples sent.

    The hints say that they come again: what was hinted at and is due still may have killed its worker.

    Raises:
        QueueUnavailable: the queue took nothing.
    """
    until = clock.monotonic() + SENDING_S
    sent = samples = 0
    for window, ids in chunks(((one.window, str(one.sample_id)) for one in due), chunk_size):
        if clock.monotonic() >= until:
            break
        try:
            queue.send(window, ids, again=True)
        except QueueUnavailable as error:
            if not sent:
                raise
            log.warning("not all due work was hinted at; the rest stays due", extra={"why": str(error)})
            break
        sent += 1
        samples += len(ids)
    return sent, samples


@shared_task(name=EXPIRE)  # type: ignore[untyped-decorator]
def expire() -> int:
    """Close what has been due for too long; gives the number of rows written."""
    oldest = timedelta(hours=settings().scoring.expire_after_h)
    try:
        written = expire_overdue(
            resources.store(), resources.scorers(), oldest=oldest, limit=EXPIRE_LIMIT, clock=SystemClock()
        )
        if written:
            detail = f"verdicts were due for more than {oldest.total_seconds() / 3600:g} h and are closed as expired"
            resources.journal().note(EventKind.EXPIRED, "warning", detail, n=written)
        resources.journal().flush(resources.store())
    except StoreUnavailable as error:
        log.warning("cannot expire overdue work", extra={"why": str(error)})
        return 0
    return written
