"""Which records share a mean, and for how much of the population each mean stands."""

import math
from dataclasses import dataclass

import numpy as np

from monitor.estimate.variance import Floats, Ints

MIN_CONVERSATIONS = 20
"""A stratum with fewer sampled conversations is pooled with others: a mean of two records has no residual."""

PI_BASE = 4.0
"""Probabilities within this factor count as similar; unlike ones get intervals of their own."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cells:
    """How n records are grouped: cells carry the means, groups (in a window, of cells) the intervals."""

    cell: Ints
    """Shape (n,): cell of each record."""
    group: Ints
    """Shape (n,): group of each record, records with similar pi."""
    weight: Floats
    """Shape (n,): share of the represented population that a record stands for; sums to 1."""
    unobserved: float
    """Number of population records that no sampled record stands for."""
    collapsed: tuple[int, ...]
    """Codes of the strata without a mean of their own."""


def segment_cells(pi: Floats) -> Cells:
    """Treat all n >= 1 records as one cell of unknown size: weights 1 / pi over their sum (Hájek)."""
    inverse = 1.0 / pi
    return Cells(
        cell=np.zeros(pi.size, dtype=np.int64),
        group=pi_group(pi),
        weight=inverse / inverse.sum(),
        unobserved=0.0,
        collapsed=(),
    )


def window_cells(*, stratum: Ints, pi: Floats, cluster: Ints, totals: Floats) -> Cells:
    """Post-stratify n >= 1 records to the exact `totals`, shape (strata,).

    The rule for strata that are too small, applied in this order:
    1. A stratum with fewer than MIN_CONVERSATIONS sampled conversations is pooled with the other small strata
       of similar pi; if the pool is still too small it joins the largest stratum of similar pi; with no such
       stratum it stays alone, and its interval is as wide as its few conversations make it. Inside a pool
       records weigh 1 / pi, so the pool's mean is unbiased over samplings. Strata of unlike pi are never
       pooled: a few records of large weight would hide among many of small weight.
    2. A stratum without any sampled record lends its total to the pools of small strata, up to what these
       stand for by sum 1 / pi beyond their exact total (they are the sampled ones of many such strata).
    3. What is left is `unobserved`: nothing sampled stands for it. Weights ignore it; the caller widens.
    """
    strata = totals.size
    records = np.bincount(stratum, minlength=strata)
    estimated = np.bincount(stratum, weights=1.0 / pi, minlength=strata)
    conversations = np.bincount(np.unique(cluster * strata + stratum) % strata, minlength=strata)
    seen = records > 0
    level = np.full(strata, -1, dtype=np.int64)
    level[seen] = pi_group(records[seen] / estimated[seen])

    cell_of = np.arange(strata)
    pooled = np.zeros(strata, dtype=bool)
    for one in np.unique(level[seen]):
        alike = level == one
        small = np.flatnonzero(alike & (conversations < MIN_CONVERSATIONS))
        large = np.flatnonzero(alike & (conversations >= MIN_CONVERSATIONS))
        if small.size and large.size and conversations[small].sum() < MIN_CONVERSATIONS:
            cell_of[small] = large[np.argmax(conversations[large])]
        elif small.size:
            cell_of[small] = small[0]
            pooled[small[0]] = True

    size = np.bincount(cell_of, weights=np.where(seen, totals, 0.0), minlength=strata)
    stands_for = np.bincount(cell_of, weights=estimated, minlength=strata)
    empty = ~seen & (totals > 0.0)
    missing = float(totals[empty].sum())
    surplus = np.where(pooled, np.maximum(stands_for - size, 0.0), 0.0)
    lent = min(missing, float(surplus.sum()))
    if lent > 0.0:
        size = size + surplus * (lent / surplus.sum())

    cell = cell_of[stratum]
    alone = np.bincount(cell_of[seen], minlength=strata)[cell_of] == 1
    return Cells(
        cell=cell,
        group=level[cell],
        weight=(size / size.sum() / np.where(stands_for > 0.0, stands_for, 1.0))[cell] / pi,
        unobserved=missing - lent,
        collapsed=tuple(int(code) for code in np.flatnonzero(empty | (seen & ~alone))),
    )


def pi_group(pi: Floats) -> Ints:
    """Number the powers of PI_BASE that fit into 1 / pi: 0 for (1/4, 1], 1 for (1/16, 1/4], ..."""
    # The small addend keeps an exact power in its group whatever the rounding of log.
    return np.floor(-np.log(pi) / math.log(PI_BASE) + 1e-9).astype(np.int64)
