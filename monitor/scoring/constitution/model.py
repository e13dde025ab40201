"""The constitution as a value: principles, what they share, and the hashes that tell one version from another."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from monitor.errors import ConfigError
from monitor.intake.interaction import Interaction
from monitor.scoring.constitution.parts import (
    AppliesWhen,
    Example,
    ForbiddenTopic,
    Handle,
    Label,
    Localised,
    Name,
    Part,
    Phase1,
    Problem,
    Reference,
    Share,
    Words,
    wrong,
)
from monitor.scoring.verdict import POSITIVE_ABOVE

__all__ = ["AppliesWhen", "Constitution", "Example", "ForbiddenTopic", "Label", "Localised", "Phase1", "Principle"]

Severity = Literal["info", "warning", "critical"]
Shared = Literal["forbidden_topics", "tone"]

JUDGED_FIELDS = ("dimension", "text", "question", "labels", "examples")
"""What a judge reads of a principle, and what turns its answer into a value."""


class Principle(Part):
    """One thing that judges look for."""

    id: Handle
    """its short name, which stays when the wording changes"""
    dimension: Name
    """the dimension that it measures, such as `refusal`; the same name as a classifier's makes the two comparable"""
    severity: Severity
    """how bad it is: `info`, `warning` or `critical`"""
    text: Localised
    """the principle itself: what is wanted of an assistant, and why"""
    question: Localised
    """what the judge is asked; decidable by reading the conversation"""
    labels: tuple[Label, ...] = Field(min_length=2, max_length=10)
    """the answers that a judge may give, two at least"""
    examples: tuple[Example, ...] = Field(min_length=2, max_length=40)
    """labelled cases, at least one positive and one negative"""
    reads: tuple[Shared, ...] = ()
    """which of `forbidden_topics` and `tone` the judge is shown with it"""
    applies_when: AppliesWhen = AppliesWhen()
    """which interactions are judged; all, where it is not given"""
    limit: Share | None = None
    """the rate above which the alert goes off, from 0 to 1; or give `reference`"""
    reference: Reference | None = None
    """how far the rate may move from the reference window's; or give `limit`"""
    judges: tuple[Handle, ...] = ()
    """names of the endpoints that judge it; all, where it is not given"""
    group: Handle | None = None
    """principles of one group may be judged in one call"""
    approval: tuple[Words, ...] = ()
    """who must approve a change to it"""

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = [*self._labels(), *self._examples()]
        known = [one.name for one in self.labels]
        if self.applies_when.otherwise not in {None, *known}:
            problems.append((("applies_when", "otherwise"), f"is none of its labels; write one of {_listed(known)}"))
        if self.limit is not None and self.reference is not None:
            problems.append(
                (("reference",), "stands beside `limit`; an alert watches one of the two, remove the other")
            )
        problems += [((field,), "names one twice; remove it") for field in ("reads", "judges") if self._doubled(field)]
        if problems:
            raise wrong(*problems)
        return self

    def _doubled(self, field: str) -> bool:
        named = getattr(self, field)
        return len(set(named)) < len(named)

    def _labels(self) -> Iterator[Problem]:
        for n, name in repeated(one.name for one in self.labels):
            yield ("labels", n, "name"), f"another label of this principle is named {name!r} too; rename one"
        values = [one.value for one in self.labels]
        if not min(values) <= POSITIVE_ABOVE < max(values):
            side = "above" if max(values) <= POSITIVE_ABOVE else "at most"
            yield ("labels",), f"no label has a value {side} {POSITIVE_ABOVE}, so that no verdict could say so; add one"

    def _examples(self) -> Iterator[Problem]:
        values = {one.name: one.value for one in self.labels}
        for n, example in enumerate(self.examples):
            where = ("examples", n, "label")
            if example.label not in values:
                yield where, f"{example.label!r} is none of its labels; write one of {_listed(values)}"
                continue
            value = values[example.label]
            if example.kind != "borderline" and (value > POSITIVE_ABOVE) != (example.kind == "positive"):
                what = (
                    f"{example.label!r} has the value {value:g}, which is not {example.kind} (above {POSITIVE_ABOVE})"
                )
                yield where, f"{what}; change the label or the kind"
        for kind in ("positive", "negative"):
            if all(one.kind != kind for one in self.examples):
                yield ("examples",), f"none is {kind}; add one, or judges lean to the other side"

    def applies(self, interaction: Interaction, values: Mapping[str, float]) -> bool:
        """Say whether an interaction is to be judged; `values` are phase-1 verdicts by dimension."""
        return self.applies_when.fits(interaction, values)


class Constitution(Part):
    """All principles of one deployment."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    """what people call it"""
    version: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    """a version for people, in any form; its hash is what tells two versions apart"""
    forbidden_topics: tuple[ForbiddenTopic, ...] = Field(default=(), max_length=100)
    """what the assistant must not do, whoever asks; read by principles with `reads: [forbidden_topics]`"""
    tone: Localised | None = None
    """how the assistant is to sound; read by principles with `reads: [tone]`"""
    principles: tuple[Principle, ...] = Field(min_length=1, max_length=100)
    """what judges look for"""

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems: list[Problem] = []
        for field in ("id", "dimension"):
            problems += doubles("principles", field, [getattr(one, field) for one in self.principles])
        problems += doubles("forbidden_topics", "id", [one.id for one in self.forbidden_topics])
        for n, principle in enumerate(self.principles):
            problems += [
                (("principles", n, "reads"), f"this constitution has no `{part}`; add it, or take it out here")
                for part in principle.reads
                if not getattr(self, part)
            ]
        if problems:
            raise wrong(*problems)
        return self

    @property
    def body(self) -> str:
        """Canonical JSON: what is hashed, and what is stored.

        Fields at their defaults are left out, so that a field which is added to the format later changes no hash.
        """
        return _canonical(_plain(self))

    @property
    def sha256(self) -> str:
        """Of the body, 64 hex digits: comments, layout and the order of fields do not count."""
        return hashlib.sha256(self.body.encode()).hexdigest()

    def principle(self, name: str) -> Principle:
        """Find a principle by id or dimension.

        Raises:
            ConfigError: there is none.
        """
        for one in self.principles:
            if name in {one.id, one.dimension}:
                return one
        known = _listed(one.id for one in self.principles)
        raise ConfigError(f"no principle {name!r} in the constitution {self.name!r}; known: {known}")

    def digest(self, principle: Principle) -> str:
        """Give the hash of all that can change a verdict on it, for the scorer's identity: 64 hex digits.

        That is what a judge reads of it with the shared parts that it reads, the labels' values, and the condition
        where it gives a label by itself. Limits, severities and approvals are not in it. Nor are the other principles
        that are asked in the same call: those belong to the prompt.
        """
        whole = _plain(principle)
        parts = {field: whole[field] for field in JUDGED_FIELDS}
        parts["reads"] = {part: _plain(self)[part] for part in principle.reads}
        if principle.applies_when.otherwise is not None:
            parts["applies_when"] = whole["applies_when"]
        return hashlib.sha256(_canonical(parts).encode()).hexdigest()

    def for_judge(self, name: str, dimensions: Iterable[str] = ()) -> tuple[Principle, ...]:
        """Give what an endpoint judges: the dimensions named; without any, all principles that name it or no judge.

        Raises:
            ConfigError: a dimension has no principle.
        """
        wanted = tuple(dimensions)
        unknown = sorted(set(wanted) - {one.dimension for one in self.principles})
        if unknown:
            known = _listed(one.dimension for one in self.principles)
            raise ConfigError(f"judge {name}: no principle measures {', '.join(unknown)}; dimensions: {known}")
        if wanted:
            return tuple(one for one in self.principles if one.dimension in wanted)
        return tuple(one for one in self.principles if not one.judges or name in one.judges)


def calls(principles: Iterable[Principle]) -> tuple[tuple[Principle, ...], ...]:
    """Put together what may be asked in one call: a group, or a principle without one; in the file's order."""
    groups: dict[str, list[Principle]] = {}
    for one in principles:
        groups.setdefault(one.group or f"\0{one.id}", []).append(one)
    return tuple(tuple(group) for group in groups.values())


def doubles(part: str, field: str, names: Iterable[Any]) -> list[Problem]:
    """Name the entries of a list whose name another one before them has."""
    kind = {"principles": "principle", "forbidden_topics": "topic"}[part]
    return [
        ((part, n, field), f"another {kind} before it has the {field} {name!r} too; rename one")
        for n, name in repeated(names)
    ]


def repeated(names: Iterable[Any]) -> list[tuple[int, str]]:
    """Give index and name of each that stood before; what is no text is passed over."""
    seen: set[str] = set()
    found = []
    for n, name in enumerate(names):
        if isinstance(name, str):
            if name in seen:
                found.append((n, name))
            seen.add(name)
    return found


def _plain(part: BaseModel) -> dict[str, Any]:
    return part.model_dump(mode="json", exclude_defaults=True)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
