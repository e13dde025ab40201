"""The variance of a weighted sum under Poisson sampling of whole conversations.

Design (DESIGN §6): one uniform number u a conversation, a record is in when u < pi of its stratum. So two
records of one conversation are in together with probability pi_ij = min(pi_i, pi_j); two conversations are
independent. With z_i = e_i / pi_i, the Horvitz-Thompson variance estimator (Särndal, Swensson and Wretman
1992, Result 2.8.1) of the total of e is

    sum_c sum_{i,j in c} (pi_ij - pi_i pi_j) / pi_ij * z_i z_j
        =  sum_c sum_{i,j in c} (1 - max(pi_i, pi_j)) z_i z_j

since pi_i pi_j / min(pi_i, pi_j) = max(pi_i, pi_j). The kernel 1 - max is positive semi-definite: the
estimate is never negative, and exactly 0 where all pi are 1.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


def cluster_order(conversation: Ints, pi: Floats) -> Ints:
    """Give the order, shape (n,), that puts records by conversation and, inside one, by rising pi."""
    return np.lexsort((pi, conversation)).astype(np.int64, copy=False)


def cluster_index(conversation: Ints) -> Ints:
    """Number the conversations 0, 1, ... along an array in `cluster_order`, shape (n,)."""
    if conversation.size == 0:
        return np.zeros(0, dtype=np.int64)
    steps = np.empty(conversation.size, dtype=np.int64)
    steps[0] = 0
    np.not_equal(conversation[1:], conversation[:-1], out=steps[1:], casting="unsafe")
    return np.cumsum(steps)


def pair_sum(z: Floats, factor: Floats, cluster: Ints) -> float:
    """Sum factor of the later record times z_i z_j over all ordered pairs, i = j included, in each cluster.

    All three have shape (n,) and lie in `cluster_order`, so "the later" is the record with the larger pi:
    `factor = 1 - pi` gives the design variance above, `factor = pi` the Horvitz-Thompson estimate of
    sum_c (sum_{i in c} e_i)^2 (a pair's weight 1/min(pi_i, pi_j) is max(pi_i, pi_j) / (pi_i pi_j)), and
    `factor = 1` the plain sum of squared cluster totals. O(n): a running sum inside each cluster.
    """
    if z.size == 0:
        return 0.0
    before = np.cumsum(z) - z
    first = np.flatnonzero(np.diff(cluster, prepend=-1))
    before -= before[first][cluster]
    return float(np.sum(factor * z * (z + 2.0 * before)))


def cluster_sums(values: Floats, cluster: Ints) -> Floats:
    """Give the total of `values` in each cluster, shape (clusters,)."""
    return np.bincount(cluster, weights=values).astype(np.float64, copy=False)


def kish_size(totals: Floats) -> float:
    """Give (sum w)^2 / sum w^2 (Kish 1965): how many equal weights are as good as these; 0 for none."""
    squares = float(np.sum(totals * totals))
    return float(np.sum(totals)) ** 2 / squares if squares > 0.0 else 0.0
