"""kill -9 of the ingest worker at each point of a batch: another one takes over, and the oracle finds nothing amiss."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.config import Settings
from monitor.intake import broker
from monitor.store.client import Store
from tests.support.crashing_ingest import POINTS
from tests.support.live import KEY, clean_environment, settings_from, wait_for
from tests.support.oracle import Produced, check
from workers.stack.supervisor import Stack

pytestmark = pytest.mark.integration

SEEDS = int(os.environ.get("ALIGNMENT_MONITOR_TEST_SEEDS", "1"))
RECORDS, BATCH = 400, 60
STRATA = '[{"name":"turkish","when":{"locale":["tr"]},"probability":0.9},{"name":"rest","probability":0.4}]'
RESTART_S = 30


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(Path(tmp_path_factory.mktemp("servers")), say=print, services=False) as stack:
        yield stack


def environment(servers: Stack, name: str) -> dict[str, str]:
    """Give a topic, a group and a database of its own to each case."""
    return clean_environment(
        SAMPLING__KEY=KEY,
        PRIVACY__PSEUDONYM_KEY=KEY,
        SAMPLING__STRATA=STRATA,
        KAFKA__BOOTSTRAP_SERVERS=f"127.0.0.1:{servers.ports.kafka}",
        KAFKA__TOPIC=name,
        KAFKA__GROUP_ID=name,
        KAFKA__SESSION_TIMEOUT_MS="3000",
        KAFKA__HEARTBEAT_INTERVAL_MS="500",
        REDIS__URL=f"redis://127.0.0.1:{servers.ports.redis}/0",
        CLICKHOUSE__PORT=str(servers.ports.clickhouse),
        CLICKHOUSE__DATABASE=name.replace("-", "_"),
        INGEST__MAX_RECORDS=str(BATCH),
        INGEST__MAX_WAIT_MS="100",
    )


def produce(settings: Settings, seed: int) -> list[Produced]:
    """Send records of several turns and both languages, one in twenty unreadable."""
    dice = random.Random(seed)
    broker.ensure_topic(settings.kafka, partitions=3)
    producer = broker.producer(settings.kafka)
    pending = []
    for n in range(RECORDS):
        conversation = f"c-{seed}-{n // dice.choice((1, 2, 3))}"
        value = json.dumps(
            {
                "conversation_id": conversation,
                "interaction_id": f"i-{seed}-{n}",
                "locale": dice.choice(("tr", "en")),
                "messages": [
                    {"role": "user", "content": f"Soru {n}?"},
                    {"role": "assistant", "content": f"Yanıt {n}."},
                ],
            }
        ).encode()
        if dice.random() < 0.05:
            value = value[: dice.randrange(1, 15)]
        pending.append(
            (conversation.encode(), value, producer.send(settings.kafka.topic, key=conversation.encode(), value=value))
        )
    producer.flush()
    found = []
    for key, value, future in pending:
        sent = future.get(timeout=30)
        found.append(
            Produced(partition=sent.partition, offset=sent.offset, timestamp=sent.timestamp, key=key, value=value)
        )
    producer.close()
    return found


def recorded(settings: Settings) -> int:
    with Store.connect(settings.clickhouse) as store:
        return sum(len(row["offsets"]) for row in store.query("ledger_offsets", topic=settings.kafka.topic))


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_in_mid_batch_loses_and_doubles_nothing(servers: Stack, point: str, seed: int) -> None:
    variables = environment(servers, f"kill-{point}-{seed}".replace("_", "-"))
    settings = settings_from(variables)
    produced = produce(settings, seed)

    victim = subprocess.run(
        [sys.executable, "-m", "tests.support.crashing_ingest", point, str(seed % 3 + 1)],
        env=variables,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert victim.returncode == -signal.SIGKILL, victim.stderr.decode()

    successor = subprocess.Popen([sys.executable, "-m", "workers.ingest"], env=variables, stderr=subprocess.PIPE)
    try:
        wait_for(lambda: recorded(settings) >= RECORDS, "the successor to record everything", seconds=RESTART_S)
    finally:
        successor.send_signal(signal.SIGTERM)
        _, log = successor.communicate(timeout=30)
    assert successor.returncode == 0, log.decode()
    with Store.connect(settings.clickhouse) as store:
        check(store, settings, produced)
