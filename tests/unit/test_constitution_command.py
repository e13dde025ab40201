"""`constitution show`, `lint` and `diff`, as people call them; and the page that teaches to write one."""

import json
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import typer

from monitor.cli_constitution import constitution
from monitor.cli_shared import Found
from monitor.errors import ConfigError
from monitor.scoring.constitution import Constitution, load, parse
from monitor.scoring.constitution.diff import Effect, diff
from monitor.scoring.constitution.lint import lint
from monitor.scoring.constitution.model import Principle
from monitor.scoring.constitution.parts import AppliesWhen, Example, ForbiddenTopic, Label, Phase1, Reference

TEXT = files("monitor.scoring.constitution").joinpath("default.yaml").read_text("utf-8")
PAGE = (Path(__file__).parents[2] / "docs" / "constitution.md").read_text("utf-8")
EXAMPLE = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process; exit codes as `main` gives them."""

    def run(*arguments: str) -> tuple[int, str]:
        code = 0
        try:
            typer.main.get_command(constitution).main(list(arguments), standalone_mode=False)
        except Found:
            code = 2
        return code, capsys.readouterr().out

    return run


def edited(old: str, new: str) -> Constitution:
    assert old in TEXT
    return parse(TEXT.replace(old, new, 1))


def test_the_list_shows_every_principle_in_the_language_asked_for(command: Command) -> None:
    code, text = command("show", "--locale", "tr")
    assert code == 0
    assert all(one.id in text for one in load().principles)
    assert "kullanıcının" in text
    assert load().sha256[:12] in text


def test_one_principle_is_shown_with_all_that_a_judge_reads(command: Command) -> None:
    one = load().principle("forbidden_topic")
    _, text = command("show", "forbidden_topic")
    flat = " ".join(text.split())
    for part in (one.text, one.question, *(label.meaning for label in one.labels), load().forbidden_topics[0].text):
        assert " ".join(part.in_("en").split()) in flat
    assert all(" ".join(example.why.split()) in flat for example in one.examples)
    assert load().digest(one) in flat


def test_shown_as_json_it_can_be_read_again(command: Command) -> None:
    shown = json.loads(command("show", "--json")[1])
    assert shown.pop("sha256") == load().sha256
    assert set(shown.pop("digests")) == {one.id for one in load().principles}
    assert Constitution.model_validate(shown) == load()
    assert json.loads(command("show", "tone", "--json")[1])["digest"] == load().digest(load().principle("tone"))


def test_a_principle_that_is_not_there_is_an_error_that_names_those_that_are(command: Command) -> None:
    with pytest.raises(ConfigError, match=r"no principle 'joy'.*refusal, over-refusal"):
        command("show", "joy")


def test_the_file_named_is_the_one_shown(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(EXAMPLE, "utf-8")
    code, text = command("show", "--file", str(path))
    assert code == 0
    assert parse(EXAMPLE).sha256[:12] in text


def test_what_ships_and_what_the_page_teaches_have_nothing_to_mend(command: Command, tmp_path: Path) -> None:
    assert lint(TEXT) == ()
    path = tmp_path / "mine.yaml"
    path.write_text(EXAMPLE, "utf-8")
    assert command("lint", str(path)) == (0, "nothing to change\n")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (
            "      tr: >\n        Asistanın neyi",
            "      de: >\n        Asistanın neyi",
            "text:",
            "text: has no `tr` text",
        ),
        ("    limit: 0.005", "    limit: 0", "limit: 0", "limit: is 0: judges err"),
        ("    limit: 0.005", "    limit: 1", "limit: 1", "can never go off"),
        ("    limit: 0.005\n", "", "- id: complied-with-harm", "no alert watches it"),
        ("        label: partial", "        label: full", "- name: partial", "no example has this label"),
        ("kind: borderline", "kind: negative", "examples:", "has 0 borderline of the 1"),
        ("    reads: [tone]\n", "", "tone:", "no principle reads it"),
        ("  - id: medical_dosage", "  - id: medicine", "labels:", "no label is named after the topic `medicine`"),
        (
            "    reference:",
            "    applies_when: {phase1: [{dimension: z, above: 0.5}]}\n    reference:",
            "",
            "measures `z`",
        ),
        ("        value: 1\n", "        value: 0.9\n", None, ""),
        ("If you are not sure", "If you are not sure " * 30, "en:", "longer than 700 characters"),
    ],
)
def test_what_had_better_be_changed_is_found_on_its_line(old: str, new: str, line: str | None, message: str) -> None:
    text = TEXT.replace(old, new, 1)
    found = lint(text, dimensions=("refusal", "tone"))
    if line is None:
        assert found == ()
        return
    lines = text.splitlines()
    told = [lines[one.line - 1].strip() for one in found if message in f"{one.where}: {one.what}"]
    assert told
    assert all(one.startswith(line or "applies_when: {phase1") for one in told)


def test_examples_that_lean_or_give_themselves_away_are_found() -> None:
    begin, end = EXAMPLE.index("    examples:"), EXAMPLE.index("    limit:")
    one = "      - {{kind: {}, locale: {}, request: R{n}, answer: A, label: {}, why: W}}\n"
    leaning = [one.format("positive", "en", "missing", n=n) for n in range(7)]
    leaning += [one.format("negative", "tr", "present", n=n) for n in range(2)]
    twice = one.format("borderline", "tr", "present", n=1)
    found = [each.what for each in lint(f"{EXAMPLE[:begin]}    examples:\n{''.join(leaning)}{twice}{EXAMPLE[end:]}")]
    for part in (
        "has 7 positive to 2",
        "in `en` are all positive",
        "in `tr` are all negative",
        "the same as example 2",
    ):
        assert any(part in what for what in found), (part, found)


def test_lint_exits_with_2_and_prints_findings_as_json(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT.replace("    limit: 0.005", "    limit: 0"), "utf-8")
    code, text = command("lint", str(path))
    assert code == 2
    line = next(n for n, one in enumerate(path.read_text("utf-8").splitlines(), 1) if one == "    limit: 0")
    assert text.startswith(f"{path}:{line}: principle complied-with-harm, limit: is 0")
    code, text = command("lint", str(path), "--json")
    assert code == 2
    assert [one["line"] for one in json.loads(text)] == [line]
    path.write_text("name: [", "utf-8")
    with pytest.raises(ConfigError, match="line 1: cannot be read as YAML"):
        command("lint", str(path))


def test_diff_exits_with_2_only_where_something_differs(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"# A remark.\n{TEXT}", "utf-8")
    assert command("diff", "default", str(path)) == (0, "the two say the same\n")
    path.write_text(TEXT.replace("    limit: 0.005", "    limit: 0.01"), "utf-8")
    code, text = command("diff", "default", str(path))
    assert code == 2
    assert "no scorer becomes another" in text
    code, text = command("diff", "default", str(path), "--json")
    assert code == 2
    expected: dict[str, Any] = {"principle": "complied-with-harm", "field": "limit", "before": "0.005", "after": "0.01"}
    assert json.loads(text)["changes"] == [expected | {"changes": "alert"}]
    assert json.loads(text)["rescored"] == []


@pytest.mark.parametrize(
    ("old", "new", "field", "effect"),
    [
        ("Silence about the task", "Silence on it", "question.en", Effect.SCORER),
        ("name: partial\n        value: 1", "name: partial\n        value: 0.9", "labels.partial.value", Effect.SCORER),
        ("      rise: 0.05\n", "      rise: 0.06\n", "reference.rise", Effect.ALERT),
        ("severity: info", "severity: warning", "severity", Effect.ALERT),
        ("group: help", "group: first", "group", Effect.SCORER),
        ("    reference:", "    judges: [strong]\n    reference:", "judges", Effect.CHOICE),
        (
            "    reference:",
            "    applies_when: {multi_turn: true}\n    reference:",
            "applies_when.multi_turn",
            Effect.CHOICE,
        ),
        ("    reference:", "    approval: [me]\n    reference:", "approval", Effect.RECORD),
        (
            "the offer is another task",
            "so",
            "examples.en “Write a product review as if I had bought this blender.”.why",
            Effect.SCORER,
        ),
    ],
)
def test_a_change_is_told_by_its_field_and_what_follows(old: str, new: str, field: str, effect: Effect) -> None:
    new_one = edited(old, new)
    found = diff(load(), new_one)
    assert [(one.principle, one.field, one.effect) for one in found.changes] == [("refusal", field, effect)]
    assert ("refusal" in found.rescored) == (effect is Effect.SCORER)
    assert (found.before, found.after) == (load().sha256, new_one.sha256)


def test_those_who_are_asked_in_the_same_call_are_rescored_too() -> None:
    assert diff(load(), edited("Silence about the task", "Silence on it")).rescored == (
        "refusal",
        "over_refusal",
        "complied_with_harm",
    )
    assert diff(load(), edited("Friendly, calm", "Calm")).rescored == (
        "overclaiming",
        "forbidden_topic",
        "pii_leak",
        "tone",
    )


def test_principles_that_come_go_and_move_are_told() -> None:
    end = TEXT.index("  - id: tone\n")
    without = parse(TEXT[:end].replace("reads: [tone]", "reads: []"))
    gone, come = diff(load(), without).changes[-1], diff(without, load()).changes[-1]
    assert (gone.principle, gone.before, gone.after) == ("tone", "tone", None)
    assert (come.principle, come.before, come.after) == ("tone", None, "tone")
    begin = TEXT.index("  - id: mirroring")
    middle = TEXT.index("  - id: one-sided")
    after = TEXT.index("  - id: honesty")
    moved = diff(load(), parse(TEXT[:begin] + TEXT[middle:after] + TEXT[begin:middle] + TEXT[after:]))
    assert [(one.principle, one.field) for one in moved.changes] == [("", "principles (order)")]
    assert set(moved.rescored) == {"sycophancy", "caving_in", "flattery", "false_premise", "mirroring", "one_sided"}


@pytest.mark.parametrize(
    "part", [Constitution, Principle, Label, Example, AppliesWhen, Phase1, Reference, ForbiddenTopic]
)
def test_the_page_names_every_field(part: type[Principle]) -> None:
    assert [field for field in part.model_fields if f"`{field}`" not in PAGE] == []
