"""Confidence sequences: hold over whole trajectories, where the fixed interval does not."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from monitor.estimate.phases import PhaseEstimate, PhaseTerms, phase_rate
from monitor.estimate.sequences import MIN_CONVERSATIONS, TUNED_AT, Look, anytime, boundary, join, look


def estimate(verdicts: list[float], turns: int = 1) -> PhaseEstimate:
    """Give the judge's rate of conversations of `turns` alike turns."""
    g = np.repeat(np.array(verdicts), turns)
    n = g.size
    nobody = np.zeros(n, dtype=np.bool_)
    terms = PhaseTerms(
        pi1=np.ones(n),
        stratum=np.zeros(n, dtype=np.int64),
        conversation=np.repeat(np.arange(len(verdicts)), turns),
        f=np.full(n, math.nan),
        selected2=~nobody,
        pi2=np.ones(n),
        g=g,
        selected3=nobody,
        pi3=np.ones(n),
        y=np.full(n, math.nan),
    )
    return phase_rate(terms, None)


def known(verdicts: list[float]) -> Look:
    found = look(estimate(verdicts))
    assert found is not None
    return found


@pytest.mark.parametrize("rate", [0.005, 0.02, 0.1, 0.5])
def test_it_covers_at_every_look_of_a_trajectory_together(rate: float) -> None:
    rng = np.random.default_rng(3)
    at = np.unique(np.round(np.geomspace(MIN_CONVERSATIONS, 20_000, 100)).astype(np.int64))
    seen = np.cumsum(rng.binomial(np.diff(at, prepend=0), rate, size=(1000, at.size)), axis=1)
    mean, z = seen / at, 1.959964
    low = np.where(seen > 0, special.betaincinv(np.maximum(seen, 1), at - seen + 1, 0.025), 0.0)
    high = special.betaincinv(seen + 1, np.maximum(at - seen, 1), 0.975)
    reach = np.array([boundary(float(n), confidence=0.95, tuned_at=TUNED_AT) for n in at]) / z
    missed = ((mean - reach * (mean - low) > rate) | (mean + reach * (high - mean) < rate)).any(axis=1)
    assert missed.mean() <= 0.05
    # The fixed interval, looked at as often, misses in a quarter of the trajectories and more.
    assert ((low > rate) | (high < rate)).any(axis=1).mean() > 0.2


def test_one_look_is_the_fixed_interval_stretched() -> None:
    found = estimate([1.0] * 30 + [0.0] * 170)
    sequence = anytime(look(found))
    stretch = boundary(200.0, confidence=0.95, tuned_at=TUNED_AT) / 1.959964
    assert sequence.low == pytest.approx(max(0.0, 0.15 - stretch * (0.15 - found.low)))
    assert sequence.high == pytest.approx(0.15 + stretch * (found.high - 0.15))
    assert sequence.low < found.low < found.high < sequence.high


def test_conversations_count_and_not_their_turns() -> None:
    found = look(estimate([1.0] * 10 + [0.0] * 30, turns=5))
    assert found is not None
    assert found.conversations == pytest.approx(40)
    waiting = anytime(found)
    assert (waiting.low, waiting.high) == (0.0, 1.0)
    assert waiting.reason == f"40 effective conversations, need {MIN_CONVERSATIONS}"


def test_missing_verdicts_are_added_and_not_stretched() -> None:
    complete = estimate([1.0] * 30 + [0.0] * 170)
    gap = replace(complete, low=complete.low - 0.05, high=complete.high + 0.1)
    one, other = anytime(look(complete)), anytime(look(gap))
    assert (other.low, other.high) == pytest.approx((max(0.0, one.low - 0.05), one.high + 0.1))


def test_joined_windows_are_weighted_by_their_records() -> None:
    small, large = known([1.0] * 30 + [0.0] * 70), known([1.0] * 30 + [0.0] * 270)
    joint = join([small, large])
    assert joint.rate == pytest.approx((0.3 * 100 + 0.1 * 300) / 400)
    assert joint.above == pytest.approx(np.hypot(0.25 * small.above, 0.75 * large.above))
    assert (joint.conversations, joint.weight) == pytest.approx((400, 400))
    direct = known([1.0] * 60 + [0.0] * 340)
    assert joint.above < 1.2 * direct.above


def test_it_gets_shorter_with_more_conversations_and_shortest_against_the_fixed_one_near_its_mark() -> None:
    short, long = anytime(known([1.0, 0.0] * 100)), anytime(known([1.0, 0.0] * 1000))
    assert long.high - long.low < short.high - short.low
    reach = [boundary(n, confidence=0.95, tuned_at=1000.0) for n in (100.0, 1000.0, 100_000.0)]
    assert reach[1] < min(reach[0], reach[2])


def test_wrong_arguments_and_nothing_to_join_are_refused() -> None:
    assert look(estimate([])) is None
    assert anytime(None).high == 1.0
    with pytest.raises(ValueError, match="confidence in"):
        anytime(None, confidence=0.1)
    with pytest.raises(ValueError, match="tuned_at"):
        anytime(None, tuned_at=0.0)
    with pytest.raises(ValueError, match="no look"):
        join([])
