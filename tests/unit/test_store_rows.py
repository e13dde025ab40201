"""Rows and tables say the same, and an interaction survives the way into a row and back."""

from dataclasses import fields
from datetime import UTC, datetime
from uuid import UUID

import pytest

from monitor.intake.batch import Position, Sampled
from monitor.intake.interaction import Interaction, Message, Model, Usage
from monitor.scoring.verdict import ScorerIdentity, Status, Unscored, Verdict
from monitor.store.rows import ROW_TYPES, TABLES, interaction_of, sample_columns, score_row, utc
from monitor.store.sql import blocks

IDENTITY = ScorerIdentity(kind="rule", name="r", dimension="d", code_version="1")
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
INTERACTION = Interaction(
    interaction_id="i",
    conversation_id="c",
    turn=2,
    occurred_at=datetime(2026, 11, 23, 9, 59, 59, 123000, tzinfo=UTC),
    messages=(Message(role="user", content='Şu "çağrı"\n?'), Message(role="assistant", content="\u2028 😀")),
    model=Model(name="m", version="1"),
    deployment="d",
    prompt_version="p",
    tenant="t",
    locale="tr",
    user_key="k",
    feedback=0.5,
    finish_reason="stop",
    usage=Usage(input_tokens=3, output_tokens=None),
    attributes={"a": "b"},
    normalised=("nul",),
)


@pytest.mark.parametrize("table", ROW_TYPES)
def test_a_row_type_has_exactly_the_columns_of_its_table(table: str) -> None:
    assert tuple(f.name for f in fields(ROW_TYPES[table])) == TABLES[table][0]


def test_every_table_has_columns_with_types() -> None:
    assert set(ROW_TYPES) <= set(TABLES)
    for names, types in TABLES.values():
        assert names
        assert len(names) == len(types)
        assert all(kind and "DEFAULT" not in kind and "COMMENT" not in kind for kind in types)


def test_an_interaction_comes_back_from_its_row_unchanged() -> None:
    position = Position(topic="t", topic_id=UUID(int=1), partition=3, offset=9)
    sampled = Sampled(
        position=position,
        record_ms=1,
        window=0,
        stratum="all",
        policy_id="p",
        probability=0.5,
        hash64=1,
        interaction=INTERACTION,
        masked={},
    )
    columns = dict(zip(TABLES["samples"][0], sample_columns([sampled]), strict=True))
    stored = {name: column[0] for name, column in columns.items()}
    stored["occurred_at"] = utc(stored["occurred_at"] / 1000)
    assert interaction_of(stored) == INTERACTION


def test_the_first_terminal_row_has_the_highest_version() -> None:
    def version(moment: datetime) -> int:
        verdict = Verdict(value=1.0, label="x", reason="")
        return score_row(window=0, sample_id=UUID(int=1), identity=IDENTITY, result=verdict, now=moment).version

    assert version(NOW) > version(NOW.replace(microsecond=1))


def test_a_missing_verdict_has_a_status_and_no_value() -> None:
    missing = Unscored(status=Status.ERROR, reason="ValueError")
    row = score_row(window=0, sample_id=UUID(int=1), identity=IDENTITY, result=missing, now=NOW)
    assert (row.status, row.value, row.label) == ("error", None, "")


def test_every_query_has_a_name_and_a_description() -> None:
    text = blocks("queries.sql")
    assert len(text) > 15
    assert all(statement.split()[0] in {"SELECT", "WITH"} for statement in text.values())


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_verdict_outside_zero_to_one_cannot_be_made(value: float) -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        Verdict(value=value, label="", reason="")


def test_a_scorer_id_changes_with_everything_that_can_change_a_score() -> None:
    changed = [
        ScorerIdentity(kind="judge", name="r", dimension="d", code_version="1"),
        ScorerIdentity(kind="rule", name="s", dimension="d", code_version="1"),
        ScorerIdentity(kind="rule", name="r", dimension="e", code_version="1"),
        ScorerIdentity(kind="rule", name="r", dimension="d", code_version="2"),
        ScorerIdentity(kind="rule", name="r", dimension="d", code_version="1", prompt="p"),
        ScorerIdentity(kind="rule", name="r", dimension="d", code_version="1", model="m"),
        ScorerIdentity(kind="rule", name="r", dimension="d", code_version="1", parameters={"a": 1}),
    ]
    assert len({IDENTITY.id, *(one.id for one in changed)}) == len(changed) + 1
    same = ScorerIdentity(kind="rule", name="r", dimension="d", code_version="1", parameters={})
    assert same.id == IDENTITY.id
