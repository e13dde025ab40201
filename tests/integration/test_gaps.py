"""What an operator does when offsets have no outcome: see it, mend it, and see that it is gone; on the real broker."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from kafka import KafkaProducer, OffsetAndMetadata, TopicPartition

from monitor.config import Settings
from monitor.intake import broker
from monitor.intake.batch import KILLS_WORKER, Cell, Dead, Position
from monitor.store.client import Store
from monitor.store.events import EventKind, Journal
from monitor.store.ledger import coverage
from monitor.store.rows import dead_letter_row, to_columns
from tests.support.faults import Message, environment, ingest_all, produce, recorded, send, worker
from tests.support.live import settings_from, wait_for
from tests.support.oracle import Produced, check, predicted
from workers import main as console_script
from workers.stack.supervisor import Stack

pytestmark = pytest.mark.integration


Small = tuple[dict[str, str], list[Produced]]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(Path(tmp_path_factory.mktemp("servers")), say=print, services=False) as stack:
        yield stack


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Done]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the console script in this process: a process each would cost two seconds."""

    def run(variables: dict[str, str], *arguments: str) -> Done:
        capsys.readouterr()
        with monkeypatch.context() as patched:
            for name, value in variables.items():
                patched.setenv(name, value)
            patched.setattr("sys.argv", ["alignment-monitor", *arguments])
            with pytest.raises(SystemExit) as stop:
                console_script.main()
        said = capsys.readouterr()
        return Done(int(stop.value.code or 0), said.out, said.err)

    return run


def commit(settings: Settings, offsets: dict[int, int]) -> None:
    """Move the group on by hand, as somebody would who skips what troubles him."""
    consumer = broker.consumer(settings.kafka, max_poll_records=1)
    consumer.commit(
        {TopicPartition(settings.kafka.topic, p): OffsetAndMetadata(offset, "", -1) for p, offset in offsets.items()}
    )
    consumer.close()


def ends(produced: list[Produced]) -> dict[int, int]:
    found: dict[int, int] = {}
    for one in produced:
        found[one.partition] = max(found.get(one.partition, 0), one.offset + 1)
    return found


def told(done: Done) -> list[tuple[int, int, int, str]]:
    return [(p["partition"], g["first"], g["last"], g["where"]) for p in done.json["partitions"] for g in p["gaps"]]


@pytest.fixture(scope="module")
def small(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """A topic of thirty records, all of them recorded; its ledger is whole again at the end of each test."""
    variables = environment(servers, "gaps-small")
    produced = produce(settings_from(variables), 6, 30)
    ingest_all(tmp_path_factory.mktemp("small"), variables, 30)
    return variables, produced


def test_gaps_are_named_mended_while_ingest_runs_and_then_gone(
    servers: Stack, tmp_path: Path, command: Command
) -> None:
    """Somebody commits forward: before the first start, and between two runs; in one partition past all records."""
    variables = environment(servers, "gaps")
    settings = settings_from(variables)
    produced = produce(settings, 1, 200)
    commit(settings, {0: 15})
    ingest_all(tmp_path, variables, 200 - 15)
    first = ends(produced)
    produced += produce(settings, 2, 200)
    second = ends(produced)
    commit(settings, {1: second[1], 2: first[2] + 20})
    expected = [
        (0, 0, 14, "before"),
        (1, first[1], second[1] - 1, "after"),
        (2, first[2], first[2] + 19, "within"),
    ]
    missing = sum(last - begin + 1 for _, begin, last, _ in expected)
    with worker(tmp_path, variables) as running:
        wait_for(lambda: recorded(settings) == 400 - missing, "the rest to be recorded", seconds=30)

        found = command(variables, "gaps", "--json")
        assert (found.code, told(found), found.json["missing"]) == (2, expected, missing)
        assert all(gap["readable"] for part in found.json["partitions"] for gap in part["gaps"])
        said = command(variables, "gaps").out
        assert f"partition 2: {first[2]}-{first[2] + 19} (20) missing, between recorded offsets" in said
        assert "alignment-monitor replay --from-ledger" in said
        plan = command(variables, "replay", "--from-ledger", "--dry-run", "--json")
        assert (plan.code, plan.json["readable"], plan.json["dropped"]) == (2, missing, 0)
        assert told(command(variables, "gaps", "--json")) == expected, "a dry run changes nothing"

        produced += produce(settings, 3, 60)
        mended = command(variables, "replay", "--from-ledger", "--json")
        assert (mended.code, mended.json["recorded"]) == (0, missing), mended.error
        wait_for(lambda: recorded(settings) == 460, "everything to be recorded", seconds=30)
        assert running.stop() == 0, running.said()

    after = command(variables, "gaps")
    assert after.code == 0, after.out
    assert "nothing is missing" in after.out
    with Store.connect(settings.clickhouse) as store:
        check(store, settings, produced)
    again = command(variables, "replay", "--from-ledger")
    assert (again.code, again.out.strip()) == (0, "nothing is missing")
    noted = command(variables, "events", "--kind", "gap_mended", "--json")
    assert noted.code == 0
    assert sum(event["n"] for event in noted.json) == missing


def test_the_mark_of_a_transaction_in_a_gap_becomes_absent(small: Small, command: Command) -> None:
    variables, produced = small
    settings = settings_from(variables)
    start = ends(produced)[1]
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers, transactional_id="marks")
    producer.init_transactions()
    for _ in range(2):
        producer.begin_transaction()
        producer.send(settings.kafka.topic, value=produced[0].value, partition=1)
        producer.commit_transaction()
    producer.close()
    (last,) = send(settings, [Message(value=produced[0].value, partition=1)])
    assert last.offset == start + 4, "two records and their marks stand before it"
    commit(settings, {1: last.offset + 1})

    mended = command(variables, "replay", "--from-ledger", "--json")
    assert mended.code == 0, mended.error
    found = {name: mended.json[name] for name in ("recorded", "absent", "lost", "missing")}
    assert found == {"recorded": 3, "absent": 2, "lost": 0, "missing": 0}
    assert command(variables, "gaps").code == 0


def test_a_commit_beyond_the_log_is_no_proof_that_something_was_lost(small: Small, command: Command) -> None:
    variables, produced = small
    settings = settings_from(variables)
    end = ends(produced)[2]
    commit(settings, {2: end + 5})
    mended = command(variables, "replay", "--from-ledger")
    assert mended.code == 2
    assert f"{end}-{end + 4} stays missing" in mended.out
    assert told(command(variables, "gaps", "--json")) == [(2, end, end + 4, "after")]
    commit(settings, {2: end})
    assert command(variables, "gaps").code == 0


def test_without_kafka_the_ledger_is_read_and_nothing_is_mended(small: Small) -> None:
    """In processes of their own: kafka-python leaves its sockets open when no broker answers."""
    away = small[0] | {"ALIGNMENT_MONITOR_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    with Store.connect(settings_from(away).clickhouse) as store:
        for offsets in ([1, 2, 3], [7, 8]):
            cell = Cell(
                topic="elsewhere",
                topic_id=UUID(int=1),
                partition=0,
                window=0,
                stratum="all",
                outcome="sampled_out",
                offsets=offsets,
            )
            store.insert("offset_ledger_in", to_columns([cell]))

    impatient = (
        "from monitor.intake import broker; broker.BOOTSTRAP_TIMEOUT_MS = 500; from workers.main import main; main()"
    )

    def run(*arguments: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-c", impatient, *arguments],
            env=away,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    with ThreadPoolExecutor() as pool:
        broken, mended = pool.map(
            lambda arguments: run(*arguments), (["gaps", "--topic", "elsewhere"], ["replay", "--from-ledger"])
        )
    assert broken.code == 2, broken.error
    assert "only the ledger was looked at: Kafka does not answer" in broken.out
    assert "4-6 (3) missing, between recorded offsets; whether Kafka has them is not known" in broken.out
    assert mended.code == 1
    assert "Kafka does not answer" in mended.error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["replay"], "replay --from-ledger"),
        (["replay", "README.md", "--from-ledger"], "leave out FILES"),
        (["replay", "--from-ledger", "--rate", "5"], "leave out FILES"),
        (["replay", "README.md", "--dry-run"], "--dry-run goes with --from-ledger"),
        (["gaps", "--topic", "no-such-topic"], "gaps-small"),
        (["events", "--kind", "no_such_kind"], "gap_mended"),
        (["events", "--since", "banana"], "banana"),
        (["deadletters", "retry", "--all", "--force"], "--force is for one record"),
    ],
)
def test_wrong_arguments_say_what_is_wrong(small: Small, command: Command, arguments: list[str], message: str) -> None:
    done = command(small[0], *arguments)
    assert done.code == 1
    assert message in done.error
    assert done.out == ""


def test_another_sampling_key_mends_nothing(small: Small, command: Command) -> None:
    variables, produced = small
    settings = settings_from(variables)
    (more,) = send(settings, [Message(value=b"{}", partition=0)])
    commit(settings, {0: more.offset + 1})
    before = recorded(settings)
    done = command(variables | {"ALIGNMENT_MONITOR_SAMPLING__KEY": "a-key-of-somebody-else"}, "replay", "--from-ledger")
    assert done.code == 1
    assert "ALIGNMENT_MONITOR_SAMPLING__KEY" in done.error
    assert recorded(settings) == before
    assert command(variables, "replay", "--from-ledger").code == 0
    assert recorded(settings) == before + 1
    produced.append(more)


def test_status_and_events_show_what_was_lost_and_what_asks_for_a_person(small: Small, command: Command) -> None:
    variables, _ = small
    settings = settings_from(variables)
    before = command(variables, "status", "--json").json
    with Store.connect(settings.clickhouse) as store:
        cell = predicted(settings, small[1], coverage(store, settings.kafka.topic)[0].topic_id).cells[0]
        gone = replace(cell, outcome="lost", stratum="", offsets=[5001, 5002, 5003], partition=1)
        store.insert("offset_ledger_in", to_columns([gone]))
        journal = Journal("ingest")
        journal.note(EventKind.RETENTION_LOSS, "critical", "Kafka dropped records", partition=1, n=3)
        journal.note(EventKind.STORE_AWAY, "warning", "waited")
        journal.note(EventKind.DRAINED, "info", "stopped")
        assert journal.flush(store)
    after = command(variables, "status", "--json").json
    assert after["lost"] - before["lost"] == 3
    assert {name: after[name] for name in ("consumed", "sampled", "sampled_out", "dead", "coverage")} == {
        name: before[name] for name in ("consumed", "sampled", "sampled_out", "dead", "coverage")
    }
    assert after["criticals"] == {"retention_loss": before["criticals"].get("retention_loss", 0) + 1}
    assert after["warnings"]["store_away"] == before["warnings"].get("store_away", 0) + 1
    assert "drained" not in after["warnings"]
    listed = command(variables, "events", "--limit", "2")
    assert listed.code == 0
    assert "Kafka dropped records" in command(variables, "events").out
    assert "alignment-monitor events" in command(variables, "status").out


def test_a_record_that_kills_its_worker_is_sent_again_only_by_name_and_with_force(
    small: Small, command: Command
) -> None:
    variables, produced = small
    place = bury(variables, produced, KILLS_WORKER)
    every = command(variables, "deadletters", "retry", "--all", "--json")
    assert every.code == 2
    assert "needs --force" in {one["result"] for one in every.json if [one["partition"], one["offset"]] == place}
    named = command(variables, "deadletters", "retry", *map(str, place))
    assert named.code == 2
    assert f"deadletters retry {place[0]} {place[1]} --force" in " ".join(named.out.split())
    forced = command(variables, "deadletters", "retry", *map(str, place), "--force")
    assert forced.code == 0, forced.out
    assert "sent again" in forced.out


def test_a_sample_that_clickhouse_refused_is_sent_again(small: Small, command: Command) -> None:
    """Nothing of it was kept, not even its hash; the incarnation and the offset say which record it is."""
    variables, produced = small
    place = bury(variables, produced, "store_rejected", size=0, sha256="0" * 64)
    done = command(variables, "deadletters", "retry", *map(str, place))
    assert done.code == 0, done.out
    for former in (
        bury(variables, produced, "store_rejected", size=0, sha256="0" * 64, of_another_topic=True),
        bury(variables, produced, "not_json", sha256="f" * 64),
    ):
        gone = command(variables, "deadletters", "retry", *map(str, former))
        assert gone.code == 2
        assert "gone from Kafka" in gone.out, "another record stands there now"


def bury(
    variables: dict[str, str], produced: list[Produced], reason: str, *, of_another_topic: bool = False, **changes: Any
) -> list[int]:
    """Make a dead letter of a record that can be read, and give where it stands."""
    settings = settings_from(variables)
    with Store.connect(settings.clickhouse) as store:
        topic_id = coverage(store, settings.kafka.topic)[0].topic_id
        batch = predicted(settings, produced, topic_id)
        readable = {(one.position.partition, one.position.offset): one for one in batch.sampled}
        known = {
            (row["partition"], row["offset"]) for row in store.query("dead_letters", reason="", status="", limit=10_000)
        }
        (place, kept) = next((place, one) for place, one in readable.items() if place not in known)
        value = next(one.value for one in produced if (one.partition, one.offset) == place) or b""
        position = kept.position
        if of_another_topic:
            position = Position(topic=position.topic, topic_id=UUID(int=1), partition=place[0], offset=place[1])
        dead = Dead(
            position=position,
            record_ms=kept.record_ms,
            window=kept.window,
            reason=reason,
            detail="for the test",
            evidence="",
            size=len(value),
            sha256=hashlib.sha256(value).hexdigest(),
        )
        row = dead_letter_row(dead)
        store.insert("dead_letters", to_columns([replace(row, **changes)]))
    return list(place)
