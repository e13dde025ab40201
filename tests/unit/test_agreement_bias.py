"""Biases that are planted are found, on the right side; where there is none, hardly ever."""

import numpy as np
import numpy.typing as npt
import pytest

from monitor.estimate.agreement_bias import Bias, difference, length_bias, swapped_bias
from monitor.estimate.variance import Floats

N = 600
GROUP = np.arange(N) // 3


def beyond(random: np.random.Generator, extra: Floats) -> Floats:
    """What a judge says beyond its reference: chance errors both ways, and `extra` more of them upwards."""
    up = random.random(N) < 0.08 + extra
    down = random.random(N) < 0.08
    return up.astype(float) - down


def check(values: Floats, trait: npt.NDArray[np.bool_], confidence: float = 0.95) -> Bias:
    return difference(values, trait, GROUP, check="self-preference", what="own", measure="value", confidence=confidence)


def test_a_planted_preference_is_found_with_its_sign_and_size() -> None:
    random = np.random.default_rng(1)
    own = random.random(N) < 0.3
    found = check(beyond(random, 0.3 * own.astype(np.float64)), own)
    assert found.found
    assert found.difference == pytest.approx(0.3, abs=0.1)
    assert found.low is not None
    assert 0 < found.low < 0.3
    assert (found.n_with, found.n_without) == (int(own.sum()), N - int(own.sum()))
    assert not check(beyond(random, np.zeros(N)), own).found


def test_without_a_bias_one_check_in_twenty_finds_one() -> None:
    random = np.random.default_rng(3)
    trait = np.arange(N) % 2 == 0
    wrong = sum(check(beyond(random, np.zeros(N)), trait).found for _ in range(1_000))
    assert 25 <= wrong <= 75


def test_alike_items_of_a_group_do_not_count_as_many() -> None:
    random = np.random.default_rng(4)
    wrong = 0
    for _ in range(500):
        trait = np.repeat(random.random(N // 3) < 0.5, 3)
        same = np.repeat(random.choice([-1.0, 0.0, 1.0], size=N // 3), 3)
        wrong += check(same, trait).found
    assert wrong <= 45


def test_length_splits_at_the_median_and_pairwise_at_equal_lengths() -> None:
    random = np.random.default_rng(5)
    length = random.exponential(800, N)
    long = length > np.median(length)
    found = length_bias(beyond(random, 0.3 * long.astype(np.float64)), length, GROUP, measure="value", confidence=0.95)
    assert found.found
    assert found.check == "length"
    assert found.n_with == N // 2
    pairwise = length_bias(np.zeros(N), length - 200, GROUP, measure="value", confidence=0.95)
    assert pairwise.n_with == np.count_nonzero(length > 200)


def test_a_judge_that_likes_the_first_place_is_told_from_one_that_likes_good_answers() -> None:
    random = np.random.default_rng(6)
    better = random.choice([-1, 1], size=N)
    fair = np.stack([better, -better], axis=1)
    lazy = np.where(random.random((N, 2)) < 0.3, 1, fair)
    assert not swapped_bias(fair, GROUP, confidence=0.95).found
    found = swapped_bias(lazy, GROUP, confidence=0.95)
    assert found.found
    assert found.difference == pytest.approx(0.3, abs=0.06)


@pytest.mark.parametrize(
    ("n", "trait", "wrong", "reason"),
    [
        (0, 0, 0, "no item on one side"),
        (50, 0, 50, "no item on one side"),
        (50, 5, 50, "too few"),
        (50, 25, 3, "differ in 3 groups"),
    ],
)
def test_too_few_cases_give_a_reason_and_no_verdict(n: int, trait: int, wrong: int, reason: str) -> None:
    values = np.zeros(n)
    values[:wrong] = 1.0
    found = difference(
        values, np.arange(n) < trait, np.arange(n), check="language", what="tr", measure="error", confidence=0.95
    )
    assert reason in found.reason
    assert found.low is None
    assert not found.found
