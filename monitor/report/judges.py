"""How far judges can be trusted: agreement with humans and with each other, by language; calibration; bias.

`report` takes `JudgeSet`s wherever their labels come from: the stored judges of public sets (`judges_public`), or
rows of a database brought into the same form by `collect`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any, Literal

import numpy as np

from monitor.estimate.agreement import DRAWS, MISSING, SEED, Agreement, Ratings, agreement, ratings
from monitor.estimate.agreement_bias import Bias
from monitor.estimate.agreement_calibration import Calibration, calibration
from monitor.estimate.agreement_reference import Confusion, against_reference
from monitor.report.judges_bias import biases

__all__ = ["JudgeSet", "PairReport", "PanelReport", "Rated", "Rater", "Rating", "SetReport", "collect", "report"]

RaterKind = Literal["judge", "human"]
PairKind = Literal["judge-judge", "judge-human", "human-human"]

ALL = "all"
"""Stands for every language together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rating:
    """One label by one rater, as a database row has it."""

    item: str
    """The sample."""
    rater: str
    label: str | None
    """None = no verdict (refused, unparseable, ...): counted as missing."""
    group: str
    """Conversation or question: what is alike."""
    language: str = ""
    length: float | None = None
    """Characters of the answer; in pairwise sets those of the first less those of the second."""
    family: str = ""
    """Maker of the model that answered."""
    confidence: float | None = None
    """The rater's own, that its label is right."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rated:
    """One item with the labels of its raters."""

    item: str
    group: str
    labels: Mapping[str, str | None]
    """By rater; absent or None = missing."""
    language: str = ""
    length: float | None = None
    family: str = ""
    confidences: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rater:
    """Who gives labels."""

    name: str
    kind: RaterKind = "judge"
    family: str = ""
    """Maker of the judge's model; empty = not checked for self-preference."""
    derived: bool = False
    """Made from other raters of its kind, as their majority: not compared with them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeSet:
    """Items of one dimension with two raters or more."""

    name: str
    dimension: str
    raters: tuple[Rater, ...]
    categories: tuple[str, ...]
    """Every label, from least to most where `ordered`."""
    items: tuple[Rated, ...]
    ordered: bool = False
    positive: tuple[str, ...] = ()
    """Labels that count as having the property; empty = no accuracy, sensitivity and so on."""
    values: tuple[float, ...] = ()
    """Of each category, in [0, 1], for bias checks; empty = evenly spaced if ordered, else 1 if positive."""
    pairwise: bool = False
    """The label says which of two answers is better: value 1 = the first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairReport:
    """Two raters in one language or all."""

    first: str
    second: str
    kind: PairKind
    """A judge comes first, the human it is held against second."""
    language: str
    agreement: Agreement
    reference: Confusion | None
    """The first against the second; None without a human or without positive labels."""
    calibration: Calibration | None
    """The first's confidence that its label is right, the second's label being the truth; None without either."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PanelReport:
    """All raters of one kind together, where there are more than two."""

    raters: tuple[str, ...]
    kind: RaterKind
    language: str
    agreement: Agreement


@dataclass(frozen=True, kw_only=True, slots=True)
class BiasReport:
    """The bias checks of one rater against another."""

    first: str
    second: str
    kind: PairKind
    checks: tuple[Bias, ...]

    @property
    def found(self) -> tuple[Bias, ...]:
        """Those whose interval excludes 0."""
        return tuple(one for one in self.checks if one.found)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetReport:
    """One set: pairs, panels, biases."""

    name: str
    dimension: str
    items: int
    unlabelled: dict[str, int]
    """Items without a label, by rater."""
    pairs: tuple[PairReport, ...]
    panels: tuple[PanelReport, ...]
    biases: tuple[BiasReport, ...]

    def as_json(self) -> dict[str, Any]:
        """Give plain values, for `--json`; a bias says whether it was `found`."""
        plain = asdict(self)
        for shown, made in zip(plain["biases"], self.biases, strict=True):
            for check, bias in zip(shown["checks"], made.checks, strict=True):
                check["found"] = bias.found
        return plain


def collect(rows: Iterable[Rating]) -> tuple[Rated, ...]:
    """Bring rows, one a rating, into one `Rated` an item, in order of first appearance.

    Of two labels by one rater the first one with a label counts. Group, language, length and family are the first that
    an item's rows give.
    """
    items: dict[str, dict[str, Any]] = {}
    for row in rows:
        one = items.setdefault(
            row.item,
            {"group": row.group, "labels": {}, "confidences": {}, "language": "", "length": None, "family": ""},
        )
        if one["labels"].get(row.rater) is None:
            one["labels"][row.rater] = row.label
            if row.confidence is not None and row.label is not None:
                one["confidences"][row.rater] = row.confidence
        one["language"] = one["language"] or row.language
        one["family"] = one["family"] or row.family
        one["length"] = row.length if one["length"] is None else one["length"]
    return tuple(Rated(item=item, **parts) for item, parts in items.items())


def report(
    sets: Iterable[JudgeSet], *, confidence: float = 0.95, draws: int = DRAWS, seed: int = SEED
) -> tuple[SetReport, ...]:
    """Compute every pair, panel and bias of every set; pure, a second or two a set of 10,000 items.

    Raises:
        ValueError: a label is none of its set's categories.
    """
    return tuple(_Work(one, confidence=confidence, draws=draws, seed=seed).run() for one in sets)


class _Work:
    """One set, its labels as arrays."""

    def __init__(self, chosen: JudgeSet, *, confidence: float, draws: int, seed: int) -> None:
        self._set = chosen
        self._how: dict[str, Any] = {"confidence": confidence, "draws": draws, "seed": seed}
        self._column = {rater.name: i for i, rater in enumerate(chosen.raters)}
        self._all = ratings(
            [[item.labels.get(rater.name) for item in chosen.items] for rater in chosen.raters],
            [item.group for item in chosen.items],
            categories=chosen.categories,
            ordered=chosen.ordered,
        )
        self._language = np.array([item.language for item in chosen.items], dtype=object)

    def run(self) -> SetReport:
        languages = sorted({str(one) for one in self._language if one})
        split = [ALL, *languages] if len(languages) > 1 else [ALL]
        pairs = list(_pairs(self._set.raters))
        missing = np.count_nonzero(self._all.codes == MISSING, axis=0)
        return SetReport(
            name=self._set.name,
            dimension=self._set.dimension,
            items=len(self._set.items),
            unlabelled={name: int(missing[i]) for name, i in self._column.items() if missing[i]},
            pairs=tuple(self._pair(first, second, kind, one) for first, second, kind in pairs for one in split),
            panels=tuple(self._panels(split)),
            biases=tuple(
                BiasReport(
                    first=first.name,
                    second=second.name,
                    kind=kind,
                    checks=biases(self._set, self._part([first, second], ALL), first, second, self._how["confidence"]),
                )
                for first, second, kind in pairs
                if kind != "human-human"
            ),
        )

    def _part(self, raters: Sequence[Rater], language: str) -> Ratings:
        keep = np.full(self._language.size, True) if language == ALL else self._language == language
        columns = [self._column[rater.name] for rater in raters]
        return Ratings(
            codes=self._all.codes[keep][:, columns],
            group=self._all.group[keep],
            categories=self._all.categories,
            ordered=self._all.ordered,
        )

    def _pair(self, first: Rater, second: Rater, kind: PairKind, language: str) -> PairReport:
        rated = self._part([first, second], language)
        judged = kind == "judge-human"
        reference = against_reference(rated, positive=self._set.positive, **self._how) if self._set.positive else None
        return PairReport(
            first=first.name,
            second=second.name,
            kind=kind,
            language=language,
            agreement=agreement(rated, **self._how),
            reference=reference if judged else None,
            calibration=self._calibration(first, rated, language) if judged else None,
        )

    def _calibration(self, first: Rater, rated: Ratings, language: str) -> Calibration | None:
        items = [one for one in self._set.items if language in {ALL, one.language}]
        sure = np.array([one.confidences.get(first.name, np.nan) for one in items], dtype=np.float64)
        known = ~np.isnan(sure) & np.all(rated.codes != MISSING, axis=1)
        if not known.any():
            return None
        right = rated.codes[known, 0] == rated.codes[known, 1]
        return calibration(sure[known], right, rated.group[known], **self._how)

    def _panels(self, split: Sequence[str]) -> Iterable[PanelReport]:
        for kind in ("judge", "human"):
            raters = [one for one in self._set.raters if one.kind == kind and not one.derived]
            if len(raters) > 2:
                for language in split:
                    yield PanelReport(
                        raters=tuple(one.name for one in raters),
                        kind=kind,
                        language=language,
                        agreement=agreement(self._part(raters, language), **self._how),
                    )


def _pairs(raters: Sequence[Rater]) -> Iterable[tuple[Rater, Rater, PairKind]]:
    """Judges with each other, then with humans (their majority, where there is one), then humans with each other."""
    judges = [one for one in raters if one.kind == "judge"]
    humans = [one for one in raters if one.kind == "human"]
    for first, second in combinations(judges, 2):
        yield first, second, "judge-judge"
    majority = [one for one in humans if one.derived]
    for judge in judges:
        for human in majority or humans:
            yield judge, human, "judge-human"
    for first, second in combinations([one for one in humans if not one.derived], 2):
        yield first, second, "human-human"
