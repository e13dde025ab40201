"""Where work was cut off: of records that are worked off in random order, those before the gap are a smaller draw.

A record that was drawn with chance pi because its number u was below pi has rank u / pi, which is uniform in [0, 1)
among what was drawn. Work is done in the order of rank. If a budget or an outage cuts it off, what has a rank below
that of the first record left undone was drawn with chance pi times that rank (sequential Poisson sampling: Ohlsson
1998; given the ranks of the others the chance is exact: Duffield, Lund and Thorup 2007), and the records behind it are
simply not drawn. So they need no worst-case bounds, which a budget that is spent at noon would make useless.

Gaps need not be a tail: a record can be on its way, or stuck. Leaving out what stands behind it may cost more than the
bounds for it. So of all ranks before which to cut, and of not cutting at all, that is chosen which promises the
shortest interval for a rate of one in ten: share of undone records + 2 * 1.96 * sqrt(0.09 / done). It depends on what
is done and never on what was found.

Assumes that whether a record is done does not depend on what would be found in it, given its rank. Fails where a kind
of record is never done: such a record is a gap, before or behind the cut, and is counted.
"""

import numpy as np

from monitor.estimate.terms import Bools
from monitor.estimate.variance import Floats, Ints

SPREAD = 2.0 * 1.96 * 0.3


def cuts(rank: Floats, done: Bools, group: Ints, groups: int) -> Floats:
    """Give for each group of records, by code, the rank before which to cut, shape (groups,): 1.0 = nothing is cut.

    `rank` (n,) in [0, 1]; a record is kept where its rank is below the cut of its group (all are where it is 1.0), and
    its chance is multiplied by it. Pure.
    """
    found = np.ones(groups)
    for one in np.unique(group[~done]):
        mine = group == one
        found[one] = _cut(rank[mine], done[mine])
    return found


def _cut(rank: Floats, done: Bools) -> float:
    order = np.argsort(rank, kind="stable")
    ranks, ready = rank[order], np.concatenate([[0], np.cumsum(done[order])])
    gaps = np.unique(ranks[~done[order]])
    # Equal ranks, of turns of one conversation, stay together: all before the gap's rank, none at it.
    kept = np.append(np.searchsorted(ranks, gaps, side="left"), ranks.size)
    have = ready[kept]
    width = np.where(have > 0, (kept - have) / np.maximum(kept, 1) + SPREAD / np.sqrt(np.maximum(have, 1)), np.inf)
    # Ties go to the larger part.
    best = int(width.size - 1 - np.argmin(width[::-1]))
    return 1.0 if best == gaps.size or not np.isfinite(width[best]) else float(gaps[best])
