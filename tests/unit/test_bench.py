"""The pure parts of the bench: what it sends, how it counts, what it prints."""

import gzip
import json
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench import chats
from bench.__main__ import FULL, SHORT
from bench.chats import interactions
from bench.classify import Classified, Plan, Span, Turn
from bench.ingest import TRIGGERS, Round
from bench.messages import MESSAGE_BYTES, TURNS, message, partition
from bench.meter import Meter, Reading
from bench.processes import clean_environment
from bench.store import Inserted
from bench.summary import classify_summary, summary
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


def span(seconds: float, *, count: int = 80) -> Span:
    return Span(interactions=count, seconds=seconds, cpu_seconds=seconds / 2)


def test_the_classify_summary_gives_medians_of_the_rounds_and_the_time_of_each_scorer() -> None:
    found = classify_summary(
        Classified(
            source="labelled public data",
            turns=tuple(Turn(path=span(path), bare=span(4.0), whole=span(6.0), texts=800) for path in (5.0, 8.0, 4.0)),
            batches=((1, span(2.0, count=10)), (200, span(8.0, count=200))),
            seconds_by_scorer={"head-refusal": 2.4, "embedding": 12.0},
            memory_mb_before=80.0,
            memory_mb=260.0,
        )
    )
    promised = {
        "classify_ratio": 0.8,
        "classify_cpu_ratio": 0.8,
        "whole_text_ratio": 1.2,
        "classify_per_s_core": 16.0,
        "classify_per_cpu_s": 32.0,
        "embedder_per_s_core": 20.0,
        "embedder_texts_per_s": 200.0,
        "texts_an_interaction": 10.0,
        "classify_memory_mb": 260.0,
        "classify_interactions": 240,
        "classify_rounds": 3,
    }
    assert {name: found[name] for name in promised} == promised
    assert found["classify_range"]["classify_ratio"] == [0.5, 1.0]
    assert found["classify_ms"] == {"head-refusal": 10.0, "embedding": 50.0, "store_and_rest": pytest.approx(10.833)}
    assert found["classify_batches"]["1"] == {"per_s": 5.0, "ms": 200.0, "cpu_ms": 100.0}
    assert json.loads(json.dumps(found)) == found


def test_made_up_chats_stand_in_where_there_is_no_data_and_no_sentence_comes_twice(tmp_path: Path) -> None:
    source, found = interactions(tmp_path, 300)
    assert (source, len(found)) == ("made-up messages", 300)
    said = Counter(sentence for one in found for sentence in one.answer.split(". ") if any(map(str.isdigit, sentence)))
    assert len({(one.request, one.answer) for one in found}) == 300
    assert set(said.values()) == {1}


def test_of_labelled_rows_each_request_comes_once_no_row_is_of_the_test_split_and_the_choice_is_seeded(
    tmp_path: Path,
) -> None:
    def row(number: int, request: str, split: str = "train") -> str:
        messages = [{"role": "user", "content": request}, {"role": "assistant", "content": f"Answer {number}."}]
        return json.dumps({"id": f"{'long ' * 100}{number}", "split": split, "messages": messages})

    rows = [row(n, f"Request {n % 50}?") for n in range(100)]
    rows += [row(n, f"Request {n}?", split="test") for n in range(100, 200)]
    with gzip.open(tmp_path / chats.FILES[0], "wt", encoding="utf-8") as file:
        file.write("\n".join(rows))
    source, found = interactions(tmp_path, 40)
    assert source == "labelled public data"
    assert len({one.request for one in found}) == 40
    assert all(int(one.request.split()[1].rstrip("?")) < 50 for one in found)
    assert interactions(tmp_path, 40) == (source, found)
    assert interactions(tmp_path, 51)[0] == "made-up messages"


@pytest.mark.parametrize("plan", [SHORT.classify, FULL.classify])
def test_the_plans_measure_every_promised_chunk_size(plan: Plan) -> None:
    assert [size for size, _ in plan.batches] == [1, 10, 50, 200]
    assert all(count >= size for size, count in plan.batches)
    assert plan.rounds >= 3
    assert plan.needed <= 880, "so many requests do the labelled rows have"
