"""The task that scores a chunk of samples."""

import logging
from uuid import UUID

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from monitor.clock import SystemClock
from monitor.errors import StoreUnavailable
from monitor.store.due import score_due
from workers import resources
from workers.celery_app import SCORE

log = logging.getLogger("score")


@shared_task(name=SCORE)  # type: ignore[untyped-decorator]
def score(window: int, sample_ids: list[str]) -> int:
    """Score what is due of these samples; a hint that comes twice or too late does nothing."""
    try:
        ids = [UUID(one) for one in sample_ids]
        written = score_due(
            resources.store(),
            resources.scorers(),
            window=window,
            ids=ids,
            clock=SystemClock(),
            let_through=(SoftTimeLimitExceeded,),
        )
    except StoreUnavailable as error:
        # The work stays due in ClickHouse: reconcile will hint at it again.
        log.warning("not scored; the work stays due", extra={"why": str(error)})
        return 0
    except SoftTimeLimitExceeded:
        log.warning("not scored in time; the work stays due", extra={"window": window, "samples": len(sample_ids)})
        return 0
    log.info("scored", extra={"window": window, "samples": len(sample_ids), "rows": written})
    return written
