"""A dead letter that cannot be written stops everything where it is, loudly, until a person has acted (I8)."""

from pathlib import Path

import pytest

from monitor.store.client import Store
from tests.support import watch
from tests.support.faults import environment, produce, recorded, worker
from tests.support.live import settings_from, wait_for
from tests.support.oracle import check
from tests.support.proxy import HttpFaults
from workers.stack.supervisor import Stack

pytestmark = pytest.mark.integration
CANNOT_PARSE_INPUT = 27
"""Nothing that waiting helps against."""


def test_no_offset_is_committed_past_a_dead_letter_that_was_refused(servers: Stack, tmp_path: Path) -> None:
    settings = settings_from(environment(servers, "refused-letter"))
    with HttpFaults(servers.ports.clickhouse) as wire:
        health = watch.free_port()
        variables = environment(
            servers, "refused-letter", CLICKHOUSE__PORT=str(wire.port), INGEST__HEALTH_PORT=str(health)
        )
        produced = produce(settings, 0, 60)
        with worker(tmp_path, variables) as running:
            wait_for(lambda: sum(watch.committed(settings).values()) == 60, "all offsets to be committed")
            committed = watch.committed(settings)

            fault = wire.add("answer", "dead_letters", code=CANNOT_PARSE_INPUT)
            produced += produce(settings, 1, 100)
            (event,) = wait_for(lambda: watch.events(settings, "store_refused"), "the event to be written")
            assert event["severity"] == "critical"
            assert event["topic"] == settings.kafka.topic
            assert str(CANNOT_PARSE_INPUT) in event["detail"]
            hits = fault.hits
            wait_for(lambda: fault.hits > hits, "another attempt")
            assert running.process.poll() is None, running.said()
            assert (watch.probe(health, "/livez"), watch.probe(health, "/readyz")) == (200, 503)
            assert watch.committed(settings) == committed
            assert recorded(settings) == 60, "the ledger says what is durable, so it comes after the dead letters"

            wire.lift()
            wait_for(lambda: recorded(settings) == len(produced), "all offsets to be recorded")
            wait_for(lambda: sum(watch.committed(settings).values()) == len(produced), "all offsets to be committed")
            assert running.stop() == 0, running.said()
    assert len(watch.events(settings, "store_refused")) == 1, "one event an incident"
    with Store.connect(settings.clickhouse) as store:
        check(store, settings, produced)
