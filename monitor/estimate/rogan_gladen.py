"""A judge's rate corrected by what anchors say of the judge, where no human labels the window itself.

With q the rate of the judge's yes in the window, se = P(judge yes | true yes), sp = P(judge no | true no) from
anchors, the true rate is (Rogan and Gladen 1978)

    theta = (q + sp - 1) / (se + sp - 1),       identified only where se + sp > 1.

Interval: MOVER (Zou and Donner 2008) over the three samples. Each one's limits go through the formula with the two
others at their estimates, and the three distances are joined in squares; so a small anchor set without an error
still leaves its error rate open. Where the limits of se and sp reach se + sp <= 1, the anchors cannot tell the judge
from a coin, and the answer is (0, 1).

What it assumes, and labels in the window do not: that the judge errs on the window's traffic as often as on the
anchors, of either class (no shift within the classes), and that anchors are independent of the window. When judges
meet harder cases in traffic than among anchors, this interval is wrong and does not show it.
"""

import math
from dataclasses import dataclass

from monitor.estimate.differences import Estimated
from monitor.estimate.intervals import clopper_pearson


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchors:
    """The judge's verdicts on items of known truth; sizes may be effective ones (clusters), so fractions are fine.

    Raises ValueError on a negative count or more hits than items.
    """

    positives: float
    """Items whose truth is yes."""
    hits: float
    """Of them, those the judge says yes to."""
    negatives: float
    """Items whose truth is no."""
    rejections: float
    """Of them, those the judge says no to."""

    def __post_init__(self) -> None:
        """Refuse counts that are none."""
        if not (0.0 <= self.hits <= self.positives and 0.0 <= self.rejections <= self.negatives):
            raise ValueError(f"need 0 <= hits <= positives and 0 <= rejections <= negatives, got {self}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Corrected:
    """The corrected rate; None and (0, 1) with a `reason` where anchors do not identify it."""

    rate: float | None
    low: float
    high: float
    confidence: float
    sensitivity: float | None
    sensitivity_limits: tuple[float, float]
    specificity: float | None
    specificity_limits: tuple[float, float]
    judge_rate: float | None
    reason: str = ""
    method: str = "rogan-gladen/mover"


def correct(judge: Estimated, anchors: Anchors) -> Corrected:
    """Correct the judge's rate and its interval by `anchors`, at the same confidence."""
    confidence = judge.confidence
    se, se_limits = _share(anchors.hits, anchors.positives, confidence)
    sp, sp_limits = _share(anchors.rejections, anchors.negatives, confidence)
    rate, low, high = None, 0.0, 1.0
    if se is None or sp is None:
        reason = "no anchor is " + ("positive" if se is None else "negative") + ": label some of both kinds"
    elif judge.rate is None:
        reason = "the judge has no verdict in this window"
    elif se + sp <= 1.0:
        reason = (
            f"sensitivity {se:.2f} and specificity {sp:.2f} of the anchors add up to no more than 1: "
            "this judge's yes says nothing about the truth"
        )
    else:
        rate = _formula(judge.rate, se, sp)
        # The joint worst case of the two anchor samples, in squares as well.
        gap = se + sp - 1.0 - math.hypot(se - se_limits[0], sp - sp_limits[0])
        reason = "" if gap > 0.0 else "the anchors are too few to tell this judge from a coin: label more of them"
        if gap > 0.0:
            low, high = _limits(judge, judge.rate, (se, *se_limits), (sp, *sp_limits))
        rate = min(max(rate, 0.0), 1.0)
    return Corrected(
        rate=rate,
        low=low,
        high=high,
        confidence=confidence,
        sensitivity=se,
        sensitivity_limits=se_limits,
        specificity=sp,
        specificity_limits=sp_limits,
        judge_rate=judge.rate,
        reason=reason,
    )


def _limits(
    judge: Estimated, q: float, se: tuple[float, float, float], sp: tuple[float, float, float]
) -> tuple[float, float]:
    """Join the three distances; se and sp are (estimate, low, high)."""
    rate = _formula(q, se[0], sp[0])
    # theta rises with q and sp; it falls with se while it is positive, and rises where it is not.
    below = above = 0.0
    for one, other in (
        (_formula(judge.low, se[0], sp[0]), _formula(judge.high, se[0], sp[0])),
        (_formula(q, se[1], sp[0]), _formula(q, se[2], sp[0])),
        (_formula(q, se[0], sp[1]), _formula(q, se[0], sp[2])),
    ):
        below += max(rate - one, rate - other, 0.0) ** 2
        above += max(one - rate, other - rate, 0.0) ** 2
    # Around the clipped rate: else a rate far below 0 would be told as 0 without a doubt.
    rate = min(max(rate, 0.0), 1.0)
    return max(0.0, rate - math.sqrt(below)), min(1.0, rate + math.sqrt(above))


def _formula(q: float, se: float, sp: float) -> float:
    youden = max(se + sp - 1.0, 1e-9)
    return (q + sp - 1.0) / youden


def _share(hits: float, items: float, confidence: float) -> tuple[float | None, tuple[float, float]]:
    if items <= 0.0:
        return None, (0.0, 1.0)
    share = min(hits / items, 1.0)
    return share, clopper_pearson(rate=share, size=items, confidence=confidence)
