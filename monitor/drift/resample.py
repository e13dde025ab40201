"""Turns a weighted sample into an unweighted one, for tools that cannot weigh."""

import numpy as np

from monitor.estimate.variance import Floats, Ints


def effective_size(probability: Floats) -> int:
    """Give how many equally weighted rows tell as much: (sum w)^2 / sum w^2 with w = 1 / probability (Kish 1965)."""
    if not len(probability):
        return 0
    weight = 1 / probability
    return round(float(weight.sum() ** 2 / (weight**2).sum()))


def representative_rows(probability: Floats, rng: np.random.Generator) -> Ints:
    """Draw `effective_size` row numbers, in proportion to 1 / probability.

    The draw is systematic (one random start, equal steps): rows of equal probability come back once each, so
    unlike a bootstrap it adds no noise of its own where there is nothing to correct.
    """
    size = effective_size(probability)
    ends = np.cumsum(1 / probability)
    points = (np.arange(size) + rng.random()) * (ends[-1] / size if size else 0.0)
    return np.minimum(np.searchsorted(ends, points, side="right"), len(ends) - 1).astype(np.int64)
