"""ClickHouse is away, hangs, forgets to answer, or is full: ingest waits in its group, alive, and then records all."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from monitor.config import Settings
from monitor.intake import broker
from monitor.store.client import Store
from tests.support import watch
from tests.support.faults import FULL, PARTITIONS, Worker, environment, produce, recorded, worker
from tests.support.live import settings_from, wait_for
from tests.support.oracle import Produced, check
from tests.support.proxy import Fault, HttpFaults
from workers.stack.supervisor import Stack

pytestmark = pytest.mark.integration
OUTAGE_S = 120.0 if FULL else 12.0
"""Longer than the session timeout and the poll interval: without polling the member would be thrown out twice over."""
GROWTH_BYTES = 24 * 1024 * 1024
RECOVERY_S = 60.0
TABLES = ("samples", "dead_letters", "offset_ledger_in")


@dataclass
class Scene:
    """An ingest worker that talks to ClickHouse through a proxy."""

    wire: HttpFaults
    running: Worker
    settings: Settings
    health: int
    produced: list[Produced] = field(default_factory=list)

    def probe(self, path: str) -> int:
        return watch.probe(self.health, path)

    def produce(self, count: int) -> None:
        self.produced += produce(self.settings, len(self.produced), count)

    def settle(self) -> None:
        """Wait until everything is recorded and the worker has got over it, and ask the oracle."""
        count = len(self.produced)
        wait_for(lambda: recorded(self.settings) >= count, f"{count} offsets to be recorded", seconds=RECOVERY_S)
        wait_for(lambda: self.probe("/readyz") == 200, "the worker to be ready again", seconds=RECOVERY_S)
        with Store.connect(self.settings.clickhouse) as store:
            check(store, self.settings, self.produced)


@contextlib.contextmanager
def scene(servers: Stack, folder: Path, name: str) -> Iterator[Scene]:
    """Run one worker behind a proxy that passes everything at first; it must be the same one, and end well."""
    direct = settings_from(environment(servers, name))
    # Before the worker joins: the embedded broker gives a lone member that joins again its first assignment.
    broker.ensure_topic(direct.kafka, partitions=PARTITIONS)
    with HttpFaults(servers.ports.clickhouse) as wire:
        health = watch.free_port()
        variables = environment(
            servers,
            name,
            CLICKHOUSE__PORT=str(wire.port),
            CLICKHOUSE__TIMEOUT_S="1",
            KAFKA__MAX_POLL_INTERVAL_MS="10000",
            INGEST__HEALTH_PORT=str(health),
            INGEST__MAX_RECORDS="200",
        )
        with worker(folder, variables) as running:
            running.wait_said('"held": [0, 1, 2]')
            yield Scene(wire=wire, running=running, settings=direct, health=health)
            assert running.stop() == 0, running.said()


@pytest.fixture(scope="module")
def shared(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Give the tests one worker: none of what befalls it may leave a trace."""
    with scene(servers, tmp_path_factory.mktemp("shared"), "clickhouse-faults") as at:
        yield at


@pytest.fixture
def at(shared: Scene) -> Iterator[Scene]:
    """Give the shared worker while no fault is in force, and find it alive and in its group afterwards."""
    before = watch.members(shared.settings)
    yield shared
    shared.wire.lift()
    assert shared.running.process.poll() is None
    assert watch.members(shared.settings) == before
    assert watch.events(shared.settings, "partitions_lost") == []
    assert watch.events(shared.settings, "sample_refused") == []


def test_an_outage_is_sat_out_in_the_same_process_and_in_the_group(servers: Stack, tmp_path: Path) -> None:
    with scene(servers, tmp_path, "outage") as at:
        at.produce(200)
        at.settle()
        before = watch.members(at.settings)
        process = psutil.Process(at.running.process.pid)
        assert len(before) == 1
        assert at.probe("/readyz") == 200

        at.wire.mode = "refuse"
        at.produce(200)
        wait_for(lambda: at.probe("/readyz") == 503, "the worker to say that it is not ready", seconds=20)
        waiting = process.memory_info().rss
        until = time.monotonic() + OUTAGE_S
        while time.monotonic() < until:
            # Traffic goes on meanwhile, and must not pile up in the worker.
            at.produce(200)
            time.sleep(1)
            assert at.probe("/livez") == 200
            assert at.probe("/readyz") == 503
        grown = process.memory_info().rss - waiting
        assert grown < GROWTH_BYTES, f"the worker grew by {grown / 1e6:.0f} MB in {OUTAGE_S:g} s"
        assert watch.members(at.settings) == before, "the worker left the group"
        assert recorded(at.settings) == 200

        at.wire.mode = "pass"
        at.settle()
        assert watch.members(at.settings) == before
    assert {one["severity"] for one in watch.events(at.settings, "store_away")} == {"warning"}
    assert watch.events(at.settings, "partitions_lost") == []


def test_inserts_that_hang_and_arrive_after_all_was_recorded_without_them_change_nothing(at: Scene) -> None:
    """One insert of each table is given up and waits in the proxy, long after the one that replaced it."""
    faults = [at.wire.add("hang", table, times=1) for table in TABLES]
    at.produce(100)
    at.settle()
    assert [fault.hits for fault in faults] == [1, 1, 1]
    passed = at.wire.passed.total()
    at.wire.lift()
    wait_for(lambda: at.wire.passed.total() >= passed + 3, "the late inserts to reach the server")
    at.settle()


def test_a_server_that_is_reset_after_it_has_committed_is_asked_again_and_counts_once(at: Scene) -> None:
    """Of each table several inserts are done and never answered: the worker can only send them again."""
    # The client library sends once more by itself: two resets are one failure for the worker.
    faults = [at.wire.add("reset_after", table, times=3) for table in TABLES]
    at.produce(100)
    wait_for(lambda: [fault.hits for fault in faults] == [3, 3, 3], "each table's inserts to be reset")
    at.settle()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            Fault(action="answer", table="samples", code=252, min_rows=8, times=3),
            id="over 100 partitions at once",
        ),
        pytest.param(Fault(action="answer", table="samples", code=252, times=10), id="too many parts for a while"),
        pytest.param(Fault(action="answer", table="samples", code=243, times=2), id="disk full for a while"),
        pytest.param(Fault(action="answer", table="offset_ledger_in", code=243, times=1), id="disk full at the ledger"),
    ],
)
def test_an_insert_that_is_refused_for_the_servers_sake_buries_no_sample(at: Scene, fault: Fault) -> None:
    at.wire.faults.append(fault)
    waits = len(watch.events(at.settings, "store_away"))
    at.produce(100)
    at.settle()
    assert fault.hits == fault.times, "the fault was not met"
    waited = len(watch.events(at.settings, "store_away")) > waits
    assert waited == (fault.min_rows == 0), "what smaller inserts cure needs no waiting"
