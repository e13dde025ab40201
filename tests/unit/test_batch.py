"""Records in, outcomes out: every offset once, the cheap path and the full one agree, nobody can fake a canary."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.intake import batch as batch_module
from monitor.intake.batch import CANARY_HEADER, EVIDENCE_BYTES, Batch, Sifter, canary_mark
from monitor.intake.redact import RedactionFailed
from monitor.intake.sampling import CANARY_STRATUM, Policy, PolicyHistory, Stratum

KEY = b"k" * 16
TOPIC_ID = UUID(int=7)
NOW_MS = int(datetime(2026, 11, 23, 10, 30, tzinfo=UTC).timestamp() * 1000)
HOUR_MS = 3_600_000
STRATA = (
    Stratum(name="pushback", when={"trigger": ("pushback",)}, probability=0.9),
    Stratum(name="rest", probability=0.3),
)


@dataclass
class Record:
    offset: int
    value: bytes | None
    timestamp: int = NOW_MS
    key: bytes | None = None
    headers: list[tuple[str, bytes]] = field(default_factory=list)


def message(conversation: str, text: str = "Hello.", **more: Any) -> bytes:
    body = {"conversation_id": conversation, "messages": [{"role": "assistant", "content": text}], **more}
    return json.dumps(body).encode()


def sifter(*strata: Stratum) -> Sifter:
    policy = Policy(effective_from=datetime.fromtimestamp(0, UTC), strata=strata or STRATA)
    return Sifter(sampling_key=KEY, pseudonym_key=KEY, policies=PolicyHistory([policy]), max_message_bytes=100_000)


def sift(records: list[Record], *strata: Stratum) -> Batch:
    return sifter(*strata).sift([("t", TOPIC_ID, 0, records)])


def outcomes(batch: Batch) -> dict[int, tuple[int, str, str]]:
    found: dict[int, tuple[int, str, str]] = {}
    for cell in batch.cells:
        for offset in cell.offsets:
            assert offset not in found, "an offset has two outcomes"
            found[offset] = (cell.window, cell.stratum, cell.outcome)
    return found


VALUES = st.one_of(
    st.none(),
    st.binary(max_size=60),
    st.builds(message, st.text(min_size=1, max_size=12), st.sampled_from(["Hi.", "Are you sure?", "{", '"'])),
)
STAMPS = st.sampled_from([NOW_MS, NOW_MS + HOUR_MS, NOW_MS - 30 * HOUR_MS, -1, 0, 4_200_000_000_000])


@given(st.lists(st.tuples(VALUES, STAMPS), max_size=40), st.booleans())
def test_every_offset_has_exactly_one_outcome_and_its_row(pairs: list[tuple[bytes | None, int]], one: bool) -> None:
    records = [Record(100 + i, value, stamp) for i, (value, stamp) in enumerate(pairs)]
    batch = sift(records, *([Stratum(name="all", probability=0.5)] if one else []))
    found = outcomes(batch)
    assert sorted(found) == [r.offset for r in records]
    assert batch.consumed == len(records)
    assert {s.position.offset for s in batch.sampled} == {o for o, (_, _, what) in found.items() if what == "sampled"}
    assert {d.position.offset for d in batch.dead} == {o for o, (_, _, what) in found.items() if what == "dead"}


@given(st.lists(st.tuples(VALUES, STAMPS), max_size=30))
def test_the_outcome_does_not_depend_on_the_batch_a_record_comes_in(pairs: list[tuple[bytes | None, int]]) -> None:
    records = [Record(i, value, stamp) for i, (value, stamp) in enumerate(pairs)]
    alone: dict[int, tuple[int, str, str]] = {}
    for one in records:
        alone |= outcomes(sift([one]))
    assert outcomes(sift(records)) == alone


@given(st.lists(st.text(min_size=1, max_size=20), max_size=30), st.sampled_from(["Hi.", "Are you sure?"]))
def test_the_cheap_path_decides_as_a_full_decode_would(names: list[str], text: str) -> None:
    """The same records with a header that forces a full decode end alike."""
    cheap = [Record(i, message(name, text)) for i, name in enumerate(names)]
    full = [Record(r.offset, r.value, headers=[("am-format", b"native")]) for r in cheap]
    assert outcomes(sift(cheap)) == outcomes(sift(full))


def test_all_turns_of_a_conversation_are_in_or_out_together() -> None:
    records = [Record(4 * i + turn, message(f"c-{i}", turn=turn)) for i in range(200) for turn in range(4)]
    kept = {
        o
        for o, (_, _, what) in outcomes(sift(records, Stratum(name="all", probability=0.5))).items()
        if what == "sampled"
    }
    for i in range(200):
        assert len(kept & set(range(4 * i, 4 * i + 4))) in {0, 4}
    assert 0 < len(kept) < 800


def test_a_sampled_record_is_masked_and_keeps_its_probability() -> None:
    batch = sift(
        [Record(0, message("c", "Write to ali@example.com.", user_id="u-1"))], Stratum(name="all", probability=1.0)
    )
    (one,) = batch.sampled
    assert "[EMAIL_1]" in one.interaction.answer
    assert one.masked == {"EMAIL": 1}
    assert one.probability == 1.0
    assert one.interaction.user_key
    assert one.interaction.user_key != "u-1"


@pytest.mark.parametrize(
    ("stamp", "reason"), [(-1, "record_time"), (0, "record_time"), (4_200_000_000_000, "record_time")]
)
def test_a_record_without_a_usable_time_is_a_dead_letter(stamp: int, reason: str) -> None:
    (dead,) = sift([Record(0, message("c"), stamp)]).dead
    assert (dead.reason, dead.window, dead.record_ms) == (reason, 0, 0)


def test_a_dead_letter_keeps_masked_evidence_cut_to_size_and_the_hash_of_the_whole() -> None:
    value = b"not json, mail ali@example.com " + b"x" * 90_000
    (dead,) = sift([Record(0, value)]).dead
    assert dead.size == len(value)
    assert len(dead.sha256) == 64
    assert "[EMAIL_1]" in dead.evidence
    assert "ali@" not in dead.evidence
    assert len(dead.evidence) <= EVIDENCE_BYTES


@pytest.mark.parametrize("piece", [b"\xff", "ş".encode(), "🙂".encode()])
def test_evidence_is_cut_by_bytes_whatever_its_script(piece: bytes) -> None:
    """A byte of no encoding is kept as a sign of three."""
    (dead,) = sift([Record(0, b"not json " + piece * (90_000 // len(piece)))]).dead
    assert EVIDENCE_BYTES - 4 < len(dead.evidence.encode()) <= EVIDENCE_BYTES


def test_a_value_that_the_cut_goes_through_is_masked_too() -> None:
    value = b"x" * (EVIDENCE_BYTES - 8) + b" ali.veli@example.com and more"
    (dead,) = sift([Record(0, value)]).dead
    assert "ali" not in dead.evidence


def test_a_recogniser_that_breaks_buries_the_record_instead_of_letting_raw_text_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RedactionFailed("the recogniser broke")

    monkeypatch.setattr(batch_module, "redact", broken)
    monkeypatch.setattr(batch_module, "redact_text", broken)
    batch = sift([Record(0, message("c", "ali@example.com"))], Stratum(name="all", probability=1.0))
    assert batch.sampled == []
    assert batch.dead[0].reason == "redaction_failed"
    assert batch.dead[0].evidence == ""


def test_a_canary_is_always_sampled_and_counted_apart_but_only_with_our_mark() -> None:
    value = message("canary-1")
    real = Record(0, value, headers=[(CANARY_HEADER, canary_mark(KEY, "canary-1"))])
    forged = Record(1, value, headers=[(CANARY_HEADER, b"trust me")])
    never = Stratum(name="all", probability=1e-12)
    found = outcomes(sift([real, forged], never))
    assert found[0][1:] == (CANARY_STRATUM, "sampled")
    assert found[1][1:] == ("all", "sampled_out")


def test_a_header_of_somebody_else_does_not_force_a_full_decode() -> None:
    """Tracing headers are on every record of many producers: the cheap path must hold for them."""
    broken_later = b'{"conversation_id":"c-1","messages":[not json'
    never = Stratum(name="all", probability=1e-12)
    record = Record(0, broken_later, headers=[("traceparent", b"00-0af7")])
    assert outcomes(sift([record], never))[0][2] == "sampled_out"
