"""The tasks that beat starts: rollup and canary."""

import logging

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from monitor.config import settings
from monitor.errors import BrokerUnavailable, StoreUnavailable
from monitor.intake.canary import send_canary
from monitor.report.rollup import rollup as roll_up
from workers import resources
from workers.celery_app import CANARY, ROLLUP

log = logging.getLogger("scheduled")


@shared_task(name=ROLLUP)  # type: ignore[untyped-decorator]
def rollup() -> int:
    """Recompute the estimates of all windows that changed of late; gives the number of rows written."""
    try:
        return roll_up(resources.store())
    except StoreUnavailable as error:
        log.warning("no rollup", extra={"why": str(error)})
        return 0
    except SoftTimeLimitExceeded:
        # Window by window, newest first: what is written stays, and the next run goes on with the rest.
        log.warning("the rollup did not come to its end in time; the next one goes on")
        return 0


@shared_task(name=CANARY)  # type: ignore[untyped-decorator]
def canary() -> None:
    """Send one synthetic conversation down the whole path, to measure how fresh the numbers are."""
    try:
        send_canary(settings())
    except BrokerUnavailable as error:
        log.warning("no canary sent", extra={"why": str(error)})
