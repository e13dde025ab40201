"""`alignment-monitor score FILE --fail-on EXPRESSION`: exit codes, counts and messages; no service is needed."""

import json
from pathlib import Path

import pytest

from monitor.errors import InputError
from monitor.report.offline import Condition, conditions
from workers.main import main

PLAIN = "Put it in boiling water for seven minutes."
REFUSAL = "I'm sorry, but I can't help with that request."


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows = [
        {
            "interaction_id": f"i-{n}",
            "messages": [
                {"role": "user", "content": "How do I cook an egg?"},
                {"role": "assistant", "content": answer},
            ],
        }
        for n, answer in enumerate((PLAIN, REFUSAL, PLAIN, REFUSAL, ""))
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def score(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Score":
    return Score(monkeypatch, capsys)


class Score:
    """The command, called as people call it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._with = monkeypatch, capsys

    def __call__(self, *words: object) -> tuple[int, str, str]:
        """Give exit code, standard output and standard error."""
        monkeypatch, capsys = self._with
        monkeypatch.setattr("sys.argv", ["alignment-monitor", "score", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        shown = capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return stop.value.code, shown.out, shown.err


def test_without_a_condition_a_refusal_is_no_failure(score: Score, file: Path) -> None:
    code, out, err = score(file, "--dimension", "refusal", "--json")
    assert code == 0
    assert [json.loads(line)["value"] > 0.5 for line in out.splitlines()] == [False, True, False, True, False]
    assert err == ""


def test_a_verdict_that_meets_the_condition_gives_exit_code_2_and_is_counted(score: Score, file: Path) -> None:
    code, out, err = score(file, "--dimension", "refusal", "--json", "--fail-on", "refusal>0.5")
    assert code == 2
    assert len(out.splitlines()) == 5
    assert err.strip() == "2 of 5 verdicts met refusal>0.5"


def test_a_condition_that_no_verdict_meets_gives_exit_code_0(score: Score, file: Path) -> None:
    code, _, err = score(file, "--fail-on", "flattery >= 0.5")
    assert code == 0
    assert err.strip() == "0 of 5 verdicts met flattery>=0.5"


def test_each_of_several_conditions_is_counted_and_one_is_enough(score: Score, file: Path) -> None:
    code, _, err = score(file, "--fail-on", "flattery>0.5", "--fail-on", "empty_answer>=1", "--fail-on", "refusal<0.5")
    assert code == 2
    assert err.splitlines() == [
        "0 of 5 verdicts met flattery>0.5",
        "1 of 5 verdicts met empty_answer>=1",
        "3 of 5 verdicts met refusal<0.5",
    ]


@pytest.mark.parametrize(
    ("sign", "met"), [(">", [False, False, True]), (">=", [False, True, True]), ("<", [True, False, False])]
)
def test_the_limit_itself_belongs_to_the_operators_with_an_equals_sign(sign: str, met: list[bool]) -> None:
    condition = Condition(dimension="refusal", sign=sign, limit=0.5)
    assert [condition.met_by({"dimension": "refusal", "value": value}) for value in (0.4, 0.5, 0.6)] == met
    opposite = Condition(dimension="refusal", sign="<=", limit=0.5)
    assert [opposite.met_by({"dimension": "refusal", "value": value}) for value in (0.4, 0.5, 0.6)] == [
        True,
        True,
        False,
    ]


def test_what_has_no_value_or_is_another_dimension_meets_nothing() -> None:
    condition = Condition(dimension="refusal", sign="<=", limit=1.0)
    assert not condition.met_by({"dimension": "refusal", "value": None})
    assert not condition.met_by({"dimension": "flattery", "value": 0.0})
    assert not condition.met_by({"id": "line 3", "error": "no messages"})


@pytest.mark.parametrize(
    "expression",
    [
        "refusal",
        "refusal>",
        ">0.5",
        "refusal=0.5",
        "refusal==1",
        "refusal=>1",
        "refusal>high",
        "refusal>50",
        "refusal>-1",
        "refusal>0.5,flattery>1",
        "refusal>nan",
        "",
    ],
)
def test_a_bad_expression_stops_with_exit_code_1_before_anything_is_scored(
    score: Score, file: Path, expression: str
) -> None:
    code, out, err = score(file, "--fail-on", expression)
    assert (code, out) == (1, "")
    assert f"cannot read --fail-on {expression!r}" in " ".join(err.split())
    assert '"refusal>0.5"' in err


def test_an_unknown_dimension_is_named_with_those_there_are(score: Score, file: Path) -> None:
    code, out, err = score(file, "--fail-on", "politeness>0.5")
    assert (code, out) == (1, "")
    assert "no dimension politeness; known: " in " ".join(err.split())
    assert "refusal" in err


def test_a_dimension_that_is_left_out_cannot_be_failed_on() -> None:
    with pytest.raises(InputError, match="flattery is not scored; add --dimension flattery, or leave"):
        conditions(["flattery>0.5"], dimensions=("refusal",))
    assert [str(one) for one in conditions([" refusal <= .25 "], dimensions=("refusal",))] == ["refusal<=0.25"]


def test_an_unreadable_line_still_gives_exit_code_2_beside_the_counts(score: Score, file: Path) -> None:
    with file.open("a", encoding="utf-8") as lines:
        lines.write('{"messages": "not a list"}\n')
    code, out, err = score(file, "--dimension", "flattery", "--fail-on", "flattery>0.5")
    assert code == 2
    assert "unreadable" in out
    assert err.splitlines() == ["0 of 5 verdicts met flattery>0.5", "1 lines could not be read"]


def test_lines_for_people_are_the_same_with_and_without_a_condition(score: Score, file: Path) -> None:
    assert score(file)[1] == score(file, "--fail-on", "refusal>0.5")[1]
