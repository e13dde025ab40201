"""Pairs the columns of two spans, so that each can be compared."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from monitor.drift.windows import Labels, SpanColumns
from monitor.estimate.variance import Floats

TOP_LABELS = 20
"""Rarer labels are one: a comparison over thousands of tenants would show noise and draw nothing readable."""
LABEL_CHARACTERS = 60
NONE, OTHER = "(none)", "(other)"

_MARKUP = str.maketrans("<>&", "()+")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pair:
    """One column on both sides, each as long as its span."""

    name: str
    scorer_id: str
    title: str
    """The name, with the scorer's id where two columns have it: unique among the pairs."""
    kind: Literal["number", "label"]
    reference: Floats | Labels
    current: Floats | Labels


def pairs(reference: SpanColumns, current: SpanColumns) -> list[Pair]:
    """Give every column of either span; where a span lacks one it is NaN throughout."""
    found = [
        Pair(
            name=name,
            scorer_id="",
            title=name,
            kind="number",
            reference=_or_nothing(reference.numbers.get(name), reference),
            current=_or_nothing(current.numbers.get(name), current),
        )
        for name in dict.fromkeys((*reference.numbers, *current.numbers))
    ]
    found += [_label_pair(name, reference, current) for name in dict.fromkeys((*reference.labels, *current.labels))]
    taken = [one.name for one in found] + [name for name, _ in {*reference.verdicts, *current.verdicts}]
    found += [
        Pair(
            name=name,
            scorer_id=scorer_id,
            title=plain(name if taken.count(name) == 1 else f"{name}@{scorer_id[:12]}"),
            kind="number",
            reference=_or_nothing(reference.verdicts.get((name, scorer_id)), reference),
            current=_or_nothing(current.verdicts.get((name, scorer_id)), current),
        )
        for name, scorer_id in sorted({*reference.verdicts, *current.verdicts})
    ]
    return found


def plain(text: str) -> str:
    """Write a label so that it is only text in a page: evidently puts it unescaped into a script element."""
    kept = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:LABEL_CHARACTERS])
    return kept.translate(_MARKUP) or NONE


def effect(pair: Pair, reference: SpanColumns, current: SpanColumns) -> tuple[str, float, float]:
    """Give what changed most in a column, and its size in both spans, weighted by 1 / probability."""
    if pair.kind == "number":
        return "mean", _mean(pair.reference, reference), _mean(pair.current, current)
    labels = sorted({*pair.reference, *pair.current})
    shares = [
        (_mean((pair.reference == one).astype(float), reference), _mean((pair.current == one).astype(float), current))
        for one in labels
    ]
    label, (before, after) = max(zip(labels, shares, strict=True), key=lambda one: abs(one[1][1] - one[1][0]))
    return f"share of {label!r}", before, after


def _label_pair(name: str, reference: SpanColumns, current: SpanColumns) -> Pair:
    sides = [np.array([plain(v) for v in _labels(side, name)], dtype=object) for side in (reference, current)]
    share: dict[str, float] = {}
    for values, side in zip(sides, (reference, current), strict=True):
        for value, part in zip(values, _weights(side), strict=True):
            share[value] = share.get(value, 0.0) + part
    top = set(sorted(share, key=lambda one: (-share[one], one))[:TOP_LABELS])
    before, after = (np.array([v if v in top else OTHER for v in values], dtype=object) for values in sides)
    return Pair(name=name, scorer_id="", title=name, kind="label", reference=before, current=after)


def _labels(side: SpanColumns, name: str) -> Iterator[str]:
    return iter(side.labels[name]) if name in side.labels else iter([""] * len(side))


def _or_nothing(column: Floats | None, side: SpanColumns) -> Floats:
    return np.full(len(side), math.nan) if column is None else column


def _weights(side: SpanColumns) -> Floats:
    # Each span counts alike, however many samples it has.
    weight = 1 / side.probability
    return np.asarray(weight / weight.sum(), dtype=np.float64)


def _mean(values: Floats | Labels, side: SpanColumns) -> float:
    numbers = values.astype(np.float64)
    there = ~np.isnan(numbers)
    return float(np.average(numbers[there], weights=1 / side.probability[there]))
