"""Clocks that are wrong: a window is of Kafka record time, and an offset keeps the policy that decided on it (I2)."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kafka import OffsetAndMetadata, TopicPartition

from monitor.config import Settings
from monitor.intake import broker
from monitor.intake.batch import NO_WINDOW
from monitor.intake.sampling import PolicyHistory, next_window, window_of
from monitor.store import policies
from monitor.store.client import Store
from tests.support import oracle, watch
from tests.support.faults import FULL, PARTITIONS, Message, environment, recorded, send, worker
from tests.support.live import settings_from, wait_for
from tests.support.oracle import check
from workers.stack.supervisor import Stack

pytestmark = pytest.mark.integration
HOUR_MS = 3_600_000
SKEWED = "tests.support.skewed_ingest"
OLD_STRATA = '[{"name":"turkish","when":{"locale":["tr"]},"probability":0.8},{"name":"rest","probability":0.3}]'
NEW_STRATA = '[{"name":"rest","probability":0.6}]'


def messages(label: str, timestamp: int, count: int) -> Iterator[Message]:
    """Give readable records of one record time, spread over the partitions, a conversation each."""
    for n in range(count):
        value = {
            "conversation_id": f"{label}-{n}",
            "locale": "tr" if n % 2 else "en",
            "messages": [{"role": "assistant", "content": f"Yanıt {n}."}],
        }
        yield Message(value=json.dumps(value).encode(), timestamp=timestamp, partition=n % PARTITIONS)


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def run(folder: Path, variables: dict[str, str], skew_s: int, count: int) -> None:
    """Run a worker with a wrong clock until so many offsets are recorded, and stop it cleanly."""
    settings = settings_from(variables)
    with worker(folder, variables, SKEWED, str(skew_s)) as running:
        wait_for(lambda: recorded(settings) >= count, f"{count} offsets to be recorded", seconds=40)
        assert running.stop() == 0, running.said()


@pytest.mark.parametrize("skew_s", [3600, -3600] if FULL else [3600])
def test_a_worker_whose_clock_is_an_hour_off_records_what_any_other_would(
    servers: Stack, tmp_path: Path, skew_s: int
) -> None:
    variables = environment(servers, f"skewed-{'behind' if skew_s < 0 else 'ahead'}", SAMPLING__STRATA=OLD_STRATA)
    settings = settings_from(variables)
    now = int(time.time() * 1000)
    stamps = {
        "now": now,
        "hour-ahead": now + HOUR_MS,
        "hour-behind": now - HOUR_MS,
        "day-behind": now - 24 * HOUR_MS,
        "first": milliseconds(datetime(2000, 1, 1, tzinfo=UTC)),
        "last": milliseconds(datetime(2100, 1, 1, tzinfo=UTC)) - 1,
    }
    impossible = {
        "epoch": 0,
        "1970": 1_000,
        "before-2000": milliseconds(datetime(2000, 1, 1, tzinfo=UTC)) - 1,
        "2100": milliseconds(datetime(2100, 1, 1, tzinfo=UTC)),
        "none": -1,
    }
    produced = send(
        settings, [one for label, stamp in (stamps | impossible).items() for one in messages(label, stamp, 15)]
    )
    assert {one.timestamp for one in produced} == {*stamps.values(), *impossible.values()}

    run(tmp_path, variables, skew_s, len(produced))

    with Store.connect(settings.clickhouse) as store:
        check(store, settings, produced)
        windows = {row["window"] for row in store.query("ledger_offsets", topic=settings.kafka.topic)}
        assert windows == {NO_WINDOW} | {window_of(stamp) for stamp in stamps.values()}
        letters = store.query("dead_letters", reason="record_time", status="open", limit=1000)
        assert len(letters) == 15 * len(impossible)


def test_a_replay_across_a_change_of_policy_decides_as_the_first_run_did(
    servers: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Producers are ahead by one and two hours, the worker is behind by one: what is the future to it is decided."""
    before = environment(servers, "replayed", SAMPLING__STRATA=OLD_STRATA)
    after = environment(servers, "replayed", SAMPLING__STRATA=NEW_STRATA)
    settings = settings_from(after)
    now = int(time.time() * 1000)
    ahead = now + 2 * HOUR_MS
    stamps = {"behind": now - HOUR_MS, "now": now, "ahead": now + HOUR_MS, "far-ahead": ahead}
    produced = send(settings, [one for label, stamp in stamps.items() for one in messages(label, stamp, 60)])
    run(tmp_path, before, -3600, len(produced))

    with worker(tmp_path, after, SKEWED, "-3600", name="changed") as running:
        with Store.connect(settings.clickhouse) as store:
            wait_for(lambda: len(policies.load(store)) == 2, "the new policy to be written")
            start = policies.load(store)[-1].effective_from
        assert start >= next_window(datetime.fromtimestamp(ahead / 1000, UTC))
        stamps |= {"later": ahead + 60_000, "new": milliseconds(start), "newer": milliseconds(start) + HOUR_MS}
        produced += send(
            settings, [one for label, stamp in stamps.items() for one in messages(f"again-{label}", stamp, 60)]
        )
        wait_for(lambda: recorded(settings) >= len(produced), "all offsets to be recorded", seconds=40)
        assert running.stop() == 0, running.said()
    decisions = outcomes(settings)

    rewind(settings)
    with worker(tmp_path, after, name="replay") as running:
        wait_for(lambda: sum(watch.committed(settings).values()) == len(produced), "everything to be read again")
        assert running.stop() == 0, running.said()
    assert outcomes(settings) == decisions

    with Store.connect(settings.clickhouse) as store:
        made = policies.load(store)
        history = PolicyHistory(made)
        decided_by = {history.at(window_of(one.timestamp)).id for one in produced}
        assert decided_by == {one.id for one in made}, "each policy decides on some record"
        assert len(made) == 2
        # The oracle's sampler knows one policy for all time; here it takes the history that is stored.
        monkeypatch.setattr(oracle, "PolicyHistory", lambda _: history)
        check(store, settings, produced)


def outcomes(settings: Settings) -> set[tuple[int, int, str, str]]:
    """Give what the ledger says of each offset."""
    with Store.connect(settings.clickhouse) as store:
        rows = store.query("ledger_offsets", topic=settings.kafka.topic)
    return {(row["partition"], offset, row["stratum"], row["outcome"]) for row in rows for offset in row["offsets"]}


def rewind(settings: Settings) -> None:
    """Set the group back to the first record, as an operator does while no worker runs."""
    consumer = broker.consumer(settings.kafka, max_poll_records=1)
    try:
        partitions = [TopicPartition(settings.kafka.topic, n) for n in range(PARTITIONS)]
        consumer.assign(partitions)
        consumer.commit({tp: OffsetAndMetadata(0, "", -1) for tp in partitions})
    finally:
        consumer.close()
    assert set(watch.committed(settings).values()) == {0}
