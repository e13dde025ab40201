"""The records of one rate in the groups that carry its means and its interval: every term of `rates.weighted_rate`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitor.estimate.cells import Cells, segment_cells, window_cells
from monitor.estimate.intervals import Part, combine
from monitor.estimate.records import Records
from monitor.estimate.terms import SampleTerms, StratumTotal, Target
from monitor.estimate.variance import Ints, cluster_index, cluster_order, cluster_sums, kish_size


@dataclass(frozen=True, kw_only=True, slots=True)
class CellMean:
    """Strata that share a mean; the rate is the sum of `share * mean`."""

    strata: tuple[int, ...]
    """Codes of the strata whose records are in it; empty for a segment."""
    n: int
    n_scored: int
    share: float
    """Of the population that something scored stands for; these sum to 1."""
    mean: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """The interval with every missing verdict taken as `fill`; of its parts each has records of similar pi."""

    fill: float
    rate: float
    low: float
    high: float
    variance: float
    size: float
    """Effective number of independent records."""
    parts: tuple[Part, ...]


class Grouped:
    """n >= 1 records in `cluster_order`, of which one at least is scored; records without a verdict are NaN.

    `population` as in `rates.weighted_rate`, or None for a segment.
    """

    def __init__(self, terms: SampleTerms, population: Sequence[StratumTotal] | None) -> None:
        """Sort and group; O(n log n)."""
        order = cluster_order(terms.conversation, terms.pi)
        self._pi, self._cluster = terms.pi[order], cluster_index(terms.conversation[order])
        self._value, self._stratum = terms.value[order], None if population is None else terms.stratum[order]
        self.cells: Cells = (
            segment_cells(self._pi)
            if population is None or self._stratum is None
            else window_cells(
                stratum=self._stratum,
                pi=self._pi,
                cluster=self._cluster,
                totals=np.array([total.population for total in population], dtype=np.float64),
            )
        )

    @property
    def fills(self) -> tuple[float, ...]:
        """What missing verdicts are taken for, for the low limit and the high one: one value where none is missing."""
        return (0.0, 1.0) if np.isnan(self._value).any() else (0.0,)

    def means(self) -> list[CellMean]:
        """Give the cells with a scored record; a cell without one takes the others' mean, so it has no share."""
        cell, weight = self.cells.cell, self.cells.weight
        scored = ~np.isnan(self._value)
        found, compact = np.unique(cell, return_inverse=True)
        share = np.bincount(compact, weights=weight)
        known = np.bincount(compact[scored], weights=weight[scored], minlength=found.size)
        total = np.bincount(compact[scored], weights=(weight * self._value)[scored], minlength=found.size)
        records, values = np.bincount(compact), np.bincount(compact[scored], minlength=found.size)
        there = known > 0.0
        whole = float(np.sum(share[there]))
        return [
            CellMean(
                strata=self._strata(compact, int(at)),
                n=int(records[at]),
                n_scored=int(values[at]),
                share=float(share[at]) / whole,
                mean=float(total[at] / known[at]),
            )
            for at in np.flatnonzero(there)
        ]

    def bound(self, fill: float, confidence: float, target: Target) -> Bound:
        """Give the interval with every missing verdict taken as `fill`."""
        records = Records(
            value=np.nan_to_num(self._value, nan=fill),
            pi=self._pi,
            cluster=self._cluster,
            cell=self.cells.cell,
            weight=self.cells.weight,
        )
        group = self.cells.group
        parts = tuple(records.interval_part(group == one, confidence, target) for one in np.unique(group))
        variance = records.variance(target)
        low, high = combine(parts, variance=variance, confidence=confidence)
        size = _joint_size(parts, variance, kish_size(cluster_sums(records.weight, records.cluster)))
        return Bound(fill=fill, rate=records.rate(), low=low, high=high, variance=variance, size=size, parts=parts)

    def _strata(self, compact: Ints, at: int) -> tuple[int, ...]:
        if self._stratum is None:
            return ()
        return tuple(int(code) for code in np.unique(self._stratum[compact == at]))


def _joint_size(parts: Sequence[Part], variance: float, fallback: float) -> float:
    """Give the effective size of the joined estimate; `fallback` where every group's rate is 0 or 1."""
    if len(parts) == 1:
        return parts[0].size
    rate = sum(part.share * part.rate for part in parts)
    own = sum(part.share**2 * part.rate * (1.0 - part.rate) / part.size for part in parts)
    separate = sum(part.share**2 * part.variance for part in parts)
    widened = own * max(1.0, variance / separate) if separate > 0.0 else own
    return rate * (1.0 - rate) / widened if widened > 0.0 else fallback
