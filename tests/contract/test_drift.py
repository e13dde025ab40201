"""Two windows recorded in the real engine: the columns come back as they were written, and the shift is found."""

import random
from datetime import UTC, datetime
from uuid import UUID

import pytest

from monitor.drift.detectors import compare
from monitor.drift.windows import read_span
from monitor.errors import InputError
from monitor.intake.batch import Batch, Cell, Position, Sampled
from monitor.intake.interaction import Interaction, Message, Model
from monitor.intake.sampling import CANARY_STRATUM
from monitor.report.ledger import Span
from monitor.scoring.verdict import Result, ScorerIdentity, Status, Unscored, Verdict
from monitor.store.client import Store
from monitor.store.record import record
from monitor.store.rows import score_row, to_columns

FIRST = 1_795_420_800
SECOND = FIRST + 3600
REFUSAL = ScorerIdentity(kind="rule", name="fixed", dimension="refusal", code_version="1")
SERIES = ("refusal", REFUSAL.id)


def sampled(
    offset: int,
    window: int = FIRST,
    *,
    messages: tuple[Message, ...] = (),
    locale: str = "en",
    stratum: str = "all",
    probability: float = 0.5,
    feedback: float | None = None,
) -> Sampled:
    return Sampled(
        position=Position(topic="t", topic_id=UUID(int=5), partition=0, offset=offset),
        record_ms=window * 1000 + offset,
        window=window,
        stratum=stratum,
        policy_id="p",
        probability=probability,
        hash64=random.Random(offset).getrandbits(64),
        interaction=Interaction(
            interaction_id=f"i-{offset}",
            conversation_id=f"c-{offset}",
            turn=offset % 3,
            occurred_at=datetime(2026, 11, 23, tzinfo=UTC),
            messages=messages or (Message(role="user", content="Why?"), Message(role="assistant", content="Because.")),
            model=Model(name="m", version="1"),
            locale=locale,
            tenant="acme",
            feedback=feedback,
            finish_reason="stop",
        ),
        masked={},
    )


def put(store: Store, rows: list[Sampled], results: list[Result], *, hour: int = 12) -> None:
    cell = Cell(
        topic="t",
        topic_id=UUID(int=5),
        partition=0,
        window=rows[0].window,
        stratum="all",
        outcome="sampled",
        offsets=[one.position.offset for one in rows],
    )
    record(store, Batch(sampled=rows, dead=[], cells=[cell]))
    now = datetime(2026, 11, 23, hour, tzinfo=UTC)
    scores = [
        score_row(window=one.window, sample_id=one.position.sample_id, identity=REFUSAL, result=result, now=now)
        for one, result in zip(rows, results, strict=True)
    ]
    store.insert("scores", to_columns(scores))


def verdict(value: float) -> Verdict:
    return Verdict(value=value, label="", reason="")


def test_a_span_without_samples_gives_empty_columns(store: Store) -> None:
    found = read_span(store, Span(since=FIRST, until=SECOND))
    assert len(found) == 0
    assert compare(found, found).too_few != ""


def test_a_sample_comes_back_with_its_lengths_and_verdicts_and_without_canaries(store: Store) -> None:
    told = (
        Message(role="system", content="Be brief."),
        Message(role="user", content="Çay?"),
        Message(role="assistant", content="Evet."),
        Message(role="user", content="İki şeker 😀"),
        Message(role="tool", content="{}"),
        Message(role="assistant", content='Olur: "iki"\n'),
    )
    rows = [
        sampled(1, messages=told, feedback=1.0, probability=0.25, locale="tr"),
        sampled(2, messages=(Message(role="assistant", content="Hello!"),)),
        sampled(3, stratum=CANARY_STRATUM),
    ]
    put(store, rows, [verdict(0.5), Unscored(status=Status.ERROR, reason="broken"), verdict(1.0)])
    put(store, rows[:1], [verdict(1.0)], hour=13)
    found = read_span(store, Span(since=FIRST, until=SECOND))
    row = found.labels["locale"].tolist().index("tr")
    other = 1 - row
    assert len(found) == 2
    assert (found.probability[row], found.conversation[row]) == (0.25, rows[0].hash64)
    assert found.numbers["request_length"][[row, other]].tolist() == [len("İki şeker 😀"), 0]
    assert found.numbers["answer_length"][[row, other]].tolist() == [len('Olur: "iki"\n'), len("Hello!")]
    assert found.numbers["turn"][[row, other]].tolist() == [1, 2]
    assert found.numbers["feedback"][[row, other]].tolist() == pytest.approx([1.0, float("nan")], nan_ok=True)
    assert found.verdicts.keys() == {SERIES}
    assert found.verdicts[SERIES][[row, other]].tolist() == pytest.approx([0.5, float("nan")], nan_ok=True)


def test_a_cut_keeps_the_lowest_hashes_over_probability(store: Store) -> None:
    rows = [sampled(i, probability=0.1 if i % 2 else 1.0) for i in range(40)]
    put(store, rows, [verdict(0.0)] * 40)
    found = read_span(store, Span(since=FIRST, until=SECOND), limit=10)
    expected = sorted(rows, key=lambda one: one.hash64 / one.probability)[:10]
    assert found.conversation.tolist() == [one.hash64 for one in expected]
    with pytest.raises(InputError, match="limit"):
        read_span(store, Span(since=FIRST, until=SECOND), limit=0)


def test_a_shift_between_two_windows_is_found_and_named(store: Store) -> None:
    first = [sampled(i, locale="tr" if i % 10 < 3 else "en") for i in range(200)]
    second = [sampled(i, SECOND, locale="tr" if i % 10 < 8 else "en") for i in range(200, 400)]
    put(store, first, [verdict(float(i % 20 == 0)) for i in range(200)])
    put(store, second, [verdict(float(i % 4 == 0)) for i in range(200)])
    report = compare(
        read_span(store, Span(since=FIRST, until=SECOND)), read_span(store, Span(since=SECOND, until=SECOND + 3600))
    )
    assert {one.name for one in report.drifted} == {"locale", "refusal"}
    found = {one.name: one for one in report.drifted}
    assert (found["refusal"].before, found["refusal"].after) == (0.05, 0.25)
    assert found["refusal"].scorer_id == REFUSAL.id
    assert {one.name: one.reason for one in report.skipped}["feedback"] == "no values on either side"
