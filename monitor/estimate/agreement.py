"""How far raters agree: judges with each other, judges with humans, two at a time or many.

Raw agreement is the share of pairs with equal labels. The three coefficients (formulas and sources in `kappa`)
correct it for chance and can tell different stories: where nearly all answers are of one class, Cohen's kappa and
Krippendorff's alpha fall although raters hardly ever differ, Gwet's AC1 does not. All are given.

Intervals: the share by Clopper-Pearson at the effective size, the coefficients by a bootstrap of whole groups, bias-
corrected and accelerated (`agreement_bootstrap`). Measures with one rater as the reference: `agreement_reference`.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.estimate.agreement_bootstrap import resample
from monitor.estimate.agreement_figures import Figure, coefficient, share
from monitor.estimate.kappa import Weights, cohen_kappa, disagreement, gwet_ac1, krippendorff_alpha
from monitor.estimate.variance import Floats, Ints

__all__ = ["DRAWS", "MAX_CATEGORIES", "SEED", "Agreement", "Figure", "Ratings", "agreement", "ratings"]

DRAWS = 2_000
SEED = 7

MAX_CATEGORIES = 16
"""More labels than this are to be joined first: tables of them are mostly empty."""

MISSING = -1

_ONE_CLASS = "one class only: there is nothing to tell apart by chance"
_NO_PAIRS = "no item was rated twice"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ratings:
    """Labels of n items by two raters or more.

    Raises:
        ValueError: shapes that do not fit, a code that is no category, no category or more than MAX_CATEGORIES.
    """

    codes: Ints
    """Shape (n, raters): index into `categories`, or MISSING."""
    group: Ints
    """Shape (n,): items that are alike (a conversation, a question) share a number."""
    categories: tuple[str, ...]
    """Every label that could be given, used or not; from least to most where `ordered`."""
    ordered: bool = False

    def __post_init__(self) -> None:
        """Refuse what would be counted wrongly."""
        if self.codes.ndim != 2 or self.codes.shape[1] < 2 or self.group.shape != self.codes.shape[:1]:
            raise ValueError(
                f"codes (n, raters >= 2) and group (n,) do not fit: {self.codes.shape}, {self.group.shape}"
            )
        if not 1 <= len(self.categories) <= MAX_CATEGORIES:
            raise ValueError(f"{len(self.categories)} categories, need 1 to {MAX_CATEGORIES}: join rare ones")
        if len(set(self.categories)) < len(self.categories):
            raise ValueError("two categories have the same name")
        if self.codes.size and not MISSING <= self.codes.min() <= self.codes.max() < len(self.categories):
            raise ValueError("a code is no category")


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """All figures of one comparison. Kappas are for two raters only, weighted and ordinal ones for ordered labels."""

    n: int
    """Items with two ratings or more."""
    missing: int
    """Items with fewer: left out, except from the shares of AC1 where there are more than two raters."""
    groups: int
    raters: int
    categories: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    """Two raters: items by (first's label, second's); empty for more."""
    raw: Figure
    """More than two raters: the mean over items of the share of rater pairs with equal labels."""
    kappa: Figure
    kappa_linear: Figure
    kappa_quadratic: Figure
    ac1: Figure
    alpha: Figure
    alpha_ordinal: Figure
    confidence: float
    draws: int
    seed: int


def ratings(
    labels: Sequence[Sequence[str | None]],
    group: Sequence[Hashable],
    *,
    categories: Sequence[str],
    ordered: bool = False,
) -> Ratings:
    """Build `Ratings` from one sequence of labels a rater (None = missing) and one group name an item.

    Raises:
        ValueError: a label is none of `categories`, or lengths differ.
    """
    code = {name: i for i, name in enumerate(categories)}
    unknown = sorted({label for rater in labels for label in rater if label is not None} - set(code))
    if unknown:
        raise ValueError(f"labels that are no category: {', '.join(unknown[:5])}")
    if {len(rater) for rater in labels} - {len(group)}:
        raise ValueError("each rater needs one label or None an item, and each item one group")
    columns = [np.array([MISSING if one is None else code[one] for one in rater], dtype=np.int64) for rater in labels]
    number: dict[Hashable, int] = {}
    groups = np.array([number.setdefault(name, len(number)) for name in group], dtype=np.int64)
    return Ratings(codes=np.stack(columns, axis=1), group=groups, categories=tuple(categories), ordered=ordered)


def agreement(rated: Ratings, *, confidence: float = 0.95, draws: int = DRAWS, seed: int = SEED) -> Agreement:
    """Compute every figure that the raters and the labels allow; pure, 100,000 pairs in about a second.

    Symmetric in the raters. The interval does not depend on the order of items or the numbers of groups.
    """
    q, raters = len(rated.categories), rated.codes.shape[1]
    paired = np.count_nonzero(rated.codes != MISSING, axis=1) >= 2
    two = raters == 2
    if two:
        # A lone label of a pair says nothing: Gwet's shares too are those of the pairs.
        codes, group = rated.codes[paired], rated.group[paired]
    else:
        some = np.any(rated.codes != MISSING, axis=1)
        codes, group = rated.codes[some], rated.group[some]
    sums, kind = _pair_kinds(codes, q) if two else _count_kinds(codes, q)
    data = resample(kind, sums, group, draws=draws, seed=seed)

    if two:
        raw = share(codes[:, 0] == codes[:, 1], group, confidence=confidence, nothing=_NO_PAIRS)
    else:
        raw = coefficient(
            lambda s: np.divide(s[..., 0], s[..., 1], out=np.full(s.shape[:-1], np.nan), where=s[..., 1] > 0.0),
            data,
            confidence=confidence,
            undefined=_NO_PAIRS,
            agreed_low=_agreed_low(rated, paired, confidence),
        )
    undefined = _ONE_CLASS if paired.any() else _NO_PAIRS
    if q < 2:
        undefined = "one category only: labels could not differ"

    def cohen(weights: Weights) -> Figure:
        if not two:
            return Figure(value=None, reason="for two raters only")
        if weights != "none" and not rated.ordered:
            return Figure(value=None, reason="the labels have no order")
        return coefficient(
            lambda s: cohen_kappa(_table(s, q), weights),
            data,
            confidence=confidence,
            undefined=undefined,
            agreed_low=raw.low,
            largest=lambda s: _worst_kappa(_table(s, q), disagreement(q, weights)),
        )

    def alpha(*, ordinal: bool) -> Figure:
        if ordinal and not rated.ordered:
            return Figure(value=None, reason="the labels have no order")
        return coefficient(
            lambda s: krippendorff_alpha(_coincidence(s, q), ordinal=ordinal),
            data,
            confidence=confidence,
            undefined=undefined,
            agreed_low=raw.low,
            largest=lambda s: _worst_alpha(_coincidence(s, q), ordinal=ordinal),
        )

    table = _table(data.total, q).round().astype(int) if two else np.zeros((0, 0), dtype=int)
    return Agreement(
        n=int(np.count_nonzero(paired)),
        missing=int(np.count_nonzero(~paired)),
        groups=int(np.unique(rated.group[paired]).size),
        raters=raters,
        categories=rated.categories,
        table=tuple(tuple(int(cell) for cell in row) for row in table),
        raw=raw,
        kappa=cohen("none"),
        kappa_linear=cohen("linear"),
        kappa_quadratic=cohen("quadratic"),
        ac1=coefficient(
            lambda s: gwet_ac1(s[..., 0], s[..., 1], s[..., 3 : 3 + q], s[..., 2]),
            data,
            confidence=confidence,
            undefined=undefined,
            agreed_low=raw.low,
            largest=lambda s: _worst_ac1(s, q),
        ),
        alpha=alpha(ordinal=False),
        alpha_ordinal=alpha(ordinal=True),
        confidence=confidence,
        draws=draws,
        seed=seed,
    )


# A record's sums: share of equal pairs, 1 if paired, 1 if rated, q shares of labels, q * q coincidences and, for two
# raters, the q * q cells of the table.


def _pair_kinds(codes: Ints, q: int) -> tuple[Floats, Ints]:
    first, second = np.divmod(np.arange(q * q), q)
    unit = np.eye(q)
    table = np.eye(q * q)
    coincidence = table + table[second * q + first]
    shares = (unit[first] + unit[second]) / 2.0
    ones = np.ones((q * q, 2))
    return np.hstack([(first == second)[:, None], ones, shares, coincidence, table]), codes[:, 0] * q + codes[:, 1]


def _count_kinds(codes: Ints, q: int) -> tuple[Floats, Ints]:
    counts = np.stack([np.count_nonzero(codes == label, axis=1) for label in range(q)], axis=1)
    kinds, kind = np.unique(counts, axis=0, return_inverse=True)
    size = kinds.sum(axis=1).astype(np.float64)
    pairs = np.maximum(size * (size - 1.0), 1.0)
    equal = (kinds * (kinds - 1)).sum(axis=1) / pairs
    ordered_pairs = kinds[:, :, None] * kinds[:, None, :] - kinds[:, :, None] * np.eye(q)
    coincidence = (ordered_pairs / np.maximum(size - 1.0, 1.0)[:, None, None]).reshape(len(kinds), q * q)
    columns = [equal[:, None], (size >= 2)[:, None], np.ones((len(kinds), 1)), kinds / size[:, None], coincidence]
    return np.hstack(columns), kind.reshape(-1)


def _coincidence(sums: Floats, q: int) -> Floats:
    return sums[..., 3 + q : 3 + q + q * q].reshape(*sums.shape[:-1], q, q)


def _table(sums: Floats, q: int) -> Floats:
    return sums[..., 3 + q + q * q :].reshape(*sums.shape[:-1], q, q)


def _agreed_low(rated: Ratings, paired: npt.NDArray[np.bool_], confidence: float) -> float | None:
    """Low limit of the share of items on which all agree: what is left to chance when all of them were."""
    codes = rated.codes[paired]
    shown = np.where(codes == MISSING, codes.max(axis=1, initial=MISSING, keepdims=True), codes)
    all_agree = np.all(shown == shown[:, :1], axis=1)
    return share(all_agree, rated.group[paired], confidence=confidence, nothing=_NO_PAIRS).low


def _worst_kappa(table: Floats, cost: Floats) -> float:
    size = table.sum()
    return float(cost.max() * size**2 / np.sum(cost * np.outer(table.sum(axis=1), table.sum(axis=0))))


def _worst_alpha(coincidence: Floats, *, ordinal: bool) -> float:
    totals = coincidence.sum(axis=1)
    rank = np.cumsum(totals) - totals / 2.0
    cost = (rank[:, None] - rank[None, :]) ** 2 if ordinal else 1.0 - np.eye(totals.size)
    return float(cost.max() * totals.sum() ** 2 / np.sum(cost * np.outer(totals, totals)))


def _worst_ac1(sums: Floats, q: int) -> float:
    share_of = sums[3 : 3 + q] / sums[2]
    return float(1.0 / (1.0 - np.sum(share_of * (1.0 - share_of)) / (q - 1)))
