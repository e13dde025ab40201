"""The task that puts judges' verdicts together into their panels'; it asks nobody and pays nothing."""

import logging
from datetime import timedelta
from functools import cache

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from monitor.clock import SystemClock
from monitor.config import settings
from monitor.errors import ConfigError, StoreRejected, StoreUnavailable
from monitor.scoring.judge.configured import panels_of
from monitor.scoring.judge.panel import Panel
from monitor.store.due import register_identities
from monitor.store.panels import decide, form
from workers import resources
from workers.celery_app import PANEL

log = logging.getLogger("panel")

DECIDED_AT_ONCE = 20_000
FORMED_AT_ONCE = 5_000
"""Pairs of sample and dimension, a panel and run; the rest is formed by the next one."""


@shared_task(name=PANEL)  # type: ignore[untyped-decorator]
def panel() -> int:
    """Decide which samples the panels see, and form the verdicts that are ripe; gives the number of them."""
    oldest = timedelta(hours=settings().scoring.expire_after_h)
    written = 0
    try:
        for one in panels():
            decide(resources.store(), one, oldest=oldest, limit=DECIDED_AT_ONCE)
            written += form(resources.store(), one, oldest=oldest, limit=FORMED_AT_ONCE, clock=SystemClock())
    except (StoreUnavailable, StoreRejected) as error:
        log.warning("no panel is formed; what is ripe stays so", extra={"why": str(error)})
    except ConfigError as error:
        # The judges cannot be made either, and `consider` notes that for people.
        log.warning("no panel is formed", extra={"why": str(error)})
    except SoftTimeLimitExceeded:
        log.warning("the panels were not formed in time; the rest is formed by the next run")
    if written:
        log.info("panels formed", extra={"rows": written})
    return written


@cache
def panels() -> tuple[Panel, ...]:
    """Give the panels that the settings name, once they are written down.

    Raises:
        ConfigError: the judges or the panels cannot be made.
    """
    found = panels_of(settings().judging, resources.judges())
    register_identities(resources.store(), [identity for one in found for identity in one.identities])
    return found
