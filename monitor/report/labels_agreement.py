"""How far reviewers agree with each other, and each judge and classifier with the reviewers, on labelled samples.

Every label counts, drawn or not. The figures are of the labelled samples as they are, not weighted: draws favour
samples that judge and classifier see differently, so on all traffic raters agree more often than these figures say.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.report.judges import JudgeSet, Rated, Rater, SetReport, report
from monitor.report.ledger import Span
from monitor.scoring.constitution.model import Constitution, Principle
from monitor.scoring.verdict import POSITIVE_ABOVE
from monitor.store.client import Row, Store

NAMED = 12
"""Reviewers that are compared one by one, those with the most labels; in the majority all count."""
FEWEST = 20
"""Labelled samples of a language that has figures of its own."""
MAJORITY = "humans' majority"
YES, NO = "yes", "no"


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelReport:
    """The agreement on one dimension: as yes and no, or by label."""

    agreement: SetReport
    drawn: int
    """Labelled samples that were drawn; the others are convenience."""
    reviewers: int
    earlier_wording: int
    """Labels that answer another wording of the principle than today's."""

    def as_json(self) -> dict[str, Any]:
        """Give plain values, for `--json`."""
        counts = {"drawn": self.drawn, "reviewers": self.reviewers, "earlier_wording": self.earlier_wording}
        return {**self.agreement.as_json(), **counts}


def label_agreement(
    store: Store, span: Span, constitution: Constitution, *, dimension: str = "", confidence: float = 0.95
) -> list[LabelReport]:
    """Compare all raters of the labelled samples of a span, in one dimension or in all that have labels.

    A dimension is compared as yes and no (value above 0.5), which is what rates count; where its principle has more
    than two labels, by label too. Scorers of one name and different identities are different raters. One rater alone
    gives nothing.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    principles = {one.dimension: one for one in constitution.principles}
    labels = _by_dimension(store.query("label_items", since=span.since, until=span.until, dimension=dimension))
    scores = _by_dimension(store.query("label_scores", since=span.since, until=span.until, dimension=dimension))
    found = []
    for one, rows in labels.items():
        principle = principles.get(one)
        today = constitution.digest(principle) if principle else ""
        for made in judge_sets(one, principle, rows, scores.get(one, [])):
            (agreement,) = report([made], confidence=confidence)
            found.append(
                LabelReport(
                    agreement=agreement,
                    drawn=len({row["sample_id"] for row in rows if row["drawn"]}),
                    reviewers=len({row["reviewer"] for row in rows}),
                    earlier_wording=sum(row["rubric"] != today for row in rows),
                )
            )
    return found


def judge_sets(
    dimension: str, principle: Principle | None, labels: Sequence[Row], scores: Sequence[Row]
) -> list[JudgeSet]:
    """Bring rows of `label_items` and `label_scores` of one dimension into sets of ratings."""
    known = tuple(one.name for one in sorted(principle.labels, key=lambda one: one.value)) if principle else ()
    values = tuple(sorted(one.value for one in principle.labels)) if principle else ()
    humans = [name for name, _ in Counter(row["reviewer"] for row in labels).most_common(NAMED)]
    names = _scorer_names(scores)
    raters = [Rater(name=name) for name in sorted(set(names.values()))]
    raters += [Rater(name=f"human {name}", kind="human") for name in sorted(humans)]
    if len(humans) > 1:
        raters.append(Rater(name=MAJORITY, kind="human", derived=True))
    if len(raters) < 2:
        return []

    def made(name: str, categories: tuple[str, ...], *, by_label: bool, **more: Any) -> JudgeSet:
        def said(row: Row) -> str | None:
            if by_label:
                return row["label"] if row["label"] in categories else None
            if row["value"] is None or math.isnan(row["value"]):
                # Whoever is unsure.
                return None
            return YES if row["value"] > POSITIVE_ABOVE else NO

        sure = by_label or len(known) == 2
        items = _items(labels, scores, said, names=names, humans=set(humans), sure=sure)
        return JudgeSet(
            name=name, dimension=dimension, raters=tuple(raters), categories=categories, items=tuple(items), **more
        )

    sets = [made(f"{dimension}, yes or no", (NO, YES), by_label=False, positive=(YES,))]
    if len(known) > 2:
        positive = tuple(name for name, value in zip(known, values, strict=True) if value > POSITIVE_ABOVE)
        ordered = len(set(values)) == len(values)
        how: dict[str, Any] = {"positive": positive, "ordered": ordered, "values": values}
        sets.append(made(f"{dimension}, by label", known, by_label=True, **how))
    return sets


def _items(
    labels: Sequence[Row],
    scores: Sequence[Row],
    said: Callable[[Row], str | None],
    *,
    names: Mapping[str, str],
    humans: set[str],
    sure: bool,
) -> list[Rated]:
    scored: dict[Any, list[Row]] = {}
    for row in scores:
        scored.setdefault(row["sample_id"], []).append(row)
    by_sample: dict[Any, list[Row]] = {}
    for row in labels:
        by_sample.setdefault(row["sample_id"], []).append(row)
    spoken = Counter(_language(rows[0]) for rows in by_sample.values())
    items = []
    for sample_id, rows in by_sample.items():
        told = {f"human {row['reviewer']}": said(row) for row in rows if row["reviewer"] in humans}
        told[MAJORITY] = _majority(map(said, rows))
        verdicts = scored.get(sample_id, [])
        sample = rows[0]
        items.append(
            Rated(
                item=str(sample_id),
                group=sample["conversation"],
                labels={**told, **{names[row["scorer_id"]]: said(row) for row in verdicts}},
                language=language if spoken[language := _language(sample)] >= FEWEST else "",
                length=sample["length"],
                confidences={
                    names[row["scorer_id"]]: row["confidence"]
                    for row in verdicts
                    if sure and row["confidence"] is not None and 0.0 <= row["confidence"] <= 1.0
                },
            )
        )
    return items


def _language(sample: Row) -> str:
    tag: str = sample["locale"]
    return tag.replace("_", "-").partition("-")[0].lower()


def _majority(told: Iterable[str | None]) -> str | None:
    """Give the label that more of the reviewers who are sure gave than any other; None where two are level, or none."""
    most = Counter(one for one in told if one is not None).most_common(2)
    level = len(most) == 2 and most[0][1] == most[1][1]
    return most[0][0] if most and not level else None


def _scorer_names(scores: Iterable[Row]) -> dict[str, str]:
    """Name each scorer id; where several have one name, the id's beginning tells them apart."""
    names = {row["scorer_id"]: row["name"] or "unnamed" for row in scores}
    often = Counter(names.values())
    return {one: name if often[name] == 1 else f"{name} {one[:8]}" for one, name in names.items()}


def _by_dimension(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["dimension"], []).append(row)
    return found
