"""The correction from anchors: the formula, when it says nothing, and its simulated coverage."""

import numpy as np
import pytest

from monitor.estimate.intervals import clopper_pearson
from monitor.estimate.rates import RateEstimate, SampleTerms, weighted_rate
from monitor.estimate.rogan_gladen import Anchors, correct


def judged(positives: int, n: int = 500) -> RateEstimate:
    value = np.zeros(n)
    value[:positives] = 1.0
    terms = SampleTerms(value=value, pi=np.ones(n), stratum=np.zeros(n, dtype=np.int64), conversation=np.arange(n))
    return weighted_rate(terms, None)


def anchors(se: float, sp: float, n: int = 100) -> Anchors:
    return Anchors(positives=n, hits=se * n, negatives=n, rejections=sp * n)


def test_the_rate_is_the_formula() -> None:
    found = correct(judged(150), anchors(0.9, 0.8))
    assert found.rate == pytest.approx((0.3 + 0.8 - 1.0) / 0.7)
    assert found.low < 0.1 / 0.7 < found.high
    assert (found.sensitivity, found.specificity, found.reason) == (0.9, 0.8, "")


def test_a_judge_without_an_error_among_the_anchors_is_not_taken_for_perfect() -> None:
    plain = judged(150)
    few, many = correct(plain, anchors(1.0, 1.0, 20)), correct(plain, anchors(1.0, 1.0, 20_000))
    assert few.rate == many.rate == pytest.approx(0.3)
    assert few.low < 0.2 < plain.low
    assert (many.low, many.high) == pytest.approx((plain.low, plain.high), abs=1e-3)


def test_more_anchors_give_a_shorter_interval() -> None:
    few, many = correct(judged(150), anchors(0.9, 0.9, 50)), correct(judged(150), anchors(0.9, 0.9, 500))
    assert many.high - many.low < 0.8 * (few.high - few.low)


@pytest.mark.parametrize(
    ("marks", "reason"),
    [
        (Anchors(positives=0, hits=0, negatives=10, rejections=9), "no anchor is positive"),
        (Anchors(positives=10, hits=9, negatives=0, rejections=0), "no anchor is negative"),
        (anchors(0.3, 0.6), "says nothing about the truth"),
        (anchors(0.6, 0.5, 10), "too few to tell this judge from a coin"),
    ],
)
def test_where_the_anchors_do_not_identify_the_rate_it_is_open_and_says_why(marks: Anchors, reason: str) -> None:
    found = correct(judged(150), marks)
    assert reason in found.reason
    assert (found.low, found.high) == (0.0, 1.0)


def test_a_window_without_verdicts_has_no_rate() -> None:
    found = correct(judged(0, 0), anchors(0.9, 0.9))
    assert (found.rate, found.reason) == (None, "the judge has no verdict in this window")


def test_a_rate_below_what_false_alarms_alone_give_is_0() -> None:
    found = correct(judged(20), anchors(0.9, 0.9))
    assert (found.rate, found.low) == (0.0, 0.0)
    assert found.high > 0.0


def test_counts_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="hits <= positives"):
        Anchors(positives=5, hits=6, negatives=5, rejections=5)


@pytest.mark.parametrize(
    ("truth", "se", "sp"), [(0.005, 0.7, 0.99), (0.1, 0.99, 0.7), (0.1, 0.9, 0.9), (0.5, 0.7, 0.7), (0.5, 0.99, 0.99)]
)
def test_the_interval_covers(truth: float, se: float, sp: float) -> None:
    rng = np.random.default_rng(11)
    n, marks, covered = 500, 60, 0
    q = truth * se + (1.0 - truth) * (1.0 - sp)
    for _ in range(400):
        positives = int(rng.binomial(n, q))
        low, high = clopper_pearson(rate=positives / n, size=n, confidence=0.95)
        plain = RateLike(rate=positives / n, low=low, high=high)
        found = correct(
            plain,
            Anchors(
                positives=marks,
                hits=int(rng.binomial(marks, se)),
                negatives=marks,
                rejections=int(rng.binomial(marks, sp)),
            ),
        )
        covered += found.low <= truth <= found.high
    # 0.95 less twice the binomial error of 400 draws.
    assert covered / 400 >= 0.928


class RateLike:
    """A rate with its interval and nothing else."""

    def __init__(self, *, rate: float | None, low: float, high: float) -> None:
        self.rate, self.low, self.high, self.confidence = rate, low, high, 0.95
