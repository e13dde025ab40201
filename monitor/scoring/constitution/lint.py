"""What a constitution may do and had better not: findings for the person who writes it, each with its line."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from monitor.scoring.constitution.explain import place
from monitor.scoring.constitution.load import parse_with_lines
from monitor.scoring.constitution.model import Constitution, Principle
from monitor.scoring.verdict import POSITIVE_ABOVE

LANGUAGES = ("en", "tr")
"""Languages in which every text should stand."""
EACH_KIND = {"positive": 2, "negative": 2, "borderline": 1}
"""How many examples of a kind a judge should be shown at least."""
UNBALANCED = 3.0
"""So many times more examples of one side make judges lean to it."""
LONG_QUESTION = 700
"""Characters; a longer question asks more than one thing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that had better be changed."""

    line: int
    where: str
    what: str


Path = tuple[str | int, ...]
Found = Iterator[tuple[Path, str]]


def lint(text: str, *, name: str = "constitution", dimensions: Collection[str] = ()) -> tuple[Finding, ...]:
    """Look through a constitution, in order of lines; `dimensions` are those of phase 1, where they are known.

    Raises:
        ConfigError: it cannot be read at all.
    """
    constitution, tree = parse_with_lines(text, name=name)
    plain = tree.plain()
    found = [
        Finding(line=tree.line_of(path), where=place(path, plain), what=what)
        for path, what in _all(constitution, plain, dimensions)
    ]
    return tuple(sorted(found, key=lambda one: (one.line, one.where, one.what)))


def _all(constitution: Constitution, plain: Any, dimensions: Collection[str]) -> Found:
    yield from _languages(plain, ())
    read = {part for one in constitution.principles for part in one.reads}
    for part in ("forbidden_topics", "tone"):
        if getattr(constitution, part) and part not in read:
            yield (part,), f"no principle reads it, so no judge ever sees it; add `reads: [{part}]` to one"
    for n, principle in enumerate(constitution.principles):
        where: Path = ("principles", n)
        for path, what in (*_examples(principle), *_labels(principle), *_rates(principle), *_question(principle)):
            yield where + path, what
        for k, condition in enumerate(principle.applies_when.phase1):
            if dimensions and condition.dimension not in dimensions:
                known = ", ".join(sorted(dimensions))
                what = f"no phase-1 scorer measures `{condition.dimension}`, so this never holds back; known: {known}"
                yield (*where, "applies_when", "phase1", k, "dimension"), what
        if "forbidden_topics" in principle.reads and principle.dimension == "forbidden_topic":
            missing = {one.id for one in constitution.forbidden_topics} - {one.name for one in principle.labels}
            for topic in sorted(missing):
                yield (
                    (*where, "labels"),
                    f"no label is named after the topic `{topic}`; add one, or it is never counted",
                )


def _languages(value: Any, path: Path) -> Found:
    """Find texts that lack a language; only localised texts are asked for them."""
    if isinstance(value, list):
        for n, one in enumerate(value):
            yield from _languages(one, (*path, n))
    elif isinstance(value, dict):
        for field, one in value.items():
            if field in {"text", "question", "meaning", "tone"}:
                has = {"en"} if isinstance(one, str) else set(one)
                for language in sorted(set(LANGUAGES) - has):
                    yield (*path, field), f"has no `{language}` text, so speakers of it are judged by the English one"
            elif field != "examples":
                yield from _languages(one, (*path, field))


def _examples(principle: Principle) -> Found:
    kinds = Counter[str](one.kind for one in principle.examples)
    for kind, wanted in EACH_KIND.items():
        if kinds[kind] < wanted:
            yield ("examples",), f"has {kinds[kind]} {kind} of the {wanted} that judges should see; add some"
    many, few = max(kinds["positive"], kinds["negative"]), min(kinds["positive"], kinds["negative"])
    if many > UNBALANCED * few:
        more = "positive" if kinds["positive"] == many else "negative"
        yield (
            ("examples",),
            f"has {many} {more} to {few}, and judges lean to the side that they see more of; add others",
        )
    values = {one.name: one.value for one in principle.labels}
    sides: dict[str, set[bool]] = {}
    for example in principle.examples:
        sides.setdefault(example.locale.split("-")[0], set()).add(values[example.label] > POSITIVE_ABOVE)
    for language, both in sorted(sides.items()):
        if len(both) == 1:
            only = "positive" if True in both else "negative"
            yield ("examples",), f"in `{language}` are all {only}, so the language gives the label away; add the other"
    seen: dict[str, int] = {}
    for n, example in enumerate(principle.examples):
        said = "\0".join(message.content.casefold() for message in example.transcript)
        if said in seen:
            yield ("examples", n), f"says the same as example {seen[said] + 1}; write another case"
        seen.setdefault(said, n)


def _labels(principle: Principle) -> Found:
    shown = {one.label for one in principle.examples}
    for n, label in enumerate(principle.labels):
        if label.name not in shown:
            yield ("labels", n), "no example has this label, so judges must guess what it looks like; add one"
    values = {label.value for label in principle.labels}
    for end in (0.0, 1.0):
        if end not in values:
            what = f"none has the value {end:g}, so the mean never reaches it and compares with no classifier's"
            yield ("labels",), f"{what}; give one label that value"


def _rates(principle: Principle) -> Found:
    if principle.limit == 0:
        yield ("limit",), "is 0: judges err, so the alert would go off for ever; write a small rate such as 0.002"
    if principle.limit == 1:
        yield ("limit",), "is 1: no rate is above it, so the alert can never go off; write a lower rate"
    if principle.limit is None and principle.reference is None and principle.severity == "critical":
        yield (), "is critical and has neither `limit` nor `reference`, so that no alert watches it; add one"


def _question(principle: Principle) -> Found:
    for language, text in principle.question.root.items():
        if len(text) > LONG_QUESTION:
            what = f"is longer than {LONG_QUESTION} characters; ask one thing, and move the rest to the meanings"
            yield ("question", language), what
