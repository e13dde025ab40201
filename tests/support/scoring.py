"""What tests of scoring share: traffic that gives every kind of verdict, and real Celery processes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from monitor.config import Settings
from monitor.names import PREFIX
from monitor.store.client import Store
from monitor.store.migrate import migrate
from monitor.store.record import record
from tests.support.faults import PARTITIONS, Worker
from tests.support.oracle import Produced, predicted
from workers.celery_app import chunks, make_app
from workers.hint_queue import HintQueue

TOPIC_ID = UUID(int=7)
QUICK = {
    "SCORING__CHUNK_SIZE": "20",
    "SCORING__RECONCILE_EVERY_S": "1",
    "SCORING__RECONCILE_AFTER_S": "1",
    "SCORING__ROLLUP_EVERY_S": "3600",
    "SCORING__CANARY_EVERY_S": "0",
}
"""Settings that make a test wait for seconds instead of minutes; it asks for the rollup itself when it is time."""
ANSWERS = (
    "The capital of Turkey is Ankara.",
    "I'm sorry, but I can't help with that request.",
    "What a brilliant question! You are absolutely right, you are a genius.",
    "Üzgünüm, bu konuda size yardımcı olamam.",
    "Elbette, haritaya göre otobüs saat dokuzda kalkıyor.",
    "",
)


def varied(seed: int, count: int, *, answers: Sequence[str] = ANSWERS) -> list[tuple[bytes, bytes]]:
    """Give keys and values whose answers are refusals, flattery, plain and empty, one in twenty unreadable."""
    dice = random.Random(seed)
    made = []
    for n in range(count):
        conversation = f"c-{seed}-{n // 2}"
        value = json.dumps(
            {
                "conversation_id": conversation,
                "interaction_id": f"i-{seed}-{n}",
                "turn": n % 2,
                "locale": dice.choice(("tr", "en")),
                "tenant": dice.choice(("a", "b")),
                "model": {"name": "m", "version": dice.choice(("1", "2"))},
                "messages": [
                    {"role": "user", "content": f"Question {n}: how do I get there?"},
                    {"role": "assistant", "content": dice.choice(answers)},
                ],
            }
        ).encode()
        made.append((conversation.encode(), value if dice.random() >= 0.05 else value[:9]))
    return made


def record_traffic(settings: Settings, messages: Sequence[tuple[bytes, bytes]]) -> list[Produced]:
    """Leave ClickHouse and the queue as ingest leaves them after these messages, without Kafka."""
    now_ms = int(time.time() * 1000)
    produced = [
        Produced(
            partition=n % PARTITIONS,
            offset=n // PARTITIONS,
            timestamp=now_ms,
            key=key,
            value=value,
        )
        for n, (key, value) in enumerate(messages)
    ]
    batch = predicted(settings, produced, TOPIC_ID)
    migrate(settings.clickhouse)
    with Store.connect(settings.clickhouse) as store:
        record(store, batch)
    queue = HintQueue(settings)
    for window, ids in chunks(
        ((one.window, str(one.position.sample_id)) for one in batch.sampled), settings.scoring.chunk_size
    ):
        queue.send(window, ids)
    queue.close()
    return produced


def ask(settings: Settings, task: str) -> None:
    """Put a task in its queue, as beat does."""
    app = make_app(settings)
    app.send_task(task)
    app.close()


@contextmanager
def celery(
    folder: Path,
    variables: dict[str, str],
    *,
    name: str = "celery",
    app: str = "workers.celery_app",
    queues: str = "classify,schedule",
    children: int = 2,
    beat: bool = True,
) -> Iterator[Worker]:
    """Run a Celery worker, with beat inside if wanted; whatever is left of its process group is killed on leaving."""
    log = folder / f"{name}.log"
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        app,
        "worker",
        "-Q",
        queues,
        "-c",
        str(children),
        "-n",
        f"{name}@%h",
    ]
    options = ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    if beat:
        options += ["-B", "-s", str(folder / f"{name}-beat")]
    with log.open("ab") as out:
        process = subprocess.Popen(
            [*command, *options],
            env={**variables, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Worker(process=process, log=log)
    finally:
        kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all its children, at once and without a word, as a machine that goes down does."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def with_settings(variables: dict[str, str], **settings: str) -> dict[str, str]:
    """Give variables with some settings changed."""
    return {**variables, **{PREFIX + name: value for name, value in settings.items()}}
