"""Differences of two rates, and families of them."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm

from monitor.estimate.differences import Difference, difference, each_of, family
from monitor.estimate.rates import RateEstimate, SampleTerms, weighted_rate


def rate(positives: int, n: int, confidence: float = 0.95) -> RateEstimate:
    value = np.zeros(n)
    value[:positives] = 1.0
    terms = SampleTerms(value=value, pi=np.ones(n), stratum=np.zeros(n, dtype=np.int64), conversation=np.arange(n))
    return weighted_rate(terms, None, confidence=confidence)


def test_the_limits_join_the_two_intervals_in_squares() -> None:
    new, old = rate(30, 100), rate(10, 80)
    found = difference(new, old)
    assert found.value == pytest.approx(0.3 - 0.125)
    assert found.low == pytest.approx(0.175 - np.hypot(0.3 - new.low, old.high - 0.125))
    assert found.high == pytest.approx(0.175 + np.hypot(new.high - 0.3, 0.125 - old.low))


def test_turned_around_it_is_its_negative() -> None:
    one, other = difference(rate(30, 100), rate(10, 80)), difference(rate(10, 80), rate(30, 100))
    assert (one.value or 0.0, one.low, one.high) == pytest.approx((-(other.value or 0.0), -other.high, -other.low))


def test_nothing_known_of_one_is_nothing_known_of_the_difference() -> None:
    found = difference(rate(3, 10), rate(0, 0))
    assert (found.value, found.low, found.high, found.found) == (None, -1.0, 1.0, False)


def test_intervals_of_unlike_confidence_are_not_compared() -> None:
    with pytest.raises(ValueError, match="no common confidence"):
        difference(rate(3, 10), rate(3, 10, confidence=0.9))


def test_the_difference_of_rare_rates_covers() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(400):
        found = difference(rate(int(rng.binomial(300, 0.03)), 300), rate(int(rng.binomial(200, 0.005)), 200))
        covered += found.low <= 0.025 <= found.high
    # At 0.95 the binomial error of 400 draws is 0.011.
    assert covered / 400 >= 0.93


def gaussian(z: float) -> Callable[[float], Difference]:
    """Give a difference that lies z standard errors from 0."""

    def at(confidence: float) -> Difference:
        reach = float(norm.ppf(0.5 + confidence / 2.0))
        return Difference(value=z, low=z - reach, high=z + reach, confidence=confidence)

    return at


def test_a_family_finds_what_holm_finds_and_gives_bonferronis_intervals() -> None:
    # Two-sided p: 0.001, 0.014, 0.022, 0.2; Holm's limits: 0.0125, 0.0167, 0.025, 0.05.
    p = {"a": 0.001, "b": 0.014, "c": 0.022, "d": 0.2}
    members = family({name: gaussian(float(norm.isf(value / 2.0))) for name, value in p.items()})
    assert {name: member.found for name, member in members.items()} == {"a": True, "b": True, "c": True, "d": False}
    assert {member.difference.confidence for member in members.values()} == {each_of(4, 0.95)}
    assert members["b"].confidence == pytest.approx(1.0 - 0.05 / 3)
    # Bonferroni alone would have missed it.
    assert not members["b"].difference.found


def test_a_family_without_differences_is_right_together() -> None:
    rng = np.random.default_rng(8)
    wrong = 0
    for _ in range(600):
        members = family({str(n): gaussian(float(z)) for n, z in enumerate(rng.normal(size=10))})
        wrong += any(member.found for member in members.values())
    # 0.05 and three times its binomial error.
    assert wrong / 600 <= 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / 600)


def test_a_family_of_nobody_is_empty_and_wrong_sizes_are_refused() -> None:
    assert family({}) == {}
    with pytest.raises(ValueError, match="members >= 1"):
        each_of(0, 0.95)
    with pytest.raises(ValueError, match="confidence in"):
        each_of(3, 1.0)
