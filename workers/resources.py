"""What the tasks of one Celery process share: connections and the scorers, made on first use after the fork.

The encoder alone is loaded before it: its weights are never written to, so that all children share one copy of them.
"""

import asyncio
import gc
from collections.abc import Coroutine, Hashable
from functools import cache
from typing import Any, TypeVar

from monitor.clock import SystemClock
from monitor.config import settings
from monitor.scoring.constitution.load import load
from monitor.scoring.judge.budget.budget import SharedBudget
from monitor.scoring.judge.call import Chat
from monitor.scoring.judge.claims import Claims
from monitor.scoring.judge.configured import judges_of
from monitor.scoring.judge.judge import Judge
from monitor.scoring.judge.transport import open_chat
from monitor.scoring.registry import enabled_scorers
from monitor.scoring.verdict import Scorer
from monitor.store.budgets import StoreLedger
from monitor.store.client import Store, spare_data_frames
from monitor.store.constitutions import record as record_constitution
from monitor.store.due import register, register_identities
from monitor.store.embeddings import ReadsEmbeddings
from monitor.store.events import Journal
from monitor.store.suspect import Caution
from workers.celery_app import ASK, JUDGE
from workers.hint_queue import HintQueue

T = TypeVar("T")


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


@cache
def judges() -> tuple[Judge, ...]:
    """Give the judges that the settings name, once they and their constitution are written down.

    Raises:
        ConfigError: the constitution cannot be read, or an endpoint names what it does not have.
    """
    judging = settings().judging
    found = judges_of(judging)
    if found:
        record_constitution(store(), load(judging.constitution))
        register_identities(store(), [one for judge in found for one in judge.identities])
    return found


@cache
def judge_queue(endpoint: str) -> HintQueue:
    """Give the way to hint at work for one judge."""
    return HintQueue(settings(), queue=JUDGE, task=ASK, told={"judge": endpoint})


@cache
def chat(endpoint: str) -> Chat:
    """Give this process's client of an endpoint."""
    return open_chat(next(one for one in settings().judging.endpoints if one.name == endpoint))


@cache
def budget() -> SharedBudget:
    """Give this process's way to the judges' budget."""
    config = settings()
    return SharedBudget.connect(config.redis.url, config.judging, StoreLedger(store()), name=config.clickhouse.database)


@cache
def claims() -> Claims:
    """Give this process's claims of questions."""
    return Claims(settings().redis.url, name=settings().clickhouse.database)


@cache
def caps_told() -> set[Hashable]:
    """Give the caps that this process has told people of."""
    return set()


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run to its end, always on the same loop: clients keep their connections from task to task."""
    return _runner().run(work)
