"""The tasks that make the queue dispensable: find due work in ClickHouse, close what is too old (I5, I6)."""

import logging
from datetime import timedelta

from celery import current_app, shared_task

from monitor.clock import SystemClock
from monitor.config import settings
from monitor.errors import StoreUnavailable
from monitor.store.due import expire_overdue, find_due
from workers import resources
from workers.celery_app import CLASSIFY, EXPIRE, RECONCILE, SCORE, chunks

log = logging.getLogger("reconcile")

MAX_CHUNKS = 100
"""At most so many hints a run; the rest is still due at the next."""
EXPIRE_LIMIT = 10_000


@shared_task(name=RECONCILE)  # type: ignore[untyped-decorator]
def reconcile() -> int:
    """Hint at due work whose hint was lost; gives the number of hints sent."""
    config = settings().scoring
    with current_app.connection_for_write() as connection:
        waiting = connection.default_channel.client.llen(CLASSIFY)
    if waiting:
        # The queue still holds hints: what is due is most likely among them.
        return 0
    try:
        due = find_due(
            resources.store(),
            resources.scorers(),
            oldest=timedelta(hours=config.expire_after_h),
            settled_s=config.reconcile_after_s,
            limit=MAX_CHUNKS * config.chunk_size,
        )
    except StoreUnavailable as error:
        log.warning("cannot look for due work", extra={"why": str(error)})
        return 0
    sent = 0
    for window, ids in chunks(((d.window, str(d.sample_id)) for d in due), config.chunk_size):
        current_app.send_task(SCORE, args=(window, ids))
        sent += 1
    if sent:
        log.info("found due work", extra={"samples": len(due), "hints": sent})
    return sent


@shared_task(name=EXPIRE)  # type: ignore[untyped-decorator]
def expire() -> int:
    """Close what has been due for too long; gives the number of rows written."""
    oldest = timedelta(hours=settings().scoring.expire_after_h)
    try:
        written = expire_overdue(
            resources.store(), resources.scorers(), oldest=oldest, limit=EXPIRE_LIMIT, clock=SystemClock()
        )
    except StoreUnavailable as error:
        log.warning("cannot expire overdue work", extra={"why": str(error)})
        return 0
    if written:
        log.warning("expired overdue work", extra={"rows": written})
    return written
