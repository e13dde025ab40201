"""Panels from settings: wrong ones are refused with what to do; the identity is that of members, rule and version."""

import json
import os
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.config import load_settings
from monitor.errors import ConfigError
from monitor.scoring.judge import panel_vote
from monitor.scoring.judge.configured import judges_of, panels_of
from monitor.scoring.judge.judge import Judge
from monitor.scoring.judge.panel import Panel
from monitor.scoring.judge.settings import JudgeEndpoint, JudgingSettings, PanelSettings, Price
from tests.support.rubric import small

KEY = "a-key-of-enough-bytes-0123"
FREE = {"input": 0, "output": 0}


def judge(name: str, **more: Any) -> Judge:
    return Judge.of(JudgeEndpoint(name=name, model="m", price=Price(input=0, output=0), **more), small())


def panel(*judges: Judge, **more: Any) -> Panel:
    names = tuple(one.endpoint.name for one in judges)
    return Panel.of(PanelSettings(**{"name": "p", "judges": names, **more}), judges)


def judging(panels: list[dict[str, Any]], *, second: tuple[str, ...] = ()) -> JudgingSettings:
    endpoints = [
        {"name": "a", "model": "m", "price": FREE},
        {"name": "b", "model": "m", "price": FREE, "dimensions": second},
    ]
    return JudgingSettings.model_validate({"endpoints": endpoints, "panels": panels})


@pytest.mark.parametrize(
    ("panels", "message"),
    [
        ([{"name": "p", "judges": ["a", "c"]}], "panels: p: no endpoint named c; endpoints: a, b"),
        ([{"name": "p", "judges": ["a"]}], "a panel needs 2 judges at least; name another endpoint"),
        ([{"name": "p", "judges": []}], "a panel needs 2 judges at least"),
        ([{"name": "p", "judges": ["a", "a"]}], "names a judge twice; a member has one vote"),
        ([{"name": "a", "judges": ["a", "b"]}], "panels: an endpoint or another panel is named a too; rename one"),
        ([{"name": "p", "judges": ["a", "b"]}] * 2, "panels: an endpoint or another panel is named p too"),
        ([{"name": "p", "judges": ["a", "b"], "rule": "coin"}], "'majority' or 'mean'"),
        ([{"name": "P!", "judges": ["a", "b"]}], "pattern"),
        ([{"name": "p", "judges": ["a", "b"], "weights": [1]}], "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_panel_is_refused_at_start_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, panels: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ValidationError) as error:
        judging(panels)
    assert message in str(error.value)
    for name in list(os.environ):
        if name.startswith("ALIGNMENT_MONITOR_"):
            monkeypatch.delenv(name)
    endpoints = [{"name": name, "model": "m", "price": FREE} for name in ("a", "b")]
    told = {
        "SAMPLING__KEY": KEY,
        "PRIVACY__PSEUDONYM_KEY": KEY,
        "JUDGING__ENDPOINTS": json.dumps(endpoints),
        "JUDGING__PANELS": json.dumps(panels),
    }
    for name, value in told.items():
        monkeypatch.setenv(f"ALIGNMENT_MONITOR_{name}", value)
    with pytest.raises(ConfigError) as told_error:
        load_settings()
    assert message in str(told_error.value)
    assert "ALIGNMENT_MONITOR_JUDGING" in str(told_error.value)


def test_a_dimension_that_a_member_is_not_asked_about_is_refused_where_judges_are_made() -> None:
    wrong = judging([{"name": "p", "judges": ["a", "b"], "dimensions": ["refusal", "tone"]}], second=("refusal",))
    with pytest.raises(ConfigError, match="panel p: judge b is not asked about tone, only about refusal"):
        judges_of(wrong)
    nobody = judging([{"name": "p", "judges": ["a", "b"], "dimensions": ["colour"]}])
    with pytest.raises(ConfigError, match="panel p: judge a is not asked about colour"):
        judges_of(nobody)


def test_members_without_a_dimension_in_common_make_no_panel() -> None:
    one, other = judge("a", dimensions=("refusal",)), judge("b", dimensions=("rude",))
    with pytest.raises(ConfigError, match="panel p: no dimension is asked of all of a, b"):
        panel(one, other)


def test_without_dimensions_a_panel_judges_what_all_of_its_members_are_asked_about() -> None:
    assert panel(judge("a"), judge("b", dimensions=("rude", "refusal"))).dimensions == ("refusal", "rude")
    assert panel(judge("a"), judge("b"), dimensions=("rude",)).dimensions == ("rude",)


def test_panels_are_made_in_the_settings_order_of_the_judges_that_they_name() -> None:
    named = judging([{"name": "y", "judges": ["b", "a"]}, {"name": "x", "judges": ["a", "b"], "rule": "mean"}])
    found = panels_of(named, judges_of(named))
    assert [one.name for one in found] == ["panel-y", "panel-x"]
    assert [judge.name for judge in found[0].members] == ["judge-b", "judge-a"]


def test_a_panels_identity_is_made_of_members_rule_and_version_and_of_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ids(*judges: Judge, **more: Any) -> set[str]:
        return {one.id for one in panel(*judges, **more).identities}

    plain = ids(judge("a"), judge("b"))
    assert len(plain) == 3
    assert ids(judge("b"), judge("a")) == plain, "the order of members"
    assert ids(judge("a", probability=0.1), judge("b")) == plain, "how many samples a member sees"
    others = [
        ids(judge("a"), judge("b"), rule="mean"),
        ids(judge("a"), judge("c")),
        ids(judge("a"), judge("b"), name="q"),
        ids(judge("a"), judge("b", temperature=0.5)),
        ids(judge("a"), judge("b"), judge("c")),
    ]
    monkeypatch.setattr(panel_vote, "VERSION", "2")
    others.append(ids(judge("a"), judge("b")))
    for one in others:
        assert not one & plain
    assert len(set().union(*others)) == 3 * len(others)
    (identity,) = panel(judge("a"), judge("b"), dimensions=("rude",)).identities
    assert (identity.kind, identity.name, identity.dimension) == ("judge", "panel-p", "rude")
    assert identity == panel(judge("a"), judge("b")).by_dimension["rude"], "what else it judges"
