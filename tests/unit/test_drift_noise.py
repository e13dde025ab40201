"""The distances are evidently's, and chance passes its threshold as seldom as it says."""

import warnings

import numpy as np
import pandas as pd
import pytest

from monitor.drift.noise import chance_threshold, jensen_shannon, wasserstein
from monitor.drift.resample import effective_size, representative_rows

SIDES = np.repeat([True, False], [300, 200])


def test_both_distances_are_those_of_evidently() -> None:
    with warnings.catch_warnings():
        # As in monitor.drift.detectors: evidently's own imports warn.
        warnings.simplefilter("ignore")
        from evidently.legacy.calculations.stattests import (  # noqa: PLC0415 - slow, and it warns
            jensenshannon_stat_test,
            wasserstein_stat_test,
        )
        from evidently.legacy.core import ColumnType  # noqa: PLC0415
    rng = np.random.default_rng(1)
    numbers = np.where(SIDES, rng.normal(0, 1, 500), rng.normal(0.3, 2, 500)).round(1)
    codes = np.where(SIDES, rng.integers(0, 3, 500), rng.integers(0, 5, 500))
    before, after = pd.Series(numbers[SIDES]), pd.Series(numbers[~SIDES])
    theirs = wasserstein_stat_test(before, after, ColumnType.Numerical, 0.1).drift_score
    assert wasserstein(numbers)(SIDES) == pytest.approx(theirs)
    before, after = pd.Series(codes[SIDES].astype(str)), pd.Series(codes[~SIDES].astype(str))
    theirs = jensenshannon_stat_test(before, after, ColumnType.Categorical, 0.1).drift_score
    assert jensen_shannon(codes)(SIDES) == pytest.approx(theirs)


@pytest.mark.parametrize("turns", [1, 8], ids=["single turns", "conversations of equal turns"])
@pytest.mark.parametrize("rate", [0.02, 0.5])
def test_chance_passes_the_threshold_as_seldom_as_said(turns: int, rate: float) -> None:
    rng = np.random.default_rng(7)
    conversation = np.repeat(np.arange(120), turns)
    side = conversation < 80
    alarms = 0
    for _ in range(50):
        values = (rng.random(120) < rate).astype(float)[conversation]
        distance = wasserstein(values)
        alarms += distance(side) >= chance_threshold(distance, side, conversation, level=0.05, rng=rng)
    assert alarms <= 7, "2.5 are expected; 8 or more happen in 0.3 % of runs"


def test_a_level_that_needs_more_rounds_gets_them() -> None:
    values = np.random.default_rng(1).normal(size=500)
    found = [
        chance_threshold(wasserstein(values), SIDES, np.arange(500), level=level, rng=np.random.default_rng(2))
        for level in (0.05, 0.0005)
    ]
    assert found[0] < found[1] < float("inf")


def test_equal_weights_bring_back_every_row_once() -> None:
    rows = representative_rows(np.full(100, 0.03), np.random.default_rng(1))
    assert rows.tolist() == list(range(100))


def test_a_row_comes_back_in_proportion_to_what_it_stands_for() -> None:
    probability = np.repeat([1.0, 0.1], [1_000, 1_000])
    rows = representative_rows(probability, np.random.default_rng(1))
    assert len(rows) == effective_size(probability) == round(11_000**2 / 101_000)
    assert (rows >= 1_000).mean() == pytest.approx(10 / 11, abs=0.002)


def test_no_rows_stay_no_rows() -> None:
    assert representative_rows(np.zeros(0), np.random.default_rng(1)).tolist() == []
