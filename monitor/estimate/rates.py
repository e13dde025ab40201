"""The rate of one dimension in one window or segment: design-weighted, with an interval and coverage.

Point estimate. In a window: sum_h N_h / N * (sum_i y_i / pi_i) / (sum_i 1 / pi_i), the post-stratified Hájek
mean with N_h exact from the ledger (Särndal, Swensson and Wretman 1992, chapters 5 and 7); strata too small
for a mean of their own follow the rule in `cells.window_cells`. In a segment whose N is unknown: one Hájek
ratio (same, chapter 10), with N estimated by sum 1 / pi and flagged.

Variance. Taylor-linearised residuals (same, chapter 5) in the Horvitz-Thompson variance of
`variance.pair_sum`, the conversation as the cluster. Two targets:

- `"process"`, the default: the rate of the process that made this window's traffic, each conversation a
  draw. It adds to the design variance that of the window's own rate around the process rate. With one
  stratum the sum is the usual between-conversation variance without a finite-population correction.
- `"window"`: the rate over exactly the records of the window. Only sampling is left to chance, so the
  interval has no width where all pi are 1.

The process is the default since that is what is asked when a rate is held against a limit, another window or
another model version, and because a width of 0 at pi = 1 would read as certainty about the bot. It covers the
window's own rate too, more often than `confidence` says, and the more so the larger pi is.

Interval. See `intervals`: per group of similar pi a Clopper-Pearson interval at the effective sample size
(Korn and Graubard 1998; compared by Dean and Pagano 2015 and Franco et al. 2019), the groups joined by
MOVER. It was chosen by simulated coverage against Wilson, Jeffreys and mid-p at the same sizes, and against
one effective size for all groups, which fails where a rare event sits among records of large weight.

Missing verdicts are bounds, never dropped: the low limit is that of the sample with every missing value 0,
the high limit with every missing value 1. The point estimate takes them as alike the scored ones of their
cell.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from monitor.estimate.grouped import Grouped
from monitor.estimate.terms import SampleTerms, StratumTotal, Target, with_absent

__all__ = ["RateEstimate", "SampleTerms", "StratumTotal", "Target", "weighted_rate"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RateEstimate:
    """A rate and all that is needed to judge it; with nothing scored `rate` is None, the interval (0, 1)."""

    rate: float | None
    low: float
    high: float
    sampling_low: float
    """The limits for chance alone, as if every missing verdict were like the others."""
    sampling_high: float
    confidence: float
    target: Target
    n_population: int
    n_population_estimated: bool
    """True for a segment, whose N is sum 1 / pi, rounded."""
    n_sampled: int
    n_scored: int
    n_unscored: int
    n_due: int
    """Sampled, no terminal verdict yet; includes what the ledger counts as sampled and has no row."""
    n_unobserved: int
    """Population records, in strata without a sample, that no sampled record stands for: taken as 0 for `low`
    and as 1 for `high`."""
    coverage: float | None
    """n_scored / n_sampled; None when nothing was sampled."""
    n_effective: float | None
    """Independent, equally weighted records that would give this variance, with the safeguards of
    `intervals.effective_size`; with missing verdicts the smaller of the two bounds' sizes. None when nothing
    is scored, and for the target "window" when nothing is left to chance."""
    design_effect: float | None
    """n_sampled / n_effective: what clusters and unequal probabilities cost; None with it."""
    collapsed: tuple[str, ...]
    """Names of the strata that were too small for a mean of their own."""
    method: str


def weighted_rate(
    terms: SampleTerms,
    population: Sequence[StratumTotal] | None,
    *,
    confidence: float = 0.95,
    target: Target = "process",
) -> RateEstimate:
    """Estimate the rate over a window, or over a segment of it when `population` is None.

    `population` holds every stratum of the window, in the order of the stratum codes. Give it for a segment
    too where strata make the segment up; then leave out the others. Pure; under 2 s for 1,000,000 records.
    Raises ValueError on a confidence outside (0, 1), an unknown target, a stratum code without a total, two
    totals of one name, or more sampled records than the stratum has.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie in (0, 1), got {confidence!r}")
    if target not in get_args(Target):
        raise ValueError(f"target must be one of {get_args(Target)}, got {target!r}")
    if population is not None:
        terms = with_absent(terms, population)
    scored = ~np.isnan(terms.value)
    n_sampled, n_scored = int(terms.value.size), int(np.count_nonzero(scored))
    n_unscored = 0 if terms.unscored is None else int(np.count_nonzero(terms.unscored))
    estimated = round(float(np.sum(1.0 / terms.pi)))
    n_population = estimated if population is None else sum(total.population for total in population)
    rate, low, high, size, method = None, 0.0, 1.0, None, "no-data"
    chance = (0.0, 1.0)
    unobserved = 0 if n_sampled else n_population
    collapsed: tuple[str, ...] = ()
    if n_scored > 0:
        grouped = Grouped(terms, population)
        cells = grouped.cells
        collapsed = tuple((population or ())[code].name for code in cells.collapsed)
        rate = sum(one.share * one.mean for one in grouped.means())
        rate = min(max(rate, 0.0), 1.0)
        bounds = [grouped.bound(fill, confidence, target) for fill in grouped.fills]
        unobserved = round(cells.unobserved)
        lost = cells.unobserved / n_population
        first, last = bounds[0], bounds[-1]
        low = min(first.low * (1.0 - lost), rate)
        high = max(last.high * (1.0 - lost) + lost, rate)
        chance = (max(rate - (first.rate - first.low), low), min(rate + (last.high - last.rate), high))
        smallest = min(one.size for one in bounds)
        size = smallest if math.isfinite(smallest) else None
        method = f"{'domain' if population is None else 'poststratified'}-hajek/{target}/korn-graubard"
    return RateEstimate(
        rate=rate,
        low=low,
        high=min(high, 1.0),
        sampling_low=chance[0],
        sampling_high=min(chance[1], 1.0),
        confidence=confidence,
        target=target,
        n_population=n_population,
        n_population_estimated=population is None,
        n_sampled=n_sampled,
        n_scored=n_scored,
        n_unscored=n_unscored,
        n_due=n_sampled - n_scored - n_unscored,
        n_unobserved=unobserved,
        coverage=n_scored / n_sampled if n_sampled else None,
        n_effective=size,
        design_effect=n_sampled / size if size else None,
        collapsed=collapsed,
        method=method,
    )
