"""One figure of agreement: its value and interval, or the reason why there is none; never NaN."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.estimate.agreement_bootstrap import Resampled, bca
from monitor.estimate.rates import SampleTerms, weighted_rate
from monitor.estimate.variance import Floats, Ints

SHARE = "clopper-pearson/korn-graubard"
BOOTSTRAP = "cluster-bootstrap/bca"
BOUND = "clopper-pearson/no-disagreement-seen"


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A value with its interval; `low` and `high` are both there or both None."""

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""
    """How the interval was made; empty without one."""
    reason: str = ""
    """Why the value or the interval is missing; empty when both are there."""


def share(hits: npt.NDArray[np.bool_], group: Ints, *, confidence: float, nothing: str) -> Figure:
    """Give the share of `hits`, shape (n,), with records of one `group` alike; `nothing` is the reason for n = 0.

    The interval is `rates.weighted_rate`'s at equal weights: Clopper-Pearson at the effective size.
    """
    if hits.size == 0:
        return Figure(value=None, reason=nothing)
    zeros = np.zeros(hits.size, dtype=np.int64)
    terms = SampleTerms(value=hits.astype(np.float64), pi=np.ones(hits.size), stratum=zeros, conversation=group)
    found = weighted_rate(terms, None, confidence=confidence)
    return Figure(value=float(np.mean(hits)), low=found.low, high=found.high, method=SHARE)


def coefficient(
    statistic: Callable[[Floats], Floats],
    data: Resampled,
    *,
    confidence: float,
    undefined: str,
    agreed_low: float | None = None,
    largest: float | Callable[[Floats], float] = 1.0,
) -> Figure:
    """Give a coefficient 1 - observed / expected disagreement with its BCa interval; `undefined` is said for NaN.

    At a value of 1 no resampling shows a disagreement, and an interval of no width would be a lie. Then the low limit
    is the coefficient with as many disagreements as are still likely: 1 - `agreed_low` of the pairs (the low limit of
    the raw agreement), each as bad as the worst one (`largest`, in units of the expected disagreement).
    """
    value = float(statistic(data.total))
    if np.isnan(value):
        return Figure(value=None, reason=undefined)
    if value >= 1.0 - 1e-12 and agreed_low is not None:
        worst = largest if isinstance(largest, float) else largest(data.total)
        return Figure(value=1.0, low=max(-1.0, 1.0 - (1.0 - agreed_low) * worst), high=1.0, method=BOUND)
    limits = bca(statistic, data, confidence=confidence)
    if isinstance(limits, str):
        return Figure(value=value, reason=limits)
    return Figure(value=value, low=limits[0], high=limits[1], method=BOOTSTRAP)
