"""The pure parts of the bench: what it sends, how it counts, what it prints."""

import json
import os
from collections import Counter
from datetime import UTC, datetime

import pytest

from bench.ingest import TRIGGERS, Round
from bench.messages import MESSAGE_BYTES, TURNS, message, partition
from bench.meter import Meter, Reading
from bench.processes import clean_environment
from bench.store import Inserted
from bench.summary import summary
from monitor.intake.decode import decode
from monitor.intake.interaction import Interaction
from monitor.intake.peek import peek_conversation_id
from monitor.intake.sampling import Stratum
from monitor.intake.trigger import trigger_of

SENT = [message(number) for number in range(2_000)]


def reading(*, per_second: float = 50_000.0, memory_mb: dict[str, float] | None = None) -> Reading:
    return Reading(
        messages=200_000,
        delivered=210_000,
        seconds=200_000 / per_second,
        cpu_seconds=2.0,
        memory_mb=memory_mb or {},
        peak_mb=200.0,
    )


def test_messages_are_all_of_one_size() -> None:
    assert {len(value) for _, value in SENT} == {MESSAGE_BYTES}


def test_every_message_is_read_and_keeps_its_conversation() -> None:
    for number, (key, value) in enumerate(SENT):
        decoded = decode(
            value,
            key=key,
            headers=(),
            record_time=datetime(2026, 11, 20, tzinfo=UTC),
            topic="t",
            partition=0,
            offset=number,
            pseudonym=str.upper,
        )
        assert isinstance(decoded, Interaction)
        assert decoded.conversation_id == key.decode()
        assert decoded.turn == number % TURNS
        assert decoded.normalised == ()
        assert peek_conversation_id(value, key) == key.decode()


def test_a_conversation_has_four_messages_with_ids_of_their_own_in_one_partition() -> None:
    assert set(Counter(key for key, _ in SENT).values()) == {TURNS}
    assert len({json.loads(value)["interaction_id"] for _, value in SENT}) == len(SENT)
    by_key: dict[bytes, set[int]] = {}
    for number, (key, _) in enumerate(SENT):
        by_key.setdefault(key, set()).add(partition(number, 4))
    assert all(len(partitions) == 1 for partitions in by_key.values())
    assert set.union(*by_key.values()) == {0, 1, 2, 3}


def test_triggers_are_there_but_rare() -> None:
    found = Counter(trigger_of(value) for _, value in SENT)
    assert all(0.01 < found[name] / len(SENT) < 0.05 for name in ("pushback", "refusal"))


def test_the_strata_with_triggers_are_valid() -> None:
    assert [Stratum.model_validate(one).name for one in TRIGGERS] == ["pushback", "refusal", "rest"]


def test_the_meter_starts_with_the_first_delivery_and_reads_memory_at_its_marks() -> None:
    meter = Meter(30, memory_at=[20])
    full = []
    for count in (0, 10, 0, 10, 10):
        meter.note(count)
        full.append(meter.full)
    assert full == [False, False, False, False, True]
    found = meter.reading()
    assert (found.messages, found.delivered) == (20, 30)
    assert list(found.memory_mb) == ["20"]
    assert found.memory_mb["20"] > 0
    assert found.per_second > 0


def test_one_delivery_is_nothing_to_measure() -> None:
    meter = Meter(10)
    meter.note(10)
    with pytest.raises(ValueError, match="after the first batch"):
        meter.reading()


def test_what_the_caller_has_set_for_the_service_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIGNMENT_MONITOR_KAFKA__GROUP_ID", "mine")
    made = clean_environment({"ALIGNMENT_MONITOR_KAFKA__TOPIC": "t"})
    assert "ALIGNMENT_MONITOR_KAFKA__GROUP_ID" not in made
    assert made["ALIGNMENT_MONITOR_KAFKA__TOPIC"] == "t"
    assert made["PATH"] == os.environ["PATH"]


def test_the_summary_gives_medians_of_the_rounds_and_every_promised_key() -> None:
    rounds = [
        Round(poll=reading(per_second=100_000), plain=reading(per_second=p), triggers=reading(per_second=50_000))
        for p in (60_000, 90_000, 80_000)
    ]
    found = summary(
        rounds=rounds,
        long=reading(memory_mb={"200000": 150.0, "1000000": 151.0}),
        samples=[Inserted(whole=0.2, columns=0.1, bare=0.1)],
        scores=[Inserted(whole=0.04, columns=0.02, bare=0.01)],
    )
    promised = {
        "ingest_ratio": 0.8,
        "ingest_ratio_triggers": 0.5,
        "ingest_msgs_per_s": 80_000,
        "poll_msgs_per_s": 100_000,
        "store_ratio": 1.0,
        "store_ratio_with_rows": 0.5,
        "score_store_ratio": 0.5,
        "score_store_ratio_with_rows": 0.25,
        "store_rows_per_s": 50_000,
        "bare_rows_per_s": 50_000,
        "memory_mb_200k": 150.0,
        "memory_mb_1m": 151.0,
        "messages": 200_000,
        "message_bytes": MESSAGE_BYTES,
        "sampling": "1 % of conversations",
    }
    assert {name: found[name] for name in promised} == promised
    assert found["range"]["ingest_ratio"] == [0.6, 0.9]
    assert {"python", "kafka_python", "clickhouse_connect", "chdb_core", "cores"} <= set(found)
    assert json.loads(json.dumps(found)) == found
