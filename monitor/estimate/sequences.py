"""Anytime-valid confidence sequences: intervals that hold at every look together, for dashboards that never rest.

A 95 % interval that is looked at each hour misses the truth at some hour far more often than 5 %. The asymptotic
confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024, theorem 2.2) is, after t independent
observations with mean m and standard deviation s,

    m +- s sqrt( 2 (t r^2 + 1) / (t^2 r^2) * log( sqrt(t r^2 + 1) / alpha ) ),

with r = sqrt((-2 log alpha + log(-2 log alpha) + 1) / t*) so that it is shortest near t*. Here an observation is a
conversation, t the effective number of them (Kish) in the last phase that counts, and m the estimate over all data
so far. In place of s / sqrt(t) stand the distances of the fixed interval's limits divided by its normal quantile, one
for each side: so what that interval knows about rare events and few labels is kept. The bounds of missing verdicts
are no chance: they are added, not stretched.

When it holds: from `MIN_CONVERSATIONS` on, as a large-sample statement over all later looks, for a process that may
change (then it covers the running mean), with looks and stopping chosen by anything seen so far. Not: where the
sampling probabilities of later windows are chosen to make the rate look good; and not below that n, where it is not
shown.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from monitor.estimate.phase_terms import PhaseEstimate
from monitor.estimate.rates import RateEstimate

MIN_CONVERSATIONS = 50
"""Effective conversations before a sequence is shown."""

TUNED_AT = 1_000.0
"""Effective conversations at which the sequence is shortest, against the fixed interval."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """All that is known up to one look."""

    rate: float
    below: float
    """Standard error downwards: distance to the low limit over the normal quantile."""
    above: float
    missing_below: float
    """How much lower the rate may be for missing verdicts."""
    missing_above: float
    conversations: float
    """Effective number, in the last phase that counts."""
    weight: float
    """Records in the population that this is about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnytimeInterval:
    """One look of a confidence sequence; (0, 1) with a `reason` while there is too little for one."""

    low: float
    high: float
    confidence: float
    conversations: float
    method: str = "asymptotic-confidence-sequence"
    reason: str = ""


def look(estimate: PhaseEstimate | RateEstimate) -> Look | None:
    """Take from an estimate over all data so far what a sequence needs; None where it has no rate."""
    if estimate.rate is None:
        return None
    z = float(special.ndtri(0.5 + estimate.confidence / 2.0))
    size = estimate.conversations if isinstance(estimate, PhaseEstimate) else estimate.n_effective
    return Look(
        rate=estimate.rate,
        below=max(estimate.rate - estimate.sampling_low, 0.0) / z,
        above=max(estimate.sampling_high - estimate.rate, 0.0) / z,
        missing_below=max(estimate.sampling_low - estimate.low, 0.0),
        missing_above=max(estimate.high - estimate.sampling_high, 0.0),
        conversations=size or 0.0,
        weight=float(estimate.n_population),
    )


def join(looks: Sequence[Look]) -> Look:
    """Join looks of separate windows into one of all of them, where the records are no longer at hand.

    The mean by population; errors add in squares, missing verdicts as they are. Longer than a look at the joint
    records where windows have few labels each, for each window's limits leave room for what it did not see.
    Raises ValueError without a look or without any weight.
    """
    whole = sum(one.weight for one in looks)
    if whole <= 0.0:
        raise ValueError("no look with a population to join")
    shares = [one.weight / whole for one in looks]
    return Look(
        rate=sum(share * one.rate for share, one in zip(shares, looks, strict=True)),
        below=math.hypot(*(share * one.below for share, one in zip(shares, looks, strict=True))),
        above=math.hypot(*(share * one.above for share, one in zip(shares, looks, strict=True))),
        missing_below=sum(share * one.missing_below for share, one in zip(shares, looks, strict=True)),
        missing_above=sum(share * one.missing_above for share, one in zip(shares, looks, strict=True)),
        conversations=sum(one.conversations for one in looks),
        weight=whole,
    )


def anytime(seen: Look | None, *, confidence: float = 0.95, tuned_at: float = TUNED_AT) -> AnytimeInterval:
    """Give the sequence at one look; over all looks of one stream together it covers with `confidence`.

    `tuned_at` must be the same at every look of a stream. Raises ValueError on a confidence outside [0.5, 1) or a
    `tuned_at` that is not positive.
    """
    if not 0.5 <= confidence < 1.0 or not tuned_at > 0.0:
        raise ValueError(f"need confidence in [0.5, 1) and tuned_at > 0, got {confidence!r} and {tuned_at!r}")
    size = 0.0 if seen is None else seen.conversations
    if seen is None or size < MIN_CONVERSATIONS:
        reason = f"{size:.0f} effective conversations, need {MIN_CONVERSATIONS}"
        return AnytimeInterval(low=0.0, high=1.0, confidence=confidence, conversations=size, reason=reason)
    stretch = boundary(size, confidence=confidence, tuned_at=tuned_at)
    return AnytimeInterval(
        low=max(0.0, seen.rate - stretch * seen.below - seen.missing_below),
        high=min(1.0, seen.rate + stretch * seen.above + seen.missing_above),
        confidence=confidence,
        conversations=size,
    )


def boundary(observations: float, *, confidence: float, tuned_at: float) -> float:
    """Give the number of standard errors of the mean that the sequence reaches after `observations`."""
    alpha = 1.0 - confidence
    log = -2.0 * math.log(alpha)
    grown = observations * (log + math.log(log) + 1.0) / tuned_at
    return math.sqrt(2.0 * (grown + 1.0) / grown * math.log(math.sqrt(grown + 1.0) / alpha))
