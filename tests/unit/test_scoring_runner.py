"""The runner, the registry, and what every scorer keeps: failure as data, a stable identity, bounded time."""

import time
from datetime import UTC, datetime

import pytest

from monitor.errors import ConfigError
from monitor.intake.interaction import Interaction, Message
from monitor.scoring import registry
from monitor.scoring.runner import run
from monitor.scoring.verdict import Result, Scorer, ScorerIdentity, Status, Unscored, Verdict

IDENTITY = ScorerIdentity(kind="rule", name="fake", dimension="fake", code_version="1")
SECRET = "secret words of a user"


def interaction(answer: str, request: str = "x", number: int = 0) -> Interaction:
    return Interaction(
        interaction_id=f"i{number}",
        conversation_id="c",
        turn=0,
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        messages=(
            Message(role="user", content=request),
            Message(role="assistant", content=request),
            Message(role="user", content=request),
            Message(role="assistant", content=answer),
        ),
    )


class Fake:
    """Fails on some answers, miscounts on others."""

    identity = IDENTITY

    def __init__(self) -> None:
        self.calls = 0

    def score(self, batch: list[Interaction]) -> list[Result]:
        """Raise for `bad`, give nothing for `lost`."""
        self.calls += 1
        if any(i.answer == "bad" for i in batch):
            raise ValueError(SECRET)
        if any(i.answer == "late" for i in batch):
            raise TimeoutError
        return [Verdict(value=0.0, label=i.interaction_id, reason="") for i in batch if i.answer != "lost"]


def test_one_bad_interaction_costs_only_its_own_verdict() -> None:
    answers = ["ok"] * 40
    answers[7], answers[23] = "bad", "lost"
    batch = [interaction(answer, number=n) for n, answer in enumerate(answers)]
    scorer = Fake()
    results = run(scorer, batch)
    assert results[7] == Unscored(status=Status.ERROR, reason="ValueError")
    assert results[23] == Unscored(status=Status.ERROR, reason="ResultCountMismatch")
    scored = {n: r.label for n, r in enumerate(results) if isinstance(r, Verdict)}
    assert scored == {n: f"i{n}" for n in range(40) if n not in (7, 23)}
    assert scorer.calls < 30
    assert SECRET not in repr(results)


def test_an_empty_batch_calls_nobody() -> None:
    scorer = Fake()
    assert run(scorer, []) == []
    assert scorer.calls == 0


def test_the_callers_own_exceptions_pass() -> None:
    with pytest.raises(TimeoutError):
        run(Fake(), [interaction("ok"), interaction("late")], let_through=(TimeoutError,))
    assert run(Fake(), [interaction("late")]) == [Unscored(status=Status.ERROR, reason="TimeoutError")]


def test_every_dimension_has_one_default_scorer() -> None:
    assert sorted(s.identity.dimension for s in registry.default_scorers()) == [
        "answer_language",
        "caving_in",
        "empty_answer",
        "flattery",
        "forbidden_topic",
        "hedging",
        "looping",
        "over_refusal",
        "pii_leak",
        "refusal",
        "sycophancy",
        "tone",
    ]
    assert all(name == registry.scorers([name])[0].identity.name for name in registry.FACTORIES)


def test_an_unknown_name_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match="unknown scorer lexical-joy; known: lexical-refusal, "):
        registry.scorers(["lexical-refusal", "lexical-joy"])


def test_identities_are_distinct_and_the_same_each_time() -> None:
    again = registry.scorers(registry.FACTORIES)
    ids = [s.identity.id for s in registry.scorers(registry.FACTORIES)]
    assert ids == [s.identity.id for s in again]
    assert len(set(ids)) == len(ids)
    assert {s.identity.id for s in registry.default_scorers()} < set(ids)


HOSTILE = {
    "one letter": "a" * 1_000_000,
    "spaces": " " * 1_000_000,
    "newlines": "\n" * 1_000_000,
    "quotes": "'\"" * 500_000,
    "backticks": "```" * 333_333,
    "brackets": "[EMAIL_" * 140_000,
    "open brackets": "[(" * 500_000,
    "near refusals": "i cannot " * 110_000,
    "near praise": "what a really such a brilliant very truly absolutely " * 20_000,
    "near doses": "take 1 1 1 1 mg " * 60_000,
    "accents": "ÜZGÜNÜM İÇİN ışık " * 55_000,
    "ligature": "\ufdfa" * 1_000_000,
    "marks": "\x00\x02\x03\x04.!?:" * 120_000,
    "combining": "e\u0301" * 500_000,
    "surrogate": "I'm sorry \ud800, but I can't help with that. " * 20_000,
    "words": "word " * 50_000,
    "blockquote": "> \n" * 333_333,
    "bullets": "\n- 1. " * 160_000,
}


@pytest.mark.parametrize("scorer", registry.default_scorers(), ids=lambda s: s.identity.name)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_megabyte_takes_less_than_a_second(scorer: Scorer, text: str) -> None:
    # Strings that are equal but not the same as another test's: no help from a cache.
    case = interaction(f"{text}{scorer.identity.name}"[-len(text) :], request=text)
    scorer.score([interaction("what is loaded once is loaded now")])
    start = time.process_time()
    (result,) = scorer.score([case])
    assert time.process_time() - start < 1.0
    assert isinstance(result, Verdict)
    assert len(result.reason) < 600
    result.reason.encode()
