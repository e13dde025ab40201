"""The variance against its definition, pair by pair, and the interval's shape, on random designs."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.estimate.intervals import clopper_pearson
from monitor.estimate.rates import SampleTerms, StratumTotal, Target, weighted_rate
from monitor.estimate.variance import Floats, Ints, cluster_index, cluster_order, kish_size, pair_sum

PROBABILITY = st.sampled_from([0.001, 0.01, 0.1, 0.3, 0.5, 0.99, 1.0])
RECORD = st.tuples(st.floats(0.0, 1.0), PROBABILITY, st.integers(0, 4))
DESIGN = st.lists(RECORD, min_size=1, max_size=12)


def arrays(records: list[tuple[float, float, int]]) -> tuple[Floats, Floats, Ints]:
    """Give value, pi and conversation numbers, in `cluster_order`."""
    value, pi, conversation = (np.array(column) for column in zip(*records, strict=True))
    order = cluster_order(conversation, pi)
    return value[order], pi[order], cluster_index(conversation[order])


@settings(deadline=None)
@given(DESIGN)
def test_the_pair_sums_equal_their_definition(records: list[tuple[float, float, int]]) -> None:
    value, pi, cluster = arrays(records)
    residual = value - value.mean()
    design = squared_totals = 0.0
    for i in range(value.size):
        for j in range(value.size):
            if cluster[i] == cluster[j]:
                joint = min(pi[i], pi[j])
                product = residual[i] * residual[j]
                design += (joint - pi[i] * pi[j]) / joint * product / (pi[i] * pi[j])
                squared_totals += product / joint
    scale = float(np.sum((residual / pi) ** 2)) + 1e-12
    assert abs(pair_sum(residual / pi, 1.0 - pi, cluster) - design) <= 1e-9 * scale
    assert abs(pair_sum(residual / pi, pi, cluster) - squared_totals) <= 1e-9 * scale
    assert pair_sum(residual / pi, 1.0 - pi, cluster) >= -1e-9 * scale


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-1.0, 1.0), PROBABILITY), min_size=1, max_size=6))
def test_the_design_variance_is_unbiased_over_every_draw_of_one_conversation(
    records: list[tuple[float, float]],
) -> None:
    value, pi, cluster = arrays([(value, pi, 0) for value, pi in records])
    z = value / pi
    mean = square = estimated = 0.0
    edges = sorted({0.0, 1.0, *pi.tolist()})
    for low, high in pairwise(edges):
        kept = pi >= high
        mean += (high - low) * float(z[kept].sum())
        square += (high - low) * float(z[kept].sum()) ** 2
        estimated += (high - low) * pair_sum(z[kept], 1.0 - pi[kept], cluster[kept])
    assert abs(estimated - (square - mean**2)) <= 1e-9 * (square + 1e-12)


def test_a_hand_computed_pair() -> None:
    # pi 0.2 and 0.5, z = 1 and 2: 0.8 * 1 + 0.5 * 4 + 2 * 0.5 * 1 * 2.
    pi = np.array([0.2, 0.5])
    assert pair_sum(np.array([1.0, 2.0]), 1.0 - pi, np.array([0, 0])) == pytest.approx(4.8)
    # In two conversations the cross term is gone.
    assert pair_sum(np.array([1.0, 2.0]), 1.0 - pi, np.array([0, 1])) == pytest.approx(2.8)
    assert pair_sum(np.zeros(0), np.zeros(0), cluster_index(np.zeros(0, dtype=np.int64))) == 0.0


def test_kish_counts_equal_weights() -> None:
    assert kish_size(np.full(7, 3.0)) == pytest.approx(7)
    assert kish_size(np.array([1.0, 0.0])) == pytest.approx(1)
    assert kish_size(np.zeros(2)) == 0.0


MISSING = st.sampled_from([0.0, 1.0, 0.3, float("nan")])
ROW = st.tuples(MISSING, PROBABILITY, st.integers(0, 3), st.integers(0, 8))


@settings(deadline=None)
@given(
    rows=st.lists(ROW, min_size=1, max_size=40),
    sampled_out=st.lists(st.integers(0, 500), min_size=4, max_size=4),
    segment=st.booleans(),
    target=st.sampled_from(["process", "window"]),
)
def test_the_interval_contains_the_rate_and_grows_with_the_confidence(
    rows: list[tuple[float, float, int, int]], sampled_out: list[int], segment: bool, target: Target
) -> None:
    value, pi, stratum, conversation = (np.array(column) for column in zip(*rows, strict=True))
    terms = SampleTerms(value=value, pi=pi, stratum=stratum, conversation=conversation)
    totals = [
        StratumTotal(name=str(code), sampled=int(np.sum(stratum == code)), sampled_out=out)
        for code, out in enumerate(sampled_out)
    ]
    low, high = 1.0, 0.0
    for confidence in (0.5, 0.9, 0.95, 0.999):
        estimate = weighted_rate(terms, None if segment else totals, confidence=confidence, target=target)
        assert 0.0 <= estimate.low <= estimate.high <= 1.0
        assert estimate.rate is None or estimate.low <= estimate.rate <= estimate.high
        assert estimate.n_scored + estimate.n_unscored + estimate.n_due == estimate.n_sampled
        assert estimate.low <= low + 1e-9
        assert estimate.high >= high - 1e-9
        low, high = estimate.low, estimate.high


@settings(deadline=None)
@given(rate=st.floats(0.0, 1.0), size=st.floats(0.01, 1e6))
def test_clopper_pearson_contains_the_rate_and_shrinks_with_the_size(rate: float, size: float) -> None:
    low, high = clopper_pearson(rate=rate, size=size, confidence=0.95)
    assert 0.0 <= low <= rate <= high <= 1.0
    narrow_low, narrow_high = clopper_pearson(rate=rate, size=4.0 * size, confidence=0.95)
    assert narrow_high - narrow_low <= high - low + 1e-9
    assert clopper_pearson(rate=rate, size=float("inf"), confidence=0.95) == (rate, rate)
