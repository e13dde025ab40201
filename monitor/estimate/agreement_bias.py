"""Does a judge err in one direction where it should not: long answers, the first place, its own family, a language.

Each check is a difference of two means, of what a judge said beyond its reference (another rater of the same
items), between items that have a trait and items that have not. Both raters saw the same answers, so that answers of
one model are better is no bias: the reference says so too.

Read a finding as a reason to look, not as a proof. With a judge as the reference it does not tell whose taste it is.
And a judge that errs at random leans against whichever label prevails: if long answers are mostly positive, chance
errors alone make it say less there. So look at `error` beside `value`, and at how the labels are spread.

Intervals: linearised variance of a ratio, groups as clusters (Särndal, Swensson and Wretman 1992, section 5.6), with
Student's t.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import special

from monitor.estimate.variance import Floats, Ints

Bools: TypeAlias = npt.NDArray[np.bool_]

MIN_GROUPS = 10
"""On either side."""

MIN_INFORMATIVE = 5
"""Groups in which the two raters differ at all."""

Check = Literal["lean", "length", "position", "self-preference", "language"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bias:
    """One difference; `found` only where its interval excludes 0."""

    check: Check
    what: str
    """What is compared, for people: "longer - shorter"."""
    measure: Literal["value", "error"]
    """`value`: how much more the judge says than its reference, in [-1, 1]. `error`: how often they differ."""
    difference: float | None
    low: float | None
    high: float | None
    n_with: int
    """Items with the trait."""
    n_without: int
    confidence: float
    reason: str = ""
    """Why there is no interval."""

    @property
    def found(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)


def difference(
    beyond: Floats,
    trait: Bools | None,
    group: Ints,
    *,
    check: Check,
    what: str,
    measure: Literal["value", "error"],
    confidence: float,
) -> Bias:
    """Compare the mean of `beyond`, shape (n,), where `trait` is true with that where it is not (None: with 0)."""
    has = np.ones(beyond.size, dtype=np.bool_) if trait is None else trait
    sides = [has] if trait is None else [has, ~has]
    counts = [int(np.count_nonzero(side)) for side in sides]
    number = np.unique(group, return_inverse=True)[1]
    groups = int(number.max()) + 1 if number.size else 0
    value, low, high, reason = None, None, None, ""
    if min(counts) == 0:
        reason = "no item on one side"
    else:
        means = [float(beyond[side].mean()) for side in sides]
        value = means[0] - (means[1] if trait is not None else 0.0)
        residual = np.zeros(beyond.size)
        for side, mean, sign in zip(sides, means, (1.0, -1.0), strict=False):
            residual[side] = sign * (beyond[side] - mean) / np.count_nonzero(side)
        each = np.bincount(number, weights=residual, minlength=groups)
        fewest = min(np.unique(number[side]).size for side in sides)
        informative = np.unique(number[beyond != 0.0]).size
        if fewest < MIN_GROUPS:
            reason = f"{fewest} groups on one side are too few (at least {MIN_GROUPS})"
        elif informative < MIN_INFORMATIVE:
            reason = f"they differ in {informative} groups only (at least {MIN_INFORMATIVE})"
        else:
            spread = float(np.sqrt(np.sum(each**2) * groups / (groups - 1)))
            # The side with fewer groups says how well the variance is known.
            reach = float(special.stdtrit(fewest - 1, 0.5 + confidence / 2.0)) * spread
            low, high = value - reach, value + reach
    return Bias(
        check=check,
        what=what,
        measure=measure,
        difference=value,
        low=low,
        high=high,
        n_with=counts[0],
        n_without=counts[1] if len(counts) > 1 else 0,
        confidence=confidence,
        reason=reason,
    )


def length_bias(
    beyond: Floats, length: Floats, group: Ints, *, measure: Literal["value", "error"], confidence: float
) -> Bias:
    """Compare items longer than the median with the others.

    In pairwise sets `length` is the first answer's less the second's, and 0 the border.
    """
    border = 0.0 if np.any(length < 0.0) else float(np.median(length)) if length.size else 0.0
    return difference(
        beyond, length > border, group, check="length", what="longer - shorter", measure=measure, confidence=confidence
    )


def swapped_bias(first_shown: Ints, group: Ints, *, confidence: float) -> Bias:
    """Tell whether a judge prefers a place, from pairs of answers that it saw in both orders.

    `first_shown` (n, 2) holds, for each order, 1 where the judge chose the answer shown first, -1 where the second,
    0 for a tie. The answers themselves cancel: each was shown first once. The mean is the share of first choices less
    that of second ones.
    """
    return difference(
        first_shown.mean(axis=1),
        None,
        group,
        check="position",
        what="shown first - shown second",
        measure="value",
        confidence=confidence,
    )
