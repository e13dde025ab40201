"""The tasks that beat starts: rollup, canary and the search for gaps."""

import logging

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from monitor.config import settings
from monitor.errors import BrokerUnavailable, StoreUnavailable
from monitor.intake.broker_log import KafkaLog
from monitor.intake.canary import send_canary
from monitor.report.rollup import rollup as roll_up
from monitor.store.events import EventKind
from monitor.store.gaps import find_gaps, look
from workers import resources
from workers.celery_app import CANARY, GAPS, ROLLUP

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


@shared_task(name=GAPS)  # type: ignore[untyped-decorator]
def gaps() -> int:
    """Hold the ledger against Kafka and note each partition that has a gap; gives the number of them."""
    kafka = settings().kafka
    try:
        with KafkaLog(kafka) as log_:
            view = look(log_)
        found = [
            one for one in find_gaps(resources.store(), kafka.topic, view, former=False) if one.missing or one.doubled
        ]
        for one in found:
            ranges = [gap.range for gap in one.gaps]
            resources.journal().note(
                EventKind.GAP_FOUND,
                "critical",
                f"{one.missing} offsets have no outcome, {one.doubled} outcomes are too many: alignment-monitor gaps",
                topic=kafka.topic,
                topic_id=one.topic_id,
                partition=one.partition,
                first_offset=ranges[0].first if ranges else 0,
                last_offset=ranges[-1].last if ranges else 0,
                n=one.missing or one.doubled,
            )
        resources.journal().flush(resources.store())
    except (BrokerUnavailable, StoreUnavailable) as error:
        log.warning("gaps were not looked for", extra={"why": str(error)})
        return 0
    except SoftTimeLimitExceeded:
        log.warning("gaps were not looked for: the ledger could not be read in time")
        return 0
    return len(found)
