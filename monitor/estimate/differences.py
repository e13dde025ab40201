"""Differences of two rates with an interval, and many of them (or many rates) at once.

One difference: MOVER (Zou and Donner 2008; Newcombe 1998 for two proportions) from the two rates' own intervals,

    low  = d - sqrt((r1 - l1)^2 + (u2 - r2)^2),        high = d + sqrt((u1 - r1)^2 + (r2 - l2)^2).

It takes over what the two intervals are good at (rare events, clusters, missing verdicts). It assumes that the two
are independent: two windows, or two model versions that share no conversation. Two segments of one window that share
conversations covary, mostly upwards, and then the interval is too long, not too short. Worst-case bounds of missing
verdicts go in as if they were chance: with many missing, compare `low` and `high` of the two themselves.

Many at once: with k intervals of 95 %, k/20 are expected to miss. Bonferroni: each at 1 - alpha / k, then all hold
together with 1 - alpha, whatever depends on what. Holm (1979): the same bound on any false finding, with more found:
k at alpha / k; if j of them exclude 0, the rest at alpha / (k - j), and so on. The intervals that are given stay
Bonferroni's, since Holm's decisions have no simultaneous intervals of that length.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


class Estimated(Protocol):
    """A rate with its interval: `RateEstimate`, `PhaseEstimate`, `Corrected`."""

    @property
    def rate(self) -> float | None:
        """None where there is nothing to go by."""

    @property
    def low(self) -> float:
        """Lower limit."""

    @property
    def high(self) -> float:
        """Upper limit."""

    @property
    def confidence(self) -> float:
        """Of the interval."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """New less old, in [-1, 1]; None and (-1, 1) where one of the two has no rate."""

    value: float | None
    low: float
    high: float
    confidence: float

    @property
    def found(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One of a family of differences."""

    difference: Difference
    """At the family's Bonferroni confidence: the intervals of all members hold together."""
    found: bool
    """By Holm's steps; true too where Bonferroni's interval still contains 0 and a later step's does not."""
    confidence: float
    """At which it was decided."""


def difference(new: Estimated, old: Estimated) -> Difference:
    """Give new - old.

    Raises ValueError where the two intervals have unlike confidence.
    """
    if not math.isclose(new.confidence, old.confidence, rel_tol=0.0, abs_tol=1e-12):
        raise ValueError(f"intervals of {new.confidence} and {old.confidence} have no common confidence")
    if new.rate is None or old.rate is None:
        return Difference(value=None, low=-1.0, high=1.0, confidence=new.confidence)
    value = new.rate - old.rate
    return Difference(
        value=value,
        low=max(-1.0, value - math.hypot(new.rate - new.low, old.high - old.rate)),
        high=min(1.0, value + math.hypot(new.high - new.rate, old.rate - old.low)),
        confidence=new.confidence,
    )


def each_of(members: int, confidence: float) -> float:
    """Give the confidence that each of `members` intervals needs for all to hold together (Bonferroni).

    Raises ValueError on members < 1 or a confidence outside (0, 1).
    """
    if members < 1 or not 0.0 < confidence < 1.0:
        raise ValueError(f"need members >= 1 and confidence in (0, 1), got {members!r} and {confidence!r}")
    return 1.0 - (1.0 - confidence) / members


def family(compare: Mapping[str, Callable[[float], Difference]], *, confidence: float = 0.95) -> dict[str, Member]:
    """Compare every segment at once; each function gives its difference at the confidence it is called with.

    The chance of even one false `found` is at most 1 - confidence. Members come in the order of `compare`, and those
    without a rate count too: which segments have data is not known before. At most k calls a member.
    Raises ValueError on a confidence outside (0, 1).
    """
    if not compare:
        return {}
    level = each_of(len(compare), confidence)
    first = {name: at(level) for name, at in compare.items()}
    decided = {name: level for name, one in first.items() if one.found}
    fresh = len(decided)
    while fresh and len(decided) < len(compare):
        level = each_of(len(compare) - len(decided), confidence)
        later = {name: level for name, at in compare.items() if name not in decided and at(level).found}
        fresh = len(later)
        decided |= later
    return {
        name: Member(difference=one, found=name in decided, confidence=decided.get(name, level))
        for name, one in first.items()
    }
