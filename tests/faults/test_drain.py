"""SIGTERM: what is in flight is finished and committed, inside the grace period, and a successor repeats nothing."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.config import Settings
from monitor.intake import broker
from monitor.store.client import Store
from tests.support import watch
from tests.support.faults import FULL, PARTITIONS, Worker, environment, ingest_all, produce, recorded, worker
from tests.support.live import settings_from, wait_for
from tests.support.oracle import Produced, check
from tests.support.proxy import HttpFaults, Mode
from workers.stack.supervisor import Stack

pytestmark = pytest.mark.integration
GRACE_S = 20.0
ROUNDS = 5 if FULL else 1


@contextmanager
def traffic(settings: Settings) -> Iterator[list[Produced]]:
    """Pour in records for as long as the context lasts; the list holds all that were sent once it has ended."""
    sent: list[Produced] = []
    enough = threading.Event()

    def pour() -> None:
        while not enough.wait(0.2):
            sent.extend(produce(settings, len(sent), 100))

    thread = threading.Thread(target=pour)
    thread.start()
    try:
        yield sent
    finally:
        enough.set()
        thread.join()


def consumed(running: Worker) -> int:
    """Give how many records a worker says that it has recorded, in its last words."""
    last = json.loads(running.said().splitlines()[-1])
    assert last["message"] == "stopped"
    return int(last.get("consumed", 0))


def test_a_worker_stopped_under_load_finishes_its_batch_and_its_successor_reads_no_record_again(
    servers: Stack, tmp_path: Path
) -> None:
    direct = environment(servers, "drain", INGEST__MAX_RECORDS="300")
    settings = settings_from(direct)
    broker.ensure_topic(settings.kafka, partitions=PARTITIONS)
    total = 0
    with HttpFaults(servers.ports.clickhouse) as wire:
        with traffic(settings) as produced:
            for n in range(ROUNDS):
                with worker(tmp_path, direct | proxied(wire), name=f"drained-{n}") as running:
                    stop_in_mid_batch(running, wire, settings)
                    total += consumed(running)
                    assert recorded(settings) == total == sum(watch.committed(settings).values())
        with worker(tmp_path, direct, name="successor") as running:
            wait_for(lambda: recorded(settings) >= len(produced), "all offsets to be recorded")
            assert running.stop() == 0, running.said()
            total += consumed(running)
    assert total == len(produced), "a record was read twice"
    with Store.connect(settings.clickhouse) as store:
        check(store, settings, produced)
    assert len(watch.events(settings, "drained")) == ROUNDS + 1


def stop_in_mid_batch(running: Worker, wire: HttpFaults, settings: Settings) -> None:
    """Let a few batches pass, hold the next one at its first insert, send SIGTERM, and let it go."""
    passed = wire.passed["samples"] + 2
    wait_for(lambda: wire.passed["samples"] >= passed, "some batches to be recorded")
    held = wire.add("hang", "samples")
    wait_for(lambda: held.hits, "a batch to be in flight")
    before = recorded(settings)
    running.process.terminate()
    wire.lift()
    assert running.process.wait(GRACE_S) == 0, running.said()
    assert recorded(settings) > before, "the batch in flight was dropped"


@pytest.mark.parametrize("mode", ["hang", "refuse"] if FULL else ["hang"])
def test_a_worker_stopped_while_clickhouse_is_away_goes_at_once_and_loses_nothing(
    servers: Stack, tmp_path: Path, mode: Mode
) -> None:
    direct = environment(servers, f"drain-{mode}")
    settings = settings_from(direct)
    produced = produce(settings, 0, 60)
    with HttpFaults(servers.ports.clickhouse) as wire:
        with worker(tmp_path, direct | proxied(wire)) as running:
            wait_for(lambda: recorded(settings) == 60, "the first batch to be recorded")
            wire.mode = mode
            produced += produce(settings, 1, 120)
            running.wait_said("nothing is committed")
            assert running.stop(seconds=GRACE_S) == 0, running.said()
            assert consumed(running) == 60
            assert sum(watch.committed(settings).values()) == 60
        with worker(tmp_path, direct | proxied(wire), name="started-in-vain") as running:
            running.wait_said("waiting for ClickHouse")
            assert running.stop(seconds=GRACE_S) == 0, running.said()
    ingest_all(tmp_path, direct, len(produced))
    with Store.connect(settings.clickhouse) as store:
        check(store, settings, produced)


def proxied(wire: HttpFaults) -> dict[str, str]:
    return {
        "ALIGNMENT_MONITOR_CLICKHOUSE__PORT": str(wire.port),
        "ALIGNMENT_MONITOR_CLICKHOUSE__TIMEOUT_S": "1",
        "ALIGNMENT_MONITOR_CLICKHOUSE__CONNECT_TIMEOUT_S": "1",
    }
