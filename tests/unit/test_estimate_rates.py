"""The weighted rate: hand-computed cases, the rules for odd strata, missing verdicts, bad input."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binomtest

from monitor.estimate.rates import RateEstimate, SampleTerms, StratumTotal, weighted_rate


def terms(
    value: Sequence[float],
    *,
    pi: Sequence[float] | float = 1.0,
    stratum: Sequence[int] | int = 0,
    conversation: Sequence[int] | None = None,
    unscored: Sequence[bool] | None = None,
) -> SampleTerms:
    n = len(value)
    return SampleTerms(
        value=np.array(value, dtype=np.float64),
        pi=np.broadcast_to(np.array(pi, dtype=np.float64), (n,)),
        stratum=np.broadcast_to(np.array(stratum, dtype=np.int64), (n,)),
        conversation=np.arange(n) if conversation is None else np.array(conversation, dtype=np.int64),
        unscored=None if unscored is None else np.array(unscored, dtype=np.bool_),
    )


def total(sampled: int, sampled_out: int, name: str = "all") -> StratumTotal:
    return StratumTotal(name=name, sampled=sampled, sampled_out=sampled_out)


def interval(estimate: RateEstimate) -> tuple[float, float]:
    return estimate.low, estimate.high


def test_strata_are_weighted_by_their_exact_totals() -> None:
    sample = terms([1, 0, 0, 1, 0, 0, 1], pi=[0.5] * 4 + [0.1] * 3, stratum=[0] * 4 + [1] * 3)
    estimate = weighted_rate(sample, [total(4, 6, "a"), total(3, 27, "b")])
    assert estimate.rate == pytest.approx(10 / 40 * 0.5 + 30 / 40 / 3)
    assert (estimate.n_population, estimate.n_population_estimated) == (40, False)
    assert (estimate.n_sampled, estimate.n_scored, estimate.coverage) == (7, 7, 1.0)
    assert estimate.collapsed == ()


def test_a_stratum_with_two_policies_is_weighted_inside_by_pi() -> None:
    estimate = weighted_rate(terms([1, 0, 0], pi=[0.5, 0.25, 0.25]), [total(3, 7)])
    assert estimate.rate == pytest.approx(2 / (2 + 4 + 4))


def test_a_segment_estimates_its_population_and_says_so() -> None:
    estimate = weighted_rate(terms([1, 0, 0, 1], pi=[0.5, 0.5, 0.1, 0.1], stratum=[7, 7, 9, 9]), None)
    assert estimate.rate == pytest.approx((2 + 10) / 24)
    assert (estimate.n_population, estimate.n_population_estimated) == (24, True)
    assert estimate.method.startswith("domain")


@pytest.mark.parametrize("positives", [0, 1, 7, 29, 30])
@pytest.mark.parametrize("strata", [1, 3])
def test_a_census_of_single_turns_has_the_plain_clopper_pearson_interval(positives: int, strata: int) -> None:
    values = [1.0] * positives + [0.0] * (30 - positives)
    codes = [i % strata for i in range(30)]
    totals = [total(codes.count(code), 0, str(code)) for code in range(strata)]
    estimate = weighted_rate(terms(values, stratum=codes), totals)
    exact = binomtest(positives, 30).proportion_ci(0.95, method="exact")
    assert interval(estimate) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert estimate.n_effective == pytest.approx(30)
    assert estimate.design_effect == pytest.approx(1)


def test_a_census_of_the_window_leaves_nothing_to_chance() -> None:
    estimate = weighted_rate(terms([1, 0, 0, 0]), [total(4, 0)], target="window")
    assert interval(estimate) == (0.25, 0.25)
    assert (estimate.n_effective, estimate.design_effect) == (None, None)


def test_the_window_interval_lies_inside_the_process_interval() -> None:
    sample = terms([1, 0, 0, 0] * 25, pi=0.5)
    process = weighted_rate(sample, [total(100, 100)])
    window = weighted_rate(sample, [total(100, 100)], target="window")
    assert process.low < window.low < window.high < process.high
    assert (window.n_effective or 0) == pytest.approx(200)


def test_turns_that_always_agree_count_once_a_conversation() -> None:
    values = np.repeat([1.0, 0, 0, 0] * 25, 4)
    estimate = weighted_rate(terms(list(values), conversation=list(np.repeat(range(100), 4))), [total(400, 0)])
    assert estimate.n_effective == pytest.approx(100, rel=0.03)
    assert estimate.design_effect == pytest.approx(4, rel=0.03)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_without_variance_the_size_comes_from_weights_and_conversations(value: float) -> None:
    sample = terms([value] * 60, pi=0.1, conversation=list(np.repeat(range(20), 3)))
    estimate = weighted_rate(sample, [total(60, 540)])
    assert estimate.n_effective == pytest.approx(20)
    assert estimate.low <= value <= estimate.high
    assert estimate.high - estimate.low > 0.1


def test_a_group_without_a_positive_still_widens_the_high_limit() -> None:
    heavy_zero = terms(
        [1.0] * 20 + [0.0] * 80 + [0.0] * 100, pi=[1.0] * 100 + [0.01] * 100, stratum=[0] * 100 + [1] * 100
    )
    estimate = weighted_rate(heavy_zero, [total(100, 0, "trigger"), total(100, 9900, "plain")])
    assert estimate.rate == pytest.approx(20 / 10100)
    # Zero of 100 alone leaves up to 3.6 % open in the stratum that is 99 % of the traffic.
    assert estimate.high > 0.035


def test_missing_verdicts_widen_to_the_worst_cases() -> None:
    nan = float("nan")
    known = [1.0] * 10 + [0.0] * 80
    estimate = weighted_rate(
        terms([*known, *[nan] * 10], unscored=[False] * 90 + [True] * 4 + [False] * 6), [total(100, 0)]
    )
    lowest = weighted_rate(terms([*known, *[0.0] * 10]), [total(100, 0)])
    highest = weighted_rate(terms([*known, *[1.0] * 10]), [total(100, 0)])
    assert estimate.rate == pytest.approx(10 / 90)
    assert interval(estimate) == pytest.approx((lowest.low, highest.high))
    assert (estimate.n_scored, estimate.n_unscored, estimate.n_due) == (90, 4, 6)
    assert estimate.coverage == pytest.approx(0.9)


def test_sampled_records_without_a_row_are_due() -> None:
    estimate = weighted_rate(terms([1, 0, 0]), [total(5, 0, "a"), total(1, 9, "b")])
    assert (estimate.n_sampled, estimate.n_scored, estimate.n_due, estimate.coverage) == (6, 3, 3, 0.5)
    # Stratum b, two thirds of the window, has no verdict at all.
    assert estimate.rate == pytest.approx(1 / 3)
    assert estimate.low < 0.1
    assert estimate.high > 0.9


def test_a_stratum_without_a_sample_is_taken_at_its_worst() -> None:
    sample = terms([0.0] * 50 + [1.0] * 50)
    alone = weighted_rate(sample, [total(100, 0, "seen")])
    estimate = weighted_rate(sample, [total(100, 0, "seen"), total(0, 25, "never")])
    assert estimate.rate == alone.rate
    assert interval(estimate) == pytest.approx((alone.low * 0.8, alone.high * 0.8 + 0.2))
    assert (estimate.n_unobserved, estimate.collapsed) == (25, ("never",))


def test_small_strata_of_like_probability_stand_for_their_unsampled_siblings() -> None:
    totals = [total(1 if code < 30 else 0, 9 if code < 30 else 10, str(code)) for code in range(60)]
    sample = terms([1.0, 0.0] * 15, pi=0.05, stratum=list(range(30)))
    estimate = weighted_rate(sample, totals)
    assert estimate.rate == pytest.approx(0.5)
    assert estimate.n_unobserved == 0
    assert len(estimate.collapsed) == 60


def test_a_small_stratum_joins_the_largest_of_like_probability() -> None:
    sample = terms([1.0, 1.0] + [0.0] * 40, stratum=[0, 0] + [1] * 40, pi=0.5)
    estimate = weighted_rate(sample, [total(2, 8, "tiny"), total(40, 40, "large")])
    assert estimate.rate == pytest.approx(2 / 42)
    assert estimate.collapsed == ("tiny", "large")


def test_a_small_stratum_of_unlike_probability_stays_alone() -> None:
    sample = terms([1.0, 0.0] + [0.0] * 40, stratum=[0, 0] + [1] * 40, pi=[0.01] * 2 + [1.0] * 40)
    estimate = weighted_rate(sample, [total(2, 158, "tiny"), total(40, 0, "large")])
    assert estimate.rate == pytest.approx(0.4)
    assert estimate.high - estimate.low > 0.7
    assert estimate.collapsed == ()


def test_a_cell_with_nothing_scored_takes_the_mean_of_the_others() -> None:
    sample = terms([1.0, 0.0] * 20 + [float("nan")] * 40, stratum=[0] * 40 + [1] * 40)
    estimate = weighted_rate(sample, [total(40, 0, "a"), total(40, 0, "b")])
    assert estimate.rate == pytest.approx(0.5)
    assert estimate.low < 0.25
    assert estimate.high > 0.75


@pytest.mark.parametrize(
    ("sample", "population", "n_population", "n_due", "n_unobserved"),
    [
        (terms([]), [], 0, 0, 0),
        (terms([]), None, 0, 0, 0),
        (terms([]), [total(0, 12)], 12, 0, 12),
        (terms([float("nan")] * 3), [total(3, 0)], 3, 3, 0),
    ],
)
def test_with_nothing_scored_there_is_no_rate_and_every_rate_is_possible(
    sample: SampleTerms,
    population: list[StratumTotal] | None,
    n_population: int,
    n_due: int,
    n_unobserved: int,
) -> None:
    estimate = weighted_rate(sample, population)
    assert (estimate.rate, *interval(estimate), estimate.method) == (None, 0.0, 1.0, "no-data")
    assert (estimate.n_population, estimate.n_due, estimate.n_unobserved) == (
        n_population,
        n_due,
        n_unobserved,
    )
    assert estimate.coverage == (0.0 if n_due else None)
    assert (estimate.n_effective, estimate.design_effect) == (None, None)


def test_the_interval_shrinks_as_the_sample_grows() -> None:
    widths = []
    for times in (1, 4, 16):
        estimate = weighted_rate(terms([1.0, 0, 0, 0, 0] * 10 * times, pi=0.1), [total(50 * times, 450 * times)])
        widths.append(estimate.high - estimate.low)
    assert widths[0] > 1.7 * widths[1] > 1.7 * 1.7 * widths[2]


@pytest.mark.parametrize("pi", [0.0, -0.1, 1.01, float("nan"), float("inf")])
def test_a_probability_outside_its_range_is_refused(pi: float) -> None:
    with pytest.raises(ValueError, match="probability pi must lie"):
        terms([1.0, 0.0], pi=[0.5, pi])


@pytest.mark.parametrize("value", [-0.1, 1.1, float("inf")])
def test_a_value_outside_its_range_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="every value must lie"):
        terms([value])


def test_terms_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="share one shape"):
        terms([1.0, 0.0], conversation=[1])
    with pytest.raises(ValueError, match="codes must be >= 0"):
        terms([1.0], stratum=-1)
    with pytest.raises(ValueError, match="unscored and have a value"):
        terms([1.0], unscored=[True])
    with pytest.raises(ValueError, match="counts must be >= 0"):
        total(-1, 3)


def test_totals_that_contradict_the_sample_are_refused() -> None:
    with pytest.raises(ValueError, match="has 3 sampled records, its total is only 2"):
        weighted_rate(terms([1, 0, 0]), [total(1, 1)])
    with pytest.raises(ValueError, match="code 2 has no total"):
        weighted_rate(terms([1], stratum=2), [total(1, 1)])
    with pytest.raises(ValueError, match="same name"):
        weighted_rate(terms([1]), [total(1, 1), total(0, 1)])


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, float("nan")])
def test_a_confidence_outside_its_range_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence must lie"):
        weighted_rate(terms([1]), [total(1, 1)], confidence=confidence)


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(ValueError, match="target must be one of"):
        weighted_rate(terms([1]), [total(1, 1)], target="population")  # type: ignore[arg-type]
