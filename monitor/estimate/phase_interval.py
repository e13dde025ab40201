"""The interval of the three-phase estimate: from bounded proportions, not from its variance alone.

With the judge's verdict g of two values the rate is

    P(y = 1) = Q a + (1 - Q) b,     Q = P(g = 1),  a = P(y = 1 | g = 1),  b = P(y = 1 | g = 0)

and a, b and Q are proportions. Fifty labels without a disagreement have a plain variance of 0; as proportions they
still leave a and b open by what 50 can tell. So:

- a and b: the labels, by verdict and by similar probability, each cell with a Clopper-Pearson interval at its
  effective size, times the cell's share (`LabelCell`); a cell that nobody looked into is open from 0 to 1;
- Q: the judged records, by similar probability, likewise, as in `rates`; the classifier enters as a larger effective
  size;
- all distances joined in squares (MOVER: Zou and Donner 2008), and what the linearised variance of the whole has
  beyond that of the parts (or less: they covary) added.

Chosen by simulated coverage (`bench.coverage`) against normal theory, which covers 70 % of rare events with 50
labels, and against mid-p and Jeffreys intervals for a and b: a tenth and a sixth shorter, but down to 91 and 93 %.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from monitor.estimate.cells import MIN_CONVERSATIONS, pi_group
from monitor.estimate.intervals import clopper_pearson, distances
from monitor.estimate.phase_sums import Phases, Sums, sums, variance, verdict_means
from monitor.estimate.phase_terms import LabelCell, Tuning
from monitor.estimate.records import Records
from monitor.estimate.terms import Target
from monitor.estimate.variance import Floats, Ints, cluster_index, cluster_sums, kish_size

MIN_LABELS = 12
"""Labelled records of unlike probabilities are kept apart only where there are as many in each group."""

LEAST = 0.75
"""Of the squared distances that is left at least, whatever the estimated covariances say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """An interval, not yet cut to [0, 1], with what it was made from."""

    low: float
    high: float
    variance: float
    judge_rate: float
    cells: tuple[LabelCell, ...]


def limits(phases: Phases, tuning: Tuning, confidence: float, target: Target) -> Limits:
    """Give the interval of the rate over complete `phases`, of which some are judged."""
    found = sums(phases, tuning)
    total = variance(phases, found.influence, target)
    slope = tuning.l1 / tuning.l2 if tuning.l2 else 0.0
    judge = sums(_unlabelled(phases), Tuning(l1=min(max(slope, -1.0), 1.0), l2=1.0))
    apart = variance(phases, judge.influence, target)
    below, above = _judged(phases, judge, slope, apart, confidence, target)
    if not phases.labelled.any():
        return Limits(low=found.rate - below, high=found.rate + above, variance=total, judge_rate=judge.rate, cells=())
    cells, between = _labelled(phases, found, judge.rate, tuning, confidence, target)
    if tuning.l2 < 0.0:
        below, above = above, below
    none = np.zeros_like(between)
    inside = variance(phases, (none, none, found.influence[2] - between), target)
    # Beside the labels' own variance what they leave open, so that a chance zero is not scaled away.
    own = max(inside, sum(cell.share**2 * cell.openness for cell in cells)) + tuning.l2**2 * apart
    rest = total - inside - tuning.l2**2 * apart
    # Below 0 where f tells about labels too. In proportion, so that limits move outwards with the confidence.
    scale = max(LEAST, 1.0 + rest / own) if rest < 0.0 < own else 1.0
    labels = kish_size(cluster_sums(found.w3, phases.cluster))
    quantile = float(special.stdtrit(max(labels - 2.0, 1.0), 0.5 + confidence / 2.0))
    added = quantile**2 * max(0.0, rest)
    low, high = (
        math.sqrt(scale * (_squares(cells, low=side) + (tuning.l2 * distance) ** 2) + added)
        for side, distance in ((True, below), (False, above))
    )
    return Limits(low=found.rate - low, high=found.rate + high, variance=total, judge_rate=judge.rate, cells=cells)


def _judged(
    phases: Phases, judge: Sums, slope: float, whole: float, confidence: float, target: Target
) -> tuple[float, float]:
    """Give the distances of the limits of the judge's rate."""
    order, pi, cluster = _subset(phases, phases.judged, phases.pi1 * phases.pi2)
    group = pi_group(pi)
    cell = phases.cell[order] if phases.judged.all() else _sturdy(phases.cell[order], group, cluster)
    records = Records(
        value=phases.g[order],
        pi=pi,
        cluster=cluster,
        cell=cell,
        weight=judge.w2[order],
        residual=phases.g[order] - slope * phases.f[order] if slope else None,
        foreseen=phases.w1.size / order.size if slope else 1.0,
    )
    parts = [records.interval_part(group == one, confidence, target) for one in np.unique(group)]
    return distances(parts, variance=whole, confidence=confidence)


def _labelled(
    phases: Phases, found: Sums, judge_rate: float, tuning: Tuning, confidence: float, target: Target
) -> tuple[tuple[LabelCell, ...], Floats]:
    """Give the cells of the labels, and the influence (n,) of the labels' shares of them."""
    order, pi, cluster = _subset(phases, phases.labelled, phases.pi1 * phases.pi2 * phases.pi3)
    verdict, weight = phases.g[order], found.w3[order]
    reachable = 1.0 - float(np.sum(found.w2[phases.lost]))
    yes = min(max(judge_rate, 0.0), 1.0)
    mean = np.zeros(order.size)
    cells: list[LabelCell] = []
    for value, share, believed in zip((1, 0), (yes, 1.0 - yes), verdict_means(phases, found.w3), strict=True):
        inside = verdict == value
        if not inside.any():
            if share > 0.0:
                cell = LabelCell(verdict=value, share=share, rate=believed, low=0.0, high=1.0, n=0, size=0.0)
                cells.append(cell)
            continue
        group = _merged(pi[inside])
        records = Records(
            value=phases.y[order],
            pi=pi,
            cluster=cluster,
            cell=np.zeros(order.size, dtype=np.int64),
            weight=weight,
        ).part(inside)
        for one in np.unique(group):
            part = records.interval_part(group == one, confidence, target)
            low, high = clopper_pearson(rate=part.rate, size=part.size, confidence=confidence)
            cells.append(
                LabelCell(
                    verdict=value,
                    share=share * part.share,
                    rate=part.rate,
                    low=low,
                    high=high,
                    n=int(np.count_nonzero(group == one)),
                    size=part.size,
                )
            )
            mean[np.flatnonzero(inside)[group == one]] = part.rate - tuning.l2 * value
    between = np.zeros(phases.w1.size)
    between[order] = reachable * weight * (mean - float(np.sum(weight * mean)))
    return tuple(cells), between


def _squares(cells: tuple[LabelCell, ...], *, low: bool) -> float:
    return sum((cell.share * ((cell.rate - cell.low) if low else (cell.high - cell.rate))) ** 2 for cell in cells)


def _unlabelled(phases: Phases) -> Phases:
    nobody = np.zeros(phases.w1.size, dtype=np.bool_)
    return Phases(
        **{name: getattr(phases, name) for name in Phases.__slots__ if name not in {"labelled", "lost"}},
        labelled=nobody,
        lost=nobody,
    )


def _subset(phases: Phases, inside: np.ndarray, pi: Floats) -> tuple[Ints, Floats, Ints]:
    """Give positions of the records `inside`, by conversation and rising pi, with their pi and clusters."""
    at = np.flatnonzero(inside)
    order = at[np.lexsort((pi[at], phases.cluster[at]))]
    return order, np.minimum(pi[order], 1.0), cluster_index(phases.cluster[order])


def _merged(pi: Floats) -> Ints:
    """Group records by similar pi, joining neighbours until each group has MIN_LABELS records."""
    level, count = np.unique(pi_group(pi), return_counts=True)
    to = np.zeros(level.size, dtype=np.int64)
    held = 0
    for n, size in enumerate(count):
        to[n] = to[n - 1] + (held >= MIN_LABELS) if n else 0
        held = size if n and to[n] > to[n - 1] else held + size
    if held < MIN_LABELS and to[-1] > 0:
        to[to == to[-1]] -= 1
    return to[np.searchsorted(level, pi_group(pi))]


def _sturdy(cell: Ints, group: Ints, cluster: Ints) -> Ints:
    """Give cells of records that share cell and group; those of few conversations are one cell of their group."""
    width = int(cell.max()) + 2
    key = (group - group.min()) * width + cell + 1
    size = int(key.max()) + 1
    seen = np.unique(cluster * size + key) % size
    few = np.bincount(seen, minlength=size) < MIN_CONVERSATIONS
    cells: Ints = np.where(few[key], (group - group.min()) * width, key)
    return cells
