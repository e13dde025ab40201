"""Weighted records of one mean: its rate, its variance and, per group of similar pi, the part of an interval."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.estimate.intervals import Part, effective_size
from monitor.estimate.terms import Target
from monitor.estimate.variance import Floats, Ints, cluster_index, cluster_sums, kish_size, pair_sum


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Records:
    """Complete values in `cluster_order`, shapes (n,); the weights sum to 1."""

    value: Floats
    pi: Floats
    cluster: Ints
    cell: Ints
    weight: Floats
    residual: Floats | None = None
    """What varies from sample to sample, where it is not the value: the value less what a classifier foretold."""
    foreseen: float = 1.0
    """How many times more records than these the residual's variance may be worth, at most."""

    def part(self, inside: npt.NDArray[np.bool_]) -> "Records":
        """Keep the records `inside`, their weights scaled to sum to 1 again."""
        weight = self.weight[inside]
        return Records(
            value=self.value[inside],
            pi=self.pi[inside],
            cluster=cluster_index(self.cluster[inside]),
            cell=self.cell[inside],
            weight=weight / weight.sum(),
            residual=None if self.residual is None else self.residual[inside],
            foreseen=self.foreseen,
        )

    def rate(self) -> float:
        """Give the weighted mean of the values."""
        return min(max(float(np.sum(self.weight * self.value)), 0.0), 1.0)

    def variance(self, target: Target) -> float:
        """Estimate the variance of the rate; residuals are taken from the means of the cells."""
        value = self.value if self.residual is None else self.residual
        share = np.bincount(self.cell, weights=self.weight)
        total = np.bincount(self.cell, weights=self.weight * value)
        mean = total / np.where(share > 0.0, share, 1.0)
        design = pair_sum(self.weight * (value - mean[self.cell]), 1.0 - self.pi, self.cluster)
        if target == "window":
            return design
        # Horvitz-Thompson can fall below 0 where the records of a conversation have unlike probabilities.
        whole = float(np.sum(self.weight * value))
        return design + max(0.0, pair_sum(self.weight * (value - whole), self.pi, self.cluster))

    def interval_part(self, inside: npt.NDArray[np.bool_], confidence: float, target: Target) -> Part:
        """Give the rate, variance and effective size of the records `inside`, with their share of all."""
        share = float(self.weight[inside].sum())
        records = self.part(inside)
        variance = records.variance(target)
        count = records.value.size
        clusters = kish_size(cluster_sums(records.weight, records.cluster))
        weights_size, ceiling = clusters, float(count)
        if target == "window":
            # The same two sizes with the finite-population correction 1 - pi; infinite where all pi are 1.
            unexplained = pair_sum(records.weight, 1.0 - records.pi, records.cluster)
            weights_size = 1.0 / unexplained if unexplained > 0.0 else math.inf
            chance = float(np.sum(records.weight * (1.0 - records.pi)))
            ceiling = count / chance if chance > 0.0 else math.inf
        having = cluster_sums(records.value, records.cluster)
        lacking = cluster_sums(1.0 - records.value, records.cluster)
        size = effective_size(
            rate=records.rate(),
            variance=variance,
            records=count,
            clusters=clusters,
            informative=int(min(np.count_nonzero(having), np.count_nonzero(lacking))),
            weights_size=min(weights_size, ceiling),
            ceiling=ceiling * self.foreseen,
            confidence=confidence,
        )
        return Part(share=share, rate=records.rate(), variance=variance, size=size)
