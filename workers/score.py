"""The task that scores a chunk of samples."""

import logging
from typing import Any
from uuid import UUID

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from monitor.clock import SystemClock
from monitor.errors import StoreUnavailable
from monitor.store.due import score_due
from workers import resources
from workers.celery_app import SCORE

log = logging.getLogger("score")

DEADLY = (SoftTimeLimitExceeded,)
"""A hang is a death that came in time to say so."""


@shared_task(name=SCORE, bind=True)  # type: ignore[untyped-decorator]
def score(self: Any, window: int, sample_ids: list[str], *, again: bool = False) -> int:
    """Score what is due of these samples; a hint that comes twice or too late does nothing.

    Work that may have killed a worker is scored with care: Celery delivers it again, or reconcile hints at it `again`.
    """
    suspect = again or bool((self.request.delivery_info or {}).get("redelivered"))
    try:
        written = _score(window, [UUID(one) for one in sample_ids], suspect=suspect)
    except StoreUnavailable as error:
        # The work stays due in ClickHouse: reconcile will hint at it again.
        log.warning("not scored; the work stays due", extra={"why": str(error)})
        return 0
    except SoftTimeLimitExceeded:
        log.warning("not scored in time; the work stays due", extra={"window": window, "samples": len(sample_ids)})
        return 0
    log.info("scored", extra={"window": window, "samples": len(sample_ids), "rows": written, "suspect": suspect})
    return written


def _score(window: int, ids: list[UUID], *, suspect: bool) -> int:
    if suspect:
        return resources.caution().score(window, ids, deadly=DEADLY)
    return score_due(
        resources.store(), resources.scorers(), window=window, ids=ids, clock=SystemClock(), let_through=DEADLY
    )
