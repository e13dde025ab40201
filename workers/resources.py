"""What the tasks of one Celery process share: connections and the scorers, made on first use after the fork.

The encoder alone is loaded before it: its weights are never written to, so that all children share one copy of them.
"""

import gc
from functools import cache

from monitor.clock import SystemClock
from monitor.config import settings
from monitor.scoring.registry import enabled_scorers
from monitor.scoring.verdict import Scorer
from monitor.store.client import Store, spare_data_frames
from monitor.store.due import register
from monitor.store.embeddings import ReadsEmbeddings
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


def load_before_fork() -> bool:
    """Load what children share, in their parent; gives False where no enabled scorer reads embeddings.

    Raises:
        ConfigError: an encoder or head is not what it should be.
    """
    found = [one for one in enabled_scorers(settings().scoring.scorers) if isinstance(one, ReadsEmbeddings)]
    for one in found:
        one.reader()
    if found:
        from threadpoolctl import threadpool_limits  # noqa: PLC0415 - numpy is imported by now: it finds its threads

        # Children are as many as there are cores for them; more threads a child only get in each other's way.
        threadpool_limits(limits=1, user_api="blas")
    # What there is now stays: a collection in a child would write to each page of it, and so copy it.
    gc.collect()
    gc.freeze()
    return bool(found)


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
