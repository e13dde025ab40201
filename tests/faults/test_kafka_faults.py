"""Kafka gives records twice, moves partitions about, loses some, starts a topic anew: the ledger stays exact."""

import random
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from kafka import OffsetAndMetadata, TopicPartition

from monitor.config import Settings
from monitor.intake import broker
from monitor.store.client import Store
from tests.support.faults import (
    FULL,
    PARTITIONS,
    SEEDS,
    Message,
    Worker,
    environment,
    ingest_all,
    messages,
    produce,
    recorded,
    send,
    worker,
)
from tests.support.live import settings_from, wait_for
from tests.support.oracle import Produced, check
from tests.support.watch import committed, events
from workers.stack.supervisor import Stack

pytestmark = pytest.mark.integration
STORM_RECORDS, ROUNDS = (20_000, 20) if FULL else (3_000, 4)


def verify(settings: Settings, produced: list[Produced]) -> None:
    with Store.connect(settings.clickhouse) as store:
        check(store, settings, produced)


def wait_recorded(settings: Settings, count: int) -> None:
    wait_for(lambda: recorded(settings) >= count, f"{count} offsets to be recorded", seconds=90)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_records_that_come_up_to_three_times_and_rewinds_count_once(servers: Stack, tmp_path: Path, seed: int) -> None:
    variables = environment(servers, f"rewind-{seed}")
    settings = settings_from(variables)
    dice = random.Random(seed)
    repeated = [Message(key=k, value=v) for k, v in messages(seed, 1500) for _ in range(dice.randint(1, 3))]
    produced = send(settings, repeated)

    with worker(tmp_path, variables, "tests.support.rewinding_ingest", str(seed)) as running:
        wait_recorded(settings, len(produced))
        assert running.stop() == 0, running.said()
    verify(settings, produced)


@pytest.mark.parametrize("seed", range(max(1, SEEDS // 10)))
def test_a_storm_of_rebalances_loses_and_doubles_nothing(servers: Stack, tmp_path: Path, seed: int) -> None:
    """Three consumers, one after the other killed or stopped in mid-flow and replaced, while records pour in.

    Only members that have joined are killed: the embedded broker holds a group for minutes whose leader dies between
    joining and syncing.
    """
    variables = environment(servers, f"storm-{seed}")
    settings = settings_from(variables)
    dice = random.Random(seed)
    traffic = list(messages(seed, STORM_RECORDS))
    produced: list[Produced] = []
    broker.ensure_topic(settings.kafka, partitions=PARTITIONS)
    with ExitStack() as members:

        def join(name: str) -> Worker:
            return members.enter_context(worker(tmp_path, variables, name=name))

        alive = [join(f"m{n}") for n in range(3)]
        wait_for(lambda: shares(*alive) == [1, 1, 1], "three members", seconds=90)
        for number in range(ROUNDS):
            part = traffic[number * len(traffic) // ROUNDS : (number + 1) * len(traffic) // ROUNDS]
            before = len(produced)
            produced += send(settings, [Message(key=key, value=value) for key, value in part])
            wait_recorded(settings, before + 1)
            victim = alive.pop(dice.randrange(3))
            victim.process.send_signal(dice.choice((signal.SIGKILL, signal.SIGTERM)))
            victim.process.wait(30)
            alive.append(join(f"r{number}"))
            wait_for(lambda: shares(*alive) == [1, 1, 1], "three members again", seconds=90)
        wait_recorded(settings, len(produced))
        assert [one.stop() for one in alive] == [0, 0, 0]
    verify(settings, produced)


@pytest.mark.parametrize("point", ["after_samples", "after_ledger"])
def test_a_zombie_that_wakes_after_takeover_does_no_harm(servers: Stack, tmp_path: Path, point: str) -> None:
    variables = environment(servers, f"zombie-{point}")
    settings = settings_from(variables)
    produced = produce(settings, 1)

    with worker(tmp_path, variables, "tests.support.crashing_ingest", point, "2", "SIGSTOP", name="zombie") as zombie:
        wait_for(lambda: psutil.Process(zombie.process.pid).status() == "stopped", "the zombie to fall asleep")
        with worker(tmp_path, variables, name="heir") as heir:
            wait_recorded(settings, len(produced))
            before = committed(settings)
            zombie.process.send_signal(signal.SIGCONT)
            zombie.wait_said("commit_refused")
            assert committed(settings) == before
            assert zombie.stop() == 0, zombie.said()
            assert heir.stop() == 0, heir.said()
    verify(settings, produced)
    assert events(settings, "commit_refused")


def test_a_static_member_that_restarts_moves_no_partition(servers: Stack, tmp_path: Path) -> None:
    """A pod that comes back under its own name gets its partitions back, and its neighbour keeps the rest.

    Apache Kafka does not even rebalance; the embedded broker does, and gives each name what it had.
    """
    variables = environment(servers, "static", KAFKA__SESSION_TIMEOUT_MS="6000")
    settings = settings_from(variables)
    name = "ALIGNMENT_MONITOR_KAFKA__GROUP_INSTANCE_ID"
    produced = produce(settings, 3, 200)
    with worker(tmp_path, {**variables, name: "pod-1"}, name="pod1") as neighbour:
        with worker(tmp_path, {**variables, name: "pod-0"}, name="pod0") as first:
            wait_for(lambda: shares(first, neighbour) == [1, 2], "both to share the partitions", seconds=90)
            kept = neighbour.partitions()
            first.process.send_signal(signal.SIGKILL)
            first.process.wait()
            mine = first.partitions()
        produced += produce(settings, 4, 200)
        with worker(tmp_path, {**variables, name: "pod-0"}, name="pod0-again") as again:
            wait_recorded(settings, len(produced))
            assert again.partitions() == mine
            assert neighbour.partitions() == kept
            assert again.stop() == 0
        assert neighbour.stop() == 0
    verify(settings, produced)


def shares(*members: Worker) -> list[int]:
    """Give how many partitions each of these holds, if all are held by exactly one."""
    held = [member.partitions() for member in members]
    return sorted(map(len, held)) if sorted(p for ps in held for p in ps) == list(range(PARTITIONS)) else []


def test_records_that_retention_dropped_are_a_loud_loss(servers: Stack, tmp_path: Path) -> None:
    """Stands in for retention, which the embedded broker lacks: its log start is told to be later than it is."""
    variables = environment(servers, "retention")
    settings = settings_from(variables)
    produced = produce(settings, 5, 300)
    lost = {p: sum(one.partition == p for one in produced) // 3 for p in range(PARTITIONS)}
    commit(settings, 0)
    cut = [str(lost[p]) for p in range(PARTITIONS)]
    with worker(tmp_path, variables, "tests.support.short_log_ingest", *cut) as one:
        wait_recorded(settings, len(produced))
        assert one.stop() == 0, one.said()
    with Store.connect(settings.clickhouse) as store:
        rows = store.query("ledger_offsets", topic=settings.kafka.topic)
    gone = {(r["partition"], o) for r in rows if r["outcome"] == "lost" for o in r["offsets"]}
    assert gone == {(p, o) for p, n in lost.items() for o in range(n)}
    assert len(events(settings, "retention_loss")) == PARTITIONS


def commit(settings: Settings, offset: int) -> None:
    """Commit this offset for the group, everywhere."""
    consumer = broker.consumer(settings.kafka, max_poll_records=1)
    try:
        partitions = [TopicPartition(settings.kafka.topic, p) for p in range(PARTITIONS)]
        consumer.assign(partitions)
        consumer.commit({tp: OffsetAndMetadata(offset, "", -1) for tp in partitions})
    finally:
        consumer.close()


def test_a_commit_moved_forward_by_hand_is_told_by_the_service_itself(servers: Stack, tmp_path: Path) -> None:
    variables = environment(servers, "by-hand")
    settings = settings_from(variables)
    produce(settings, 8, 300)
    commit(settings, 20)
    ingest_all(tmp_path, variables, 300 - 20 * PARTITIONS)
    task = "from workers.scheduled import gaps; raise SystemExit(gaps())"
    looked = subprocess.run([sys.executable, "-c", task], env=variables, timeout=60, check=False)
    assert looked.returncode == PARTITIONS
    told = events(settings, "gap_found")
    assert sorted((e["partition"], e["first_offset"], e["last_offset"], e["n"]) for e in told) == [
        (p, 0, 19, 20) for p in range(PARTITIONS)
    ]


def test_a_topic_made_anew_while_it_is_read_is_another_incarnation(servers: Stack, tmp_path: Path) -> None:
    variables = environment(servers, "anew")
    settings = settings_from(variables)
    produce(settings, 6, 300)
    with worker(tmp_path, variables) as running:
        wait_recorded(settings, 300)
        admin = broker.admin(settings.kafka)
        admin.delete_topics([settings.kafka.topic])
        admin.close()
        produced = produce(settings, 7, 200)
        wait_recorded(settings, 500)
        assert running.stop() == 0, running.said()
    assert events(settings, "topic_recreated")
    with Store.connect(settings.clickhouse) as store:
        ledger = store.query("ledger_offsets", topic=settings.kafka.topic)
    by_topic: dict[object, int] = {}
    for row in ledger:
        by_topic[row["topic_id"]] = by_topic.get(row["topic_id"], 0) + len(row["offsets"])
    assert sorted(by_topic.values()) == [len(produced), 300]
