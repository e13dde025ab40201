"""The bias checks of one judge against another rater of a set."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from monitor.estimate.agreement import MISSING, Ratings
from monitor.estimate.agreement_bias import Bias, Bools, Check, difference, length_bias
from monitor.estimate.variance import Floats

if TYPE_CHECKING:
    from monitor.report.judges import JudgeSet, Rater

Measure = Literal["value", "error"]


def biases(chosen: "JudgeSet", rated: Ratings, first: "Rater", second: "Rater", confidence: float) -> tuple[Bias, ...]:
    """Run every check that the set allows on `first` against `second`, the two columns of `rated`.

    The checks of one pair of raters hold together at `confidence`: with k of them each interval is at
    1 - (1 - confidence) / k (Bonferroni), so that one verdict in all of them is wrong in at most that share of reports.
    """
    both = np.all(rated.codes != MISSING, axis=1)
    items = [item for item, kept in zip(chosen.items, both, strict=True) if kept]
    codes, group = rated.codes[both], rated.group[both]
    values = np.array(category_values(chosen))
    beyond: dict[Measure, Floats] = {
        "value": values[codes[:, 0]] - values[codes[:, 1]],
        "error": (codes[:, 0] != codes[:, 1]).astype(np.float64),
    }
    language = np.array([item.language for item in items], dtype=object)
    family = np.array([item.family for item in items], dtype=object)
    length = np.array([np.nan if item.length is None else item.length for item in items], dtype=np.float64)
    has_length = ~np.isnan(length)

    todo: list[tuple[Check, str, Measure, Bools | None, Bools]] = []
    everything = np.full(len(items), True)
    overall: Check = "position" if chosen.pairwise else "lean"
    todo.append((overall, "first - second answer" if chosen.pairwise else "all", "value", None, everything))
    if len(set(language)) > 1:
        todo += [
            ("language", f"{one} - others", measure, np.asarray(language == one), everything)
            for one in sorted(set(language))
            for measure in beyond
        ]
    for rater in (first, second):
        if rater.family and rater.kind == "judge" and np.any(family == rater.family):
            what = f"answers of {rater.family} - others"
            todo.append(("self-preference", what, "value", np.asarray(family == rater.family), family != ""))
    lengths: list[Measure] = list(beyond) if has_length.any() else []
    each = 1.0 - (1.0 - confidence) / (len(todo) + len(lengths))
    found = [
        difference(
            beyond[measure][inside],
            None if trait is None else trait[inside],
            group[inside],
            check=check,
            what=what,
            measure=measure,
            confidence=each,
        )
        for check, what, measure, trait, inside in todo
    ]
    shown: dict[str, Any] = {"confidence": each}
    found += [
        length_bias(beyond[measure][has_length], length[has_length], group[has_length], measure=measure, **shown)
        for measure in lengths
    ]
    return tuple(found)


def category_values(chosen: "JudgeSet") -> tuple[float, ...]:
    """Give the value in [0, 1] of each category: the set's own, even steps where ordered, else 1 where positive."""
    if chosen.values:
        return chosen.values
    if chosen.ordered:
        return tuple(i / max(len(chosen.categories) - 1, 1) for i in range(len(chosen.categories)))
    return tuple(float(name in chosen.positive) for name in chosen.categories)
