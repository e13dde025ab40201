"""How far two spans lie apart by chance: distances, and the threshold that chance alone seldom passes.

A fixed threshold on a distance cries wolf on small samples, and a textbook p-value does on conversations, whose turns
resemble each other. So whole conversations are dealt anew to the two sides, and the distance is taken again.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from scipy.special import rel_entr

from monitor.estimate.terms import Bools
from monitor.estimate.variance import Floats, Ints

Distance: TypeAlias = Callable[[Bools], float]
"""Gives the distance between the rows that are true (the reference) and the others (current)."""

SMALLEST_SPREAD = 0.001
"""Evidently's own floor of the standard deviation that it divides by."""
ROUNDS = 499


def wasserstein(values: Floats) -> Distance:
    """Give the first Wasserstein distance over the reference's standard deviation, as evidently's `wasserstein`."""
    order = np.argsort(values, kind="stable")
    centred = values[order] - values.mean()
    squares, gaps = centred**2, np.diff(centred)

    def distance(is_reference: Bools) -> float:
        inside = is_reference[order].astype(np.float64)
        n = float(inside.sum())
        rest = len(values) - n
        moved = np.cumsum(inside * (1 / n + 1 / rest) - 1 / rest)[:-1]
        variance = float(inside @ squares) / n - (float(inside @ centred) / n) ** 2
        return float(np.abs(moved) @ gaps) / max(math.sqrt(max(variance, 0.0)), SMALLEST_SPREAD)

    return distance


def jensen_shannon(codes: Ints) -> Distance:
    """Give the Jensen-Shannon distance (natural logarithm, square root), as evidently's `jensenshannon`."""
    total = np.bincount(codes)

    def distance(is_reference: Bools) -> float:
        inside = np.bincount(codes, weights=is_reference)
        p, q = inside / inside.sum(), (total - inside) / (total - inside).sum()
        middle = (p + q) / 2
        return math.sqrt(max(0.0, float(rel_entr(p, middle).sum() + rel_entr(q, middle).sum()) / 2))

    return distance


def chance_threshold(
    distance: Distance,
    is_reference: Bools,
    conversation: Ints,
    *,
    level: float,
    rng: np.random.Generator,
) -> float:
    """Give a distance that spans of one distribution reach with a chance of at most `level`.

    A permutation test over conversations, with the observed deal counted among the rounds (Phipson and Smyth 2010).
    `conversation` numbers the conversations 0, 1, ...; each lies on one side, and both sides have some.
    """
    conversations = int(conversation.max()) + 1
    in_reference = len(np.unique(conversation[is_reference]))
    rounds = max(ROUNDS, math.ceil(1 / level))
    distances = []
    for _ in range(rounds):
        dealt = np.zeros(conversations, dtype=np.bool_)
        dealt[rng.choice(conversations, in_reference, replace=False, shuffle=False)] = True
        distances.append(distance(dealt[conversation]))
    chance = sorted(distances, reverse=True)
    allowed = math.floor(level * (rounds + 1) + 1e-9) - 1
    # Just above: evidently says drift at the threshold itself, and a tie with chance is none.
    return chance[allowed] * (1 + 1e-6) + 1e-9
