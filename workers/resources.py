"""What the tasks of one Celery process share: connections and the scorers, made on first use after the fork."""

from functools import cache

from monitor.clock import SystemClock
from monitor.config import settings
from monitor.scoring.registry import enabled_scorers
from monitor.scoring.verdict import Scorer
from monitor.store.client import Store, spare_data_frames
from monitor.store.due import register
from monitor.store.events import Journal
from monitor.store.suspect import Caution
from workers.hint_queue import HintQueue


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


@cache
def journal() -> Journal:
    """Give this process's journal; it keeps what could not be written yet."""
    return Journal("celery")


@cache
def caution() -> Caution:
    """Give what scores suspect work; it remembers the attempts that could not be voided yet."""
    return Caution(store(), scorers(), journal=journal(), clock=SystemClock())


@cache
def hint_queue() -> HintQueue:
    """Give this process's connection to the queue."""
    return HintQueue(settings())
