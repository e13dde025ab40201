"""What the tasks of one Celery process share: a store connection and the scorers, made on first use after the fork."""

from functools import cache

from monitor.config import settings
from monitor.scoring.registry import enabled_scorers
from monitor.scoring.verdict import Scorer
from monitor.store.client import Store, spare_data_frames
from monitor.store.due import register


@cache
def store() -> Store:
    """Give this process's connection."""
    spare_data_frames()
    return Store.connect(settings().clickhouse)


@cache
def scorers() -> tuple[Scorer, ...]:
    """Give the enabled scorers, once their identities are written down."""
    found = enabled_scorers(settings().scoring.scorers)
    register(store(), found)
    return found
