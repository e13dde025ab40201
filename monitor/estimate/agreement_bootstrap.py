"""Cluster bootstrap of statistics that are functions of sums; the same data and seed give the same interval.

Whole groups (conversations, questions) are drawn with replacement, since answers to one question are alike. Groups
with the same content are interchangeable, so what is drawn is how many of each distinct content there are, a
multinomial: exactly the cluster bootstrap, in a time that does not depend on the number of equal groups.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse, special

from monitor.estimate.variance import Floats, Ints

MIN_GROUPS = 10
"""Fewer tell too little about how groups differ: no interval."""

MAX_UNDEFINED = 0.05
"""Share of resamplings in which a statistic may be undefined; they are left out."""

_CHUNK = 4_000_000


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Resampled:
    """Sums over all records, over each resampling, and without one group."""

    total: Floats
    """Shape (s,)."""
    draws: Floats
    """Shape (draws, s)."""
    without: Floats
    """Shape (contents, s): the sums without one group of each distinct content."""
    count: Floats
    """Shape (contents,): groups of each content."""

    @property
    def groups(self) -> int:
        """Number of groups."""
        return int(self.count.sum())


def resample(kind: Ints, sums: Floats, group: Ints, *, draws: int, seed: int) -> Resampled:
    """Draw groups of records; record i adds the row `sums[kind[i]]`, shape (kinds, s), and belongs to `group[i]`.

    Does not depend on the order of records or on the numbers of groups. With fewer than MIN_GROUPS groups nothing
    is drawn.
    """
    present, kind = np.unique(kind, return_inverse=True)
    order = np.lexsort((kind, group))
    kind, group = kind[order], group[order]
    first = np.flatnonzero(np.diff(group, prepend=group[:1] - 1)) if group.size else np.zeros(0, dtype=np.int64)
    # A group's content as the sum of one random 64-bit number a record: equal contents give equal sums.
    marks = np.random.default_rng(0).integers(0, 2**64, size=present.size, dtype=np.uint64)
    content = np.add.reduceat(marks[kind], first) if group.size else np.zeros(0, dtype=np.uint64)
    _, example, count = np.unique(content, return_index=True, return_counts=True)
    ends = np.append(first, group.size)
    start, stop = ends[example], ends[example + 1]
    members = np.repeat(np.arange(example.size), stop - start)
    inside = np.repeat(start - np.cumsum(stop - start) + (stop - start), stop - start) + np.arange(members.size)
    filled = (np.ones(members.size), (members, kind[inside]))
    each = np.asarray(sparse.coo_array(filled, shape=(example.size, present.size)).tocsr() @ sums[present])

    total = count.astype(np.float64) @ each
    groups = int(count.sum())
    drawn = np.zeros((0, sums.shape[1]))
    if groups >= MIN_GROUPS:
        random = np.random.default_rng(seed)
        step = max(1, _CHUNK // count.size)
        sizes = [min(step, draws - done) for done in range(0, draws, step)]
        parts = [_times_drawn(random, count, size).astype(np.float64) @ each for size in sizes]
        drawn = np.concatenate(parts)
    return Resampled(total=total, draws=drawn, without=total - each, count=count.astype(np.float64))


def bca(statistic: Callable[[Floats], Floats], data: Resampled, *, confidence: float) -> tuple[float, float] | str:
    """Give the BCa interval (Efron 1987; DiCiccio and Efron 1996) of `statistic`, or the reason why there is none.

    `statistic` maps sums (..., s) to values (...,), NaN where it is undefined. The acceleration is from the jackknife
    over groups (Efron and Tibshirani 1993, equation 14.15).
    """
    value = float(statistic(data.total))
    if data.groups < MIN_GROUPS:
        return f"{data.groups} groups are too few to say how they vary (at least {MIN_GROUPS})"
    drawn = statistic(data.draws)
    known = np.sort(drawn[~np.isnan(drawn)])
    if known.size < (1.0 - MAX_UNDEFINED) * drawn.size:
        return "one class is so rare that it is missing from many resamplings"
    # Sums in another order differ in the last bits: these are no differences.
    below = np.count_nonzero(known < value - 1e-12) + 0.5 * np.count_nonzero(np.abs(known - value) <= 1e-12)
    shift = float(special.ndtri(np.clip(below / known.size, 0.5 / known.size, 1.0 - 0.5 / known.size)))
    acceleration = _acceleration(statistic(data.without), data.count)
    limits = []
    for tail in ((1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0):
        moved = shift + float(special.ndtri(tail))
        level = float(special.ndtr(shift + moved / max(1.0 - acceleration * moved, 0.1)))
        limits.append(float(np.quantile(known, level)))
    return min(limits[0], value), max(limits[1], value)


def _times_drawn(random: np.random.Generator, count: Ints, draws: int) -> Ints:
    """Give how often each content is drawn, shape (draws, contents)."""
    groups = int(count.sum())
    if count.size < groups / 8:
        return random.multinomial(groups, count / groups, size=draws)
    # With hardly any equal contents, drawing the groups one by one is the faster way to the same.
    owner = np.repeat(np.arange(count.size), count)
    drawn = owner[random.integers(0, groups, size=(draws, groups))]
    drawn += np.arange(draws)[:, None] * count.size
    return np.bincount(drawn.reshape(-1), minlength=draws * count.size).reshape(draws, count.size)


def _acceleration(without: Floats, count: Floats) -> float:
    known = ~np.isnan(without)
    if not known.any():
        return 0.0
    count, without = count[known], without[known]
    apart = np.average(without, weights=count) - without
    spread = float(np.sum(count * apart**2))
    return float(np.sum(count * apart**3)) / (6.0 * spread**1.5) if spread > 1e-24 else 0.0
