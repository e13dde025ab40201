"""Redis dies, forgets, is full, hangs and dawdles: ingest goes on, and afterwards all work is found again.

One ingest worker, one Celery worker and one beat live through all of it: nobody is started again.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest

from monitor.store.client import Store
from tests.support.faults import FULL, SEEDS, Message, Worker, environment, recorded, send, worker
from tests.support.live import settings_from, wait_for
from tests.support.oracle import Produced, check, check_scores, settle, settle_rollup
from tests.support.proxy import TcpProxy
from tests.support.scoring import QUICK, ask, celery, varied
from tests.support.valkey import Valkey, valkey
from workers.celery_app import CLASSIFY, ROLLUP
from workers.hint_queue import HintQueue
from workers.stack.supervisor import Stack

pytestmark = pytest.mark.integration
MOST_SEEDS = 2
"""The long form of each takes a minute or so."""
RECORDS = 2000 if FULL else 600
FOUND_S = 60.0
"""All work is found again within so long of Redis' return."""
LOST = "Connection to broker lost"


@dataclass
class Scene:
    """What lives through the faults, and what it has been fed so far."""

    variables: dict[str, str]
    queue: Valkey
    proxy: TcpProxy
    ingest: Worker
    tasks: Worker
    produced: list[Produced] = field(default_factory=list)

    @contextmanager
    def noticed(self, text: str) -> Iterator[None]:
        """Leave only when the Celery worker has said `text` once more."""
        before = self.tasks.said().count(text)
        yield
        wait_for(lambda: self.tasks.said().count(text) > before, f"the worker to say {text!r}")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the Celery processes meanwhile, so that hints wait in the queue."""
        os.killpg(self.tasks.process.pid, signal.SIGSTOP)
        yield
        os.killpg(self.tasks.process.pid, signal.SIGCONT)

    def scored(self) -> int:
        """Give the number of verdicts so far."""
        with Store.connect(settings_from(self.variables).clickhouse) as store:
            return len(store.query("score_digests"))


@pytest.fixture(scope="module")
def scene(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = Path(tmp_path_factory.mktemp("redis-faults"))
    # The long form runs with the periods that people run with.
    periods = {"SCORING__ROLLUP_EVERY_S": "3600", "SCORING__CANARY_EVERY_S": "0"} if FULL else QUICK
    with ExitStack() as stack:
        queue = stack.enter_context(valkey(folder))
        proxy = stack.enter_context(TcpProxy(queue.port))
        url = f"redis://127.0.0.1:{proxy.port}/0"
        variables = environment(servers, "redis-faults", **{**periods, "REDIS__URL": url})
        send(settings_from(variables), [])
        ingest = stack.enter_context(worker(folder, variables))
        tasks = stack.enter_context(celery(folder, variables))
        tasks.wait_said("ready")
        yield Scene(variables=variables, queue=queue, proxy=proxy, ingest=ingest, tasks=tasks)


@contextmanager
def killed(scene: Scene) -> Iterator[None]:
    """Without persistence: it comes back empty, on the same port."""
    with scene.noticed(LOST):
        scene.queue.kill()
        yield
    scene.queue.start()


@contextmanager
def flushed(scene: Scene) -> Iterator[None]:
    """Every hint waits in the queue, and then all are gone, with all else that Celery keeps there."""
    with scene.frozen():
        yield
        wait_for(lambda: scene.queue.ask("LLEN", CLASSIFY), "hints to wait")
        scene.queue.ask("FLUSHALL")


@contextmanager
def full(scene: Scene) -> Iterator[None]:
    """The worker can still take a hint, and then cannot note that it did."""
    with scene.noticed(LOST):
        with scene.frozen():
            queue = HintQueue(settings_from(scene.variables))
            queue.send(0, [str(UUID(int=1))])
            queue.close()
            scene.queue.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
            scene.queue.ask("CONFIG", "SET", "maxmemory", "1")
        yield
    scene.queue.ask("CONFIG", "SET", "maxmemory", "0")


@contextmanager
def hanging(scene: Scene) -> Iterator[None]:
    """Connections stay open and nothing comes; in the long form for so long that they are given up."""
    with scene.noticed("dropping stale connection") if FULL else ExitStack():
        scene.proxy.mode = "hang"
        yield
    scene.proxy.mode = "pass"


@contextmanager
def slow(scene: Scene) -> Iterator[None]:
    """Slow is not away: work goes on, slowly; the long form waits for it."""
    scene.proxy.latency_s = 5.0
    before = scene.scored()
    yield
    if FULL:
        wait_for(lambda: scene.scored() > before, "something to be scored with a slow queue", seconds=240)
    scene.proxy.latency_s = 0.0


@pytest.mark.parametrize("seed", range(min(SEEDS, MOST_SEEDS)))
@pytest.mark.parametrize("fault", [killed, flushed, full, hanging, slow])
def test_ingest_records_everything_meanwhile_and_all_work_is_found_afterwards(
    scene: Scene, fault: Callable[[Scene], AbstractContextManager[None]], seed: int
) -> None:
    settings = settings_from(scene.variables)
    with fault(scene):
        messages = varied(len(scene.produced) + seed, RECORDS)
        scene.produced += send(settings, [Message(key=key, value=value) for key, value in messages])
        wait_for(
            lambda: recorded(settings) == len(scene.produced),
            "ingest to record everything while the queue is of no use",
            seconds=30,
        )
    with Store.connect(settings.clickhouse) as store:
        settle(store, settings, seconds=FOUND_S)
        check(store, settings, scene.produced)
        check_scores(store, settings, scene.produced)
        ask(settings, ROLLUP)
        settle_rollup(store, settings, scene.produced)
    assert scene.ingest.process.poll() is None, scene.ingest.said()
    assert scene.tasks.process.poll() is None, scene.tasks.said()
