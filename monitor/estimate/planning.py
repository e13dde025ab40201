"""How many labels, or judge calls, give an interval of a wished half-width: foretold from a span that has some.

The interval of the three-phase estimate (`phase_interval`) joins squared distances (MOVER: Zou and Donner 2008): one
for each cell of labels, and one for the judge's rate,

    h^2 = k^2 ( sum_c (share_c d(rate_c, size_c a))^2 + (l2 d(Q, e(b)))^2 )

with d(rate, size) half the length of a Clopper-Pearson interval at an effective size (Korn and Graubard 1998). With a
times as many labels each cell's size grows a times. With b times as many judge calls only the judge's part of the
variance V1 + V2 of its rate Q shrinks (Angelopoulos, Duchi and Zrnic 2023: the classifier's part V1 rests on the
sampled records, the judge's V2 on the judged ones), so e(b) = e (V1 + V2) / (V1 + V2 / b). e and k make the formula
give the half-width that there is for a = b = 1.

It holds where the next span is like this one: as long, as much traffic, the same rates, and chances in the same
proportions. A pilot of few labels foretells as roughly as it knows the rates in its cells: they are taken with half a
yes and half a no added, so that a cell without a disagreement is not taken for a perfect one. Missing verdicts are left
out: they widen an interval whatever the numbers are.

By simulation (`tests/unit/test_planning.py`) the half-width at the foretold number is within 15 % of the wished one.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor.estimate.intervals import clopper_pearson
from monitor.estimate.phase_terms import LabelCell, PhaseEstimate, PhasePart, PhaseTerms
from monitor.estimate.phases import phase_rate
from monitor.estimate.terms import StratumTotal

LARGEST = 1e9
"""Times as many: beyond it nothing is gained."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """How many of one kind, all else as it is."""

    now: int
    """With a value, in the span."""
    needed: int | None
    """For the target, which may be fewer than there are; None where all that can be had do not reach it."""
    most: int
    """That can be had: all judged samples for labels, all samples for judge calls."""
    least: float
    """Half-width with all of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a half-width takes."""

    target: float
    confidence: float
    half_width: float | None
    """That there is now, missing verdicts left out; None where there is no estimate."""
    corrected: bool
    """Whether labels are in it: if not, it is the half-width of the judge's rate, errors included."""
    labels: Need | None
    """None where nobody labelled yet: how judge and people differ is not known, and nothing can be foretold."""
    judge: Need | None
    """None without a judge. Beside labels never fewer than now: what fewer would do to the labels is not foretold."""
    both: tuple[int, int] | None
    """Labels and judge calls, raised by one factor; None where that does not reach it, or one of them is not there."""
    reason: str = ""
    """Why there is no plan."""


def plan(
    terms: PhaseTerms,
    population: Sequence[StratumTotal] | None,
    *,
    target: float,
    confidence: float = 0.95,
) -> Plan:
    """Foretell from the records of a span, as `phase_rate` takes them, what a half-width of `target` takes; pure.

    Raises ValueError on a target outside (0, 0.5], and as `phase_rate` does.
    """
    if not 0.0 < target <= 0.5:
        raise ValueError(f"the half-width must lie in (0, 0.5], got {target!r}")
    found = phase_rate(terms, population, confidence=confidence)
    if found.source not in {"human", "judge"}:
        reason = "no label and no verdict of a judge counts yet: nothing can be foretold"
        return _none(target, confidence, reason)
    sampled = terms.f.size
    if not found.cells:
        # One phase after the classifier, the judge's or people's.
        part = found.judge if found.source == "judge" else found.human
        model = _Rate.of(found, part)

        def alone(times: float) -> float:
            return model.half(times, confidence)

        need = _need(alone, part.n, sampled, target)
        return Plan(
            target=target,
            confidence=confidence,
            half_width=_half(found),
            corrected=found.corrected,
            labels=need if found.source == "human" else None,
            judge=need if found.source == "judge" else None,
            both=None,
        )
    unlabelled = replace(terms, selected3=np.zeros_like(terms.selected3), y=np.full_like(terms.y, np.nan))
    judge = phase_rate(unlabelled, population, confidence=confidence)
    model = _Rate.of(judge, judge.judge)
    labels, calls = found.human.n, judge.judge.n

    def joined(more_labels: float, more_calls: float) -> float:
        cells = sum((cell.share * _cell(cell, more_labels, labels, confidence)) ** 2 for cell in found.cells)
        return math.sqrt(cells + (found.tuning.l2 * model.half(more_calls, confidence)) ** 2)

    factor = _half(found) / joined(1.0, 1.0)
    most = max(min(calls / labels, sampled / calls), 1.0)
    times = _solve(lambda both: factor * joined(both, both), target, most)
    return Plan(
        target=target,
        confidence=confidence,
        half_width=_half(found),
        corrected=True,
        labels=_need(lambda times: factor * joined(times, 1.0), labels, calls, target),
        judge=_need(lambda times: factor * joined(1.0, times), calls, sampled, target, least=1.0),
        both=None if times is None else (math.ceil(times * labels), math.ceil(times * calls)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rate:
    """A rate from one phase after the classifier."""

    rate: float
    size: float
    """Effective."""
    fixed: float
    """The classifier's part of the variance, of both."""

    @classmethod
    def of(cls, found: PhaseEstimate, part: PhasePart) -> "_Rate":
        rate = found.rate or 0.0
        classifier, own = max(found.classifier.variance, 0.0), max(part.variance, 0.0)
        return cls(
            rate=rate,
            size=_size(rate, _half(found), found.confidence),
            fixed=classifier / (classifier + own) if classifier + own > 0.0 else 0.0,
        )

    def half(self, times: float, confidence: float) -> float:
        return _distance(self.rate, self.size / (self.fixed + (1.0 - self.fixed) / times), confidence)


def _cell(cell: LabelCell, times: float, labels: int, confidence: float) -> float:
    # A cell that nobody looked into is looked into as often as its share of the population says.
    size = times * (cell.size or cell.share * labels)
    known = cell.size + 1.0
    return _distance((cell.rate * cell.size + 0.5) / known, size, confidence)


def _need(half: Callable[[float], float], now: int, most: int, target: float, *, least: float = 0.0) -> Need:
    times = _solve(half, target, max(most / now, 1.0), least)
    return Need(
        now=now,
        needed=None if times is None else math.ceil(times * now),
        most=max(most, now),
        least=half(max(most / now, 1.0)),
    )


def _solve(half: Callable[[float], float], target: float, most: float, least: float = 0.0) -> float | None:
    """Give the smallest factor, from `least` to `most`, whose half-width is `target` or less; `half` falls."""
    if half(most) > target:
        return None
    low, high = max(least, most / LARGEST), most
    if half(low) <= target:
        return low
    while high / low > 1.0 + 1e-6:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if half(middle) <= target else (middle, high)
    return high


def _size(rate: float, half: float, confidence: float) -> float:
    """Give the effective size at which a Clopper-Pearson interval has this half-length."""
    times = _solve(lambda size: _distance(rate, size, confidence), half, LARGEST)
    return LARGEST if times is None else times


def _distance(rate: float, size: float, confidence: float) -> float:
    low, high = clopper_pearson(rate=rate, size=size, confidence=confidence)
    return (high - low) / 2.0


def _half(found: PhaseEstimate) -> float:
    return (found.sampling_high - found.sampling_low) / 2.0


def _none(target: float, confidence: float, reason: str) -> Plan:
    return Plan(
        target=target,
        confidence=confidence,
        half_width=None,
        corrected=False,
        labels=None,
        judge=None,
        both=None,
        reason=reason,
    )
