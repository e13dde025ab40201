"""The runbooks are true: each event has its page, and each command, metric, setting, link and test named is there."""

import ast
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

import workers.main  # noqa: F401 - adds `up` and `demo` to the app
from monitor import metrics
from monitor.cli import app
from monitor.config import Settings
from monitor.names import PREFIX
from monitor.store.events import EventKind

ROOT = Path(__file__).parents[2]
BOOKS = ROOT / "docs" / "runbooks"
INDEX = BOOKS / "README.md"
PAGES = sorted(page for page in BOOKS.glob("*.md") if page != INDEX)
ALL = [ROOT / "docs" / "delivery.md", INDEX, *PAGES]
HEADINGS = ["What you see", "What it means for the numbers", "What to do", "How to know that it is over"]
ORDER = ("info", "warning", "critical")
SYMPTOMS = (
    "back-pressure",
    "clickhouse-away",
    "clock-skew",
    "commit-refused",
    "crash-loop",
    "dead-letters",
    "due-grows",
    "expired-work",
    "gaps",
    "ingest-silent",
    "injection",
    "judge-away",
    "judge-budget",
    "judge-lost",
    "judge-refused",
    "redis-away",
    "retention-loss",
    "scoring-death",
    "store-refused",
    "topic-recreated",
)
UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""Typer has click inside, and does not export this one."""

by_page = pytest.mark.parametrize("page", ALL, ids=lambda page: page.stem)


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def event_table() -> dict[str, tuple[str, str]]:
    """Give severity and last cell by event kind, as the index says."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", text_of(INDEX), re.MULTILINE)
    assert len({kind for kind, _, _ in rows}) == len(rows)
    return {kind: (severity, cell) for kind, severity, cell in rows}


def noted() -> dict[str, set[str]]:
    """Give the severities with which the code notes each kind of event."""
    found: dict[str, set[str]] = {}
    for folder in ("monitor", "workers"):
        for path in (ROOT / folder).rglob("*.py"):
            for call in ast.walk(ast.parse(text_of(path))):
                if isinstance(call, ast.Call) and len(call.args) > 1 and "EventKind." in ast.unparse(call.args[0]):
                    kind = EventKind[ast.unparse(call.args[0]).removeprefix("EventKind.")]
                    said = {node.value for node in ast.walk(call.args[1]) if isinstance(node, ast.Constant)}
                    found.setdefault(kind.value, set()).update(one for one in ORDER if one in said)
    return found


def commands(page: Path) -> Iterator[list[str]]:
    """Give what follows `alignment-monitor` in code, in blocks and in lines."""
    text = text_of(page)
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    rest = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines += re.findall(r"`(alignment-monitor [^`]+)`", rest)
    for line in lines:
        name, *arguments = shlex.split(line, comments=True)
        assert name == "alignment-monitor", line
        yield arguments


def understood(arguments: list[str]) -> None:
    """Read the arguments as the console script would, without running anything.

    Raises:
        UsageError: there is no such command, option or argument, or one is missing.
    """
    command: Any = typer.main.get_command(app)
    context: Any = None
    while isinstance(command, TyperGroup):
        context = command.context_class(command, parent=context)
        _, command, arguments = command.resolve_command(context, arguments)
    command.make_context(command.name, list(arguments), parent=context)


def all_metrics() -> list[Any]:
    return [one for one in vars(metrics).values() if hasattr(one, "describe")]


def test_every_event_that_asks_for_a_person_has_its_page() -> None:
    table = event_table()
    assert table.keys() == set(EventKind)
    for kind, (severity, cell) in table.items():
        page = re.search(r"\(([\w-]+\.md)\)", cell)
        assert severity in ORDER
        assert severity == "info" or (page and (BOOKS / page[1]).is_file()), kind


def test_the_severities_of_the_index_are_those_of_the_code() -> None:
    said = noted()
    assert said.keys() == set(EventKind)
    for kind, (severity, _) in event_table().items():
        assert severity == max(said[kind], key=ORDER.index), (kind, said[kind])


def test_there_is_a_page_for_each_symptom_and_the_index_leads_to_all_of_them() -> None:
    assert sorted(SYMPTOMS) == [page.stem for page in PAGES]
    assert set(re.findall(r"\(([\w-]+)\.md\)", text_of(INDEX))) == set(SYMPTOMS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_short_and_says_four_things(page: Path) -> None:
    text = text_of(page)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert len(text.splitlines()) <= 60
    assert list(commands(page)), "a page says what to type"
    last = text[text.index(HEADINGS[-1]) :]
    assert "alignment-monitor" in last, "how to know that it is over is a command too"


@by_page
def test_every_command_that_is_named_exists(page: Path) -> None:
    for arguments in commands(page):
        try:
            understood(arguments)
        except UsageError as error:
            pytest.fail(f"alignment-monitor {' '.join(arguments)}: {error}")
        options = dict(pairwise(arguments))
        assert options.get("--kind", "drained") in set(EventKind), arguments
        if reason := options.get("--reason"):
            assert any(f'"{reason}"' in text_of(path) for path in (ROOT / "monitor").rglob("*.py")), reason


@pytest.mark.parametrize(
    "arguments", [["no-such"], ["gaps", "--nope"], ["deadletters", "show", "1"], ["deadletters", "nope"]]
)
def test_a_command_that_does_not_exist_is_noticed(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        understood(arguments)


@by_page
def test_every_metric_that_is_named_exists_with_its_labels(page: Path) -> None:
    families = [family for one in all_metrics() if not isinstance(one, type) for family in one.describe()]
    known = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    labels = {label for one in all_metrics() for label in getattr(one, "_labelnames", ())}
    text = text_of(page)
    assert set(re.findall(r"\balignment_monitor_\w+", text)) <= known
    assert set(re.findall(r"\{(\w+)=\"", text)) <= labels


@by_page
def test_every_setting_that_is_named_exists(page: Path) -> None:
    known = {
        f"{PREFIX}{group.upper()}__{name.upper()}"
        for group, field in Settings.model_fields.items()
        for name in getattr(field.annotation, "model_fields", {})
    }
    assert set(re.findall(rf"{PREFIX}\w+", text_of(page))) <= known


@by_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)", text_of(page)):
        assert (page.parent / link).resolve().is_file(), link


def test_each_invariant_names_the_code_that_holds_it_and_a_test_that_is_there() -> None:
    text = text_of(ROOT / "docs" / "delivery.md")
    rows = re.findall(r"^\| (I\d+) \| .* \| (.*) \| (.*) \|$", text, re.MULTILINE)
    assert [name for name, _, _ in rows] == [f"I{n}" for n in range(1, 14)]
    assert all(re.search(r"\]\(\.\./", held) for _, held, _ in rows)
    assert all("::" in red for _, _, red in rows)
    for path, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text):
        assert (ROOT / path).is_file(), path
        assert f"def {name}" in text_of(ROOT / path), (path, name)
