"""Chance-corrected agreement as functions of sums, for one table or for thousands of resampled ones at once.

All take float arrays whose last axes are categories and keep the axes before them; NaN where a coefficient is
not defined (nothing rated, one class only). `agreement` turns that into a reason for people.

Each has the form 1 - observed / expected disagreement; they differ in what they expect by chance.
"""

from typing import Literal, TypeAlias

import numpy as np

from monitor.estimate.variance import Floats

Weights: TypeAlias = Literal["none", "linear", "quadratic"]


def disagreement(categories: int, weights: Weights) -> Floats:
    """Give how much two labels disagree, shape (q, q), largest 1: |i - j| or its square over that of the ends.

    Cohen 1968, with Cicchetti and Allison's linear and Fleiss and Cohen's quadratic weights; "none" is 0 or 1.
    """
    step = np.arange(categories, dtype=np.float64)
    apart = np.abs(step[:, None] - step[None, :]) / max(categories - 1, 1)
    if weights == "linear":
        return apart
    return apart**2 if weights == "quadratic" else np.where(apart > 0.0, 1.0, 0.0)


def raw_agreement(table: Floats) -> Floats:
    """Give the share of pairs with the same label; `table` (..., q, q) counts pairs by (first, second)."""
    return _ratio(np.trace(table, axis1=-2, axis2=-1), np.sum(table, axis=(-2, -1)))


def cohen_kappa(table: Floats, weights: Weights = "none") -> Floats:
    """Give Cohen's kappa (1960), weighted (1968): chance is the product of the two raters' own shares."""
    first, second = table.sum(axis=-1), table.sum(axis=-2)
    cost = disagreement(table.shape[-1], weights)
    observed = np.sum(table * cost, axis=(-2, -1)) * first.sum(axis=-1)
    expected = np.sum((first @ cost) * second, axis=-1)
    return 1.0 - _ratio(observed, expected)


def gwet_ac1(same: Floats, paired: Floats, shares: Floats, rated: Floats) -> Floats:
    """Give Gwet's AC1 (2008, equations 5 and 17), for two raters or more.

    `same` (...,) sums over items the share of rater pairs with the same label, `paired` counts these items (two
    ratings or more), `shares` (..., q) sums each item's shares of the labels, `rated` counts items with a rating.
    Chance is sum_k p_k (1 - p_k) / (q - 1), with q every category that could be chosen, used or not.
    """
    categories = shares.shape[-1]
    if categories < 2:
        return np.full(same.shape, np.nan)
    share = _ratio(shares, rated[..., None])
    chance = np.sum(share * (1.0 - share), axis=-1) / (categories - 1)
    return 1.0 - _ratio(1.0 - _ratio(same, paired), 1.0 - chance)


def krippendorff_alpha(coincidence: Floats, *, ordinal: bool = False) -> Floats:
    """Give Krippendorff's alpha (2011, sections C and D) from a coincidence matrix, shape (..., q, q).

    An item with m >= 2 ratings adds each ordered pair of them with weight 1 / (m - 1). Chance pairs any two of
    the n pairable ratings. Nominal: labels differ or not. Ordinal: the squared number of ratings between two
    labels, halves of their own included.
    """
    totals = coincidence.sum(axis=-1)
    size = totals.sum(axis=-1)
    if ordinal:
        rank = np.cumsum(totals, axis=-1) - totals / 2.0
        cost = (rank[..., :, None] - rank[..., None, :]) ** 2
    else:
        cost = 1.0 - np.eye(coincidence.shape[-1])
    observed = np.sum(coincidence * cost, axis=(-2, -1)) * (size - 1.0)
    expected = np.sum(totals[..., :, None] * totals[..., None, :] * cost, axis=(-2, -1))
    return 1.0 - _ratio(observed, expected)


def f1(table: Floats) -> Floats:
    """Give 2 tp / (2 tp + fp + fn); `table` (..., 2, 2) by (judge, reference), 1 = positive."""
    hits = 2.0 * table[..., 1, 1]
    return _ratio(hits, hits + table[..., 1, 0] + table[..., 0, 1])


def _ratio(above: Floats, below: Floats) -> Floats:
    """Divide; NaN where there is nothing to divide by."""
    above, below = np.broadcast_arrays(np.asarray(above, np.float64), np.asarray(below, np.float64))
    found: Floats = np.full(above.shape, np.nan)
    np.divide(above, below, out=found, where=below > 0.0)
    return found
