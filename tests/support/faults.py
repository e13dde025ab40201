"""What the fault tests share: servers, settings of a case of its own, traffic, and real worker processes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from monitor.config import Settings
from monitor.errors import StoreUnavailable
from monitor.intake import broker
from monitor.store.client import Store
from tests.support.live import KEY, LIGHT, clean_environment, settings_from, wait_for
from tests.support.oracle import Produced
from workers.stack.supervisor import Stack

SEEDS = int(os.environ.get("ALIGNMENT_MONITOR_TEST_SEEDS", "1"))
FULL = os.environ.get("ALIGNMENT_MONITOR_TEST_FAULTS") == "full"
"""Set by `make faults`: longer outages, more records, every seed."""
STRATA = '[{"name":"turkish","when":{"locale":["tr"]},"probability":0.9},{"name":"rest","probability":0.4}]'
REAL_KAFKA = os.environ.get("ALIGNMENT_MONITOR_TEST_KAFKA", "")
REAL_CLICKHOUSE = os.environ.get("ALIGNMENT_MONITOR_TEST_CLICKHOUSE", "")
"""A real broker and a real server to run on, instead of the embedded ones."""
PARTITIONS = 3
RESTART_S = 90.0
"""How long a test waits; `make faults` tells how long it took, which is to be under 30 s."""


def environment(servers: Stack, name: str, **more: str) -> dict[str, str]:
    """Give a topic, a group and a database of its own to a case; `more` overrides settings (`KAFKA__TOPIC=...`)."""
    name = name.replace("_", "-")
    return clean_environment(
        **{
            "SAMPLING__KEY": KEY,
            "PRIVACY__PSEUDONYM_KEY": KEY,
            "SAMPLING__STRATA": STRATA,
            "KAFKA__BOOTSTRAP_SERVERS": REAL_KAFKA or f"127.0.0.1:{servers.ports.kafka}",
            "KAFKA__TOPIC": name,
            "KAFKA__GROUP_ID": name,
            "KAFKA__SESSION_TIMEOUT_MS": "3000",
            "KAFKA__HEARTBEAT_INTERVAL_MS": "500",
            "REDIS__URL": f"redis://127.0.0.1:{servers.ports.redis}/0",
            **clickhouse(servers),
            "CLICKHOUSE__DATABASE": name.replace("-", "_"),
            "SCORING__SCORERS": LIGHT,
            "INGEST__MAX_RECORDS": "60",
            "INGEST__MAX_WAIT_MS": "100",
            **more,
        }
    )


def clickhouse(servers: Stack) -> dict[str, str]:
    """Give the settings of the ClickHouse that a case runs on."""
    if not REAL_CLICKHOUSE:
        return {"CLICKHOUSE__PORT": str(servers.ports.clickhouse)}
    url = urlsplit(REAL_CLICKHOUSE)
    return {
        "CLICKHOUSE__HOST": url.hostname or "127.0.0.1",
        "CLICKHOUSE__PORT": str(url.port or 8123),
        "CLICKHOUSE__USERNAME": unquote(url.username or "default"),
        "CLICKHOUSE__PASSWORD": unquote(url.password or ""),
        "CLICKHOUSE__SECURE": str(url.scheme == "https"),
    }


def messages(seed: int, count: int) -> Iterator[tuple[bytes, bytes]]:
    """Give keys and values of several turns and both languages, one in twenty unreadable."""
    dice = random.Random(seed)
    for n in range(count):
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
        yield conversation.encode(), value


@dataclass(frozen=True, kw_only=True)
class Message:
    """A record to be sent as it is."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int | None = None
    partition: int | None = None


def send(settings: Settings, records: Sequence[Message]) -> list[Produced]:
    """Send records, making the topic if need be, and give them as they stand in Kafka."""
    broker.ensure_topic(settings.kafka, partitions=PARTITIONS)
    producer = broker.producer(settings.kafka)
    pending = [
        producer.send(
            settings.kafka.topic,
            key=one.key,
            value=one.value,
            headers=list(one.headers),
            timestamp_ms=one.timestamp,
            partition=one.partition,
        )
        for one in records
    ]
    producer.flush()
    found = []
    for one, future in zip(records, pending, strict=True):
        at = future.get(timeout=30)
        found.append(
            Produced(
                partition=at.partition,
                offset=at.offset,
                timestamp=at.timestamp,
                key=one.key,
                value=one.value,
                headers=one.headers,
            )
        )
    producer.close()
    return found


def produce(settings: Settings, seed: int, count: int = 400) -> list[Produced]:
    """Send `count` made-up messages of this seed."""
    return send(settings, [Message(key=key, value=value) for key, value in messages(seed, count)])


def recorded(settings: Settings) -> int:
    """Give the number of (offset, outcome) pairs in the ledger; 0 before the first worker has made it."""
    try:
        with Store.connect(settings.clickhouse) as store:
            return sum(len(row["offsets"]) for row in store.query("ledger_offsets", topic=settings.kafka.topic))
    except StoreUnavailable:
        return 0


@dataclass
class Worker:
    """A worker process with its log in a file."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """Give the log so far."""
        return self.log.read_text("utf-8", "replace")

    def partitions(self) -> list[int]:
        """Give the partitions that the worker said it holds, last."""
        lines = [json.loads(line) for line in self.said().splitlines() if line.startswith("{") and '"held"' in line]
        return list(lines[-1]["held"]) if lines else []

    def wait_said(self, text: str, *, seconds: float = 30) -> None:
        """Wait until the log holds `text`."""
        wait_for(lambda: text in self.said(), f"the worker to say {text!r}", seconds=seconds)

    def stop(self, *, seconds: float = 30) -> int:
        """Send SIGTERM and give the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


@contextmanager
def worker(folder: Path, variables: dict[str, str], *command: str, name: str = "ingest") -> Iterator[Worker]:
    """Run `python -m workers.ingest`, or another module named by `command`; killed on leaving if it still runs."""
    log = folder / f"{name}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *(command or ("workers.ingest",))],
            env={**variables, "PYTHONUNBUFFERED": "1"},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Worker(process=process, log=log)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ingest_all(folder: Path, variables: dict[str, str], count: int, *, seconds: float = RESTART_S) -> float:
    """Run one ingest worker until `count` offsets are recorded, stop it cleanly, and give the seconds it took."""
    settings = settings_from(variables)
    start = time.monotonic()
    with worker(folder, variables, name="successor") as running:
        try:
            wait_for(lambda: recorded(settings) >= count, f"{count} offsets to be recorded", seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{running.said()[-4000:]}") from error
        took = time.monotonic() - start
        assert running.stop() == 0, running.said()
    return took
