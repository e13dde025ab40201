"""Intervals for a proportion that keep their coverage for rare events, clusters and unequal probabilities.

Three steps: each group of records with similar sampling probabilities gets an effective sample size
(`effective_size`), a Clopper-Pearson interval at that size, and the groups' intervals are joined (`combine`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One group's share of the whole, its rate, the variance of that rate and its effective sample size."""

    share: float
    rate: float
    variance: float
    size: float
    """Effective number of independent records; infinite when nothing is left to chance."""


def clopper_pearson(*, rate: float, size: float, confidence: float) -> tuple[float, float]:
    """Give the exact binomial interval at `size` trials, of which `rate * size` are positive.

    Both may be fractional (Korn and Graubard 1998): the limits are beta quantiles (Clopper and Pearson 1934).
    An infinite `size` gives (rate, rate).
    """
    if math.isinf(size):
        return rate, rate
    alpha = 1.0 - confidence
    positive = rate * size
    negative = size - positive
    low = float(special.betaincinv(positive, negative + 1.0, alpha / 2.0)) if positive > 0.0 else 0.0
    high = float(special.betaincinv(positive + 1.0, negative, 1.0 - alpha / 2.0)) if negative > 0.0 else 1.0
    return min(low, rate), max(high, rate)


def effective_size(
    *,
    rate: float,
    variance: float,
    records: int,
    clusters: float,
    informative: int,
    weights_size: float,
    ceiling: float,
    confidence: float,
) -> float:
    """Give the number of independent records that would have this variance (Korn and Graubard 1998).

    rate (1 - rate) / variance, with three safeguards:
    - never above `ceiling`, the number of records (without a finite-population correction): a chance zero in
      the variance must not look like knowledge;
    - the variance of a rare event rests on the few conversations that have it (`informative`), so 1/size is
      averaged with 1/`weights_size`, the size that the weights alone give if each conversation is one
      observation (Kish 1965), which counts as one informative conversation; at rate 0 or 1, or with no
      variance, only the latter is left;
    - multiplied by (t_{records - 1} / t_{clusters - 1})^2, for the degrees of freedom of the variance, with
      `clusters` the effective number of conversations. With conversations of one record this is 1.
    """
    prior = min(weights_size, ceiling)
    if variance <= 0.0 or not 0.0 < rate < 1.0:
        return prior
    measured = min(rate * (1.0 - rate) / variance, ceiling)
    blended = (informative + 1) / (informative / measured + 1.0 / prior)
    level = 0.5 + confidence / 2.0
    independent = float(special.stdtrit(max(records - 1.0, 1.0), level))
    clustered = float(special.stdtrit(max(clusters - 1.0, 1.0), level))
    return blended * min(1.0, independent / clustered) ** 2


def combine(parts: Sequence[Part], *, variance: float, confidence: float) -> tuple[float, float]:
    """Join the groups' intervals into one for sum of share * rate, inside [0, 1]; see `distances`."""
    rate = sum(part.share * part.rate for part in parts)
    below, above = distances(parts, variance=variance, confidence=confidence)
    return max(0.0, rate - below), min(1.0, rate + above)


def distances(parts: Sequence[Part], *, variance: float, confidence: float) -> tuple[float, float]:
    """Give how far the limits of sum of share * rate lie below and above it, from Clopper-Pearson intervals.

    Distances to the limits are added in squares (MOVER: Zou and Donner 2008), so a group without a positive
    still contributes its own upper limit; a plain variance would give it none. Where the `variance` of the
    whole exceeds the sum over groups (a conversation spans groups, shares are estimated), the distances are
    widened by the same ratio. One part gives its own interval.
    """
    separate = below = above = 0.0
    for part in parts:
        low, high = clopper_pearson(rate=part.rate, size=part.size, confidence=confidence)
        below += (part.share * (part.rate - low)) ** 2
        above += (part.share * (high - part.rate)) ** 2
        separate += part.share**2 * part.variance
    ratio = max(1.0, variance / separate) if separate > 0.0 else 1.0
    return math.sqrt(ratio * below), math.sqrt(ratio * above)
