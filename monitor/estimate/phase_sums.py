"""The sum of three phases: weights, values, influence of each record, and the tuning of l1 and l2.

With w1 the post-stratified weights of phase 1 (they sum to 1), w2 = w1 J / pi2 and w3 = w1 J H / (pi2 pi3), each
scaled to sum to 1 (Hájek), the estimate is

    theta = l1 M1(f) + M2(l2 g - l1 f) + M3(y - l2 g),        Mk(x) = sum_i wk_i x_i

It is linear in l1 and l2 and unbiased for any fixed values of them but for the ratios' bias, of order 1/n.

Tuning (PPI++: Angelopoulos, Duchi and Zrnic 2023, section 6), in closed form:

- l2 is the slope of y on g over the labels, weighted: the difference of what humans say where the judge says yes and
  where it says no. With a verdict of two values this is the estimate post-stratified by the verdict, so no other
  function of the verdict does better, and it costs no bias: each of the two means is one of labels alone. Where no
  label saw one of the verdicts, the judge is believed for the point and not at all for the interval.
- l1 = l2 k, with k the slope that takes most variance out of the judge's rate, shrunk by what its own error would
  cost (the positive part of 1 - 1/F, as James and Stein do). A useless classifier gets k near 0.

Variance: the influences z_i, summed by conversation, as in `rates`: sampling of phase 1 by `pair_sum`, with what
phases 2 and 3 add counted in full. Conversations are independent; inside one, phases 2 and 3 may be drawn together
or one by one.
"""

from dataclasses import dataclass

import numpy as np

from monitor.estimate.phase_terms import Tuning
from monitor.estimate.terms import Bools, Target
from monitor.estimate.variance import Floats, Ints, cluster_index, cluster_sums, pair_sum


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Phases:
    """Complete records in `cluster_order` of pi1, shapes (n,): a value stands wherever one is read."""

    pi1: Floats
    pi2: Floats
    """Read where `judged`."""
    pi3: Floats
    """Read where `labelled`."""
    cluster: Ints
    cell: Ints
    w1: Floats
    """Sums to 1."""
    f: Floats
    judged: Bools
    g: Floats
    lost: Bools
    """Judged, but without a verdict that labels could speak for: each stands for `fill`."""
    fill: float
    labelled: Bools
    y: Floats

    def weights(self) -> tuple[Floats, Floats]:
        """Give w2 over the judged and w3 over the labelled, 0 elsewhere; each sums to 1, or is 0 where nobody is."""
        second = np.where(self.judged, self.w1 / np.where(self.judged, self.pi2, 1.0), 0.0)
        third = np.where(self.labelled, second / np.where(self.labelled, self.pi3, 1.0), 0.0)
        return _scaled(second), _scaled(third)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sums:
    """The three parts and the influence of each record on them, shapes (n,)."""

    w2: Floats
    w3: Floats
    values: tuple[float, float, float]
    influence: tuple[Floats, Floats, Floats]

    @property
    def rate(self) -> float:
        """The estimate, which may lie outside [0, 1]."""
        return sum(self.values)


def sums(phases: Phases, tuning: Tuning) -> Sums:
    """Compute the three parts; without labels the third is 0 and stands for nothing."""
    w2, w3 = phases.weights()
    reachable = 1.0 - float(np.sum(w2[phases.lost]))
    error = phases.y - tuning.l2 * phases.g
    human = float(np.sum(w3 * error))
    aided = tuning.l1 * phases.f
    # A lost record is worth `fill` as a whole, so the correction that is added for all is taken off it.
    step = np.where(phases.lost, phases.fill - human, tuning.l2 * phases.g) - aided
    classifier, judge = float(np.sum(phases.w1 * aided)), float(np.sum(w2 * step))
    return Sums(
        w2=w2,
        w3=w3,
        values=(classifier, judge, human),
        influence=(
            phases.w1 * (aided - classifier),
            w2 * (step - judge),
            reachable * w3 * (error - human),
        ),
    )


def variance(phases: Phases, parts: tuple[Floats, Floats, Floats], target: Target) -> float:
    """Estimate the variance of the sum of `parts`, the influences of phases 1, 2 and 3, shapes (n,)."""
    whole = parts[0] + parts[1] + parts[2]
    design = pair_sum(_centred(whole, phases), 1.0 - phases.pi1, phases.cluster)
    if target == "process":
        # Horvitz-Thompson can fall below 0 where the records of a conversation have unlike probabilities.
        return design + max(0.0, pair_sum(whole, phases.pi1, phases.cluster))
    # What is left of phases 2 and 3 after the factor 1 - pi1 above; the three factors of phase 3 add up to
    # 1 - pi1 pi2 pi3.
    for pi, chosen, reached, later in (
        (phases.pi2, phases.judged, phases.pi1, parts[1] + parts[2]),
        (phases.pi3, phases.labelled, phases.pi1 * phases.pi2, parts[2]),
    ):
        order = np.flatnonzero(chosen)
        order = order[np.lexsort((pi[order], phases.cluster[order]))]
        design += pair_sum(
            np.sqrt(reached[order]) * later[order], 1.0 - pi[order], cluster_index(phases.cluster[order])
        )
    return design


def contributions(phases: Phases, parts: tuple[Floats, Floats, Floats]) -> tuple[float, float, float]:
    """Split the variance: each part's share is its covariance with the whole, between conversations."""
    whole = cluster_sums(parts[0] + parts[1] + parts[2], phases.cluster)
    first, second, third = (float(np.sum(cluster_sums(part, phases.cluster) * whole)) for part in parts)
    return first, second, third


def tune(phases: Phases) -> Tuning:
    """Find l1 and l2 for the least variance; without labels l2 is 1: the judge's rate is what is estimated."""
    w2, w3 = phases.weights()
    l2 = 1.0
    if phases.labelled.any():
        yes, no = verdict_means(phases, w3)
        l2 = yes - no
    return Tuning(l1=l2 * _classifier_slope(phases, w2), l2=l2)


def verdict_means(phases: Phases, w3: Floats) -> tuple[float, float]:
    """Give how often humans say yes where the judge says yes, and where it says no; its verdict where unlabelled."""
    yes, no = w3 * phases.g, w3 * (1.0 - phases.g)
    heavy, light = float(np.sum(yes)), float(np.sum(no))
    return (
        min(float(np.sum(yes * phases.y)) / heavy, 1.0) if heavy > 0.0 else 1.0,
        min(float(np.sum(no * phases.y)) / light, 1.0) if light > 0.0 else 0.0,
    )


def _classifier_slope(phases: Phases, w2: Floats) -> float:
    f, g = phases.f, np.where(phases.judged, phases.g, 0.0)
    pull = w2 * (f - np.sum(w2 * f)) - phases.w1 * (f - np.sum(phases.w1 * f))
    pull = cluster_sums(_centred(pull, phases), phases.cluster)
    rest = cluster_sums(_centred(w2 * (g - np.sum(w2 * g)), phases), phases.cluster)
    square = float(np.sum(pull * pull))
    if square <= 1e-24:
        return 0.0
    slope = float(np.sum(pull * rest)) / square
    error = float(np.sum((pull * (rest - slope * pull)) ** 2)) / square**2
    kept = max(0.0, 1.0 - error / slope**2) if slope else 0.0
    return min(max(slope * kept, -1.0), 1.0)


def _centred(influence: Floats, phases: Phases) -> Floats:
    """Take off what the exact totals of the strata make up for: the cell's mean, for each unit of w1."""
    share = np.bincount(phases.cell, weights=phases.w1)
    total = np.bincount(phases.cell, weights=influence)
    return influence - phases.w1 * (total / np.where(share > 0.0, share, 1.0))[phases.cell]


def _scaled(weight: Floats) -> Floats:
    total = float(np.sum(weight))
    return weight / total if total > 0.0 else weight
