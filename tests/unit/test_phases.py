"""The three-phase rate: hand-computed cases, what is left when a phase is missing, missing verdicts, bad input."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from monitor.estimate.phases import PhaseEstimate, PhaseTerms, Tuning, phase_rate
from monitor.estimate.rates import SampleTerms, StratumTotal, weighted_rate

NAN = math.nan
TRUTH = (0.7 * 10 * 0.1 + 0.3 * 2 * 0.4) / (0.7 * 10 + 0.3 * 2)
"""The rate of `world`."""


def terms(
    *,
    f: Sequence[float] | float = NAN,
    g: Sequence[float | None] | None = None,
    y: Sequence[float | None] | None = None,
    pi1: Sequence[float] | float = 1.0,
    pi2: Sequence[float] | float = 1.0,
    pi3: Sequence[float] | float = 1.0,
    stratum: Sequence[int] | int = 0,
    conversation: Sequence[int] | None = None,
    n: int | None = None,
) -> PhaseTerms:
    """Make records; None in g or y is a record that was not selected, NaN one whose value is missing."""
    n = n or len(g if g is not None else f if isinstance(f, Sequence) else [])
    g, y = g or [None] * n, y or [None] * n

    def floats(values: object) -> np.ndarray:
        return np.broadcast_to(np.array(values, dtype=np.float64), (n,))

    return PhaseTerms(
        pi1=floats(pi1),
        stratum=np.broadcast_to(np.array(stratum, dtype=np.int64), (n,)),
        conversation=np.arange(n) if conversation is None else np.array(conversation, dtype=np.int64),
        f=floats(f),
        selected2=np.array([value is not None for value in g], dtype=np.bool_),
        pi2=floats(pi2),
        g=floats([NAN if value is None else value for value in g]),
        selected3=np.array([value is not None for value in y], dtype=np.bool_),
        pi3=floats(pi3),
        y=floats([NAN if value is None else value for value in y]),
    )


def total(sampled: int, sampled_out: int, name: str = "all") -> StratumTotal:
    return StratumTotal(name=name, sampled=sampled, sampled_out=sampled_out)


def interval(estimate: PhaseEstimate) -> tuple[float, float]:
    return estimate.low, estimate.high


def world(seed: int = 1, n: int = 3000) -> tuple[PhaseTerms, list[StratumTotal]]:
    """Give a window with all three phases: 2 strata, 1 in 3 judged, 1 in 3 of those labelled."""
    rng = np.random.default_rng(seed)
    stratum = (rng.random(n) < 0.3).astype(np.int64)
    y = (rng.random(n) < np.where(stratum == 1, 0.4, 0.1)).astype(np.float64)
    g = np.where(rng.random(n) < 0.1, 1.0 - y, y)
    selected2 = rng.random(n) < 1 / 3
    selected3 = selected2 & (rng.random(n) < 1 / 3)
    made = PhaseTerms(
        pi1=np.where(stratum == 1, 0.5, 0.1),
        stratum=stratum,
        conversation=rng.integers(0, n // 2, n),
        f=np.clip(0.6 * y + 0.4 * rng.random(n), 0.0, 1.0),
        selected2=selected2,
        pi2=np.full(n, 1 / 3),
        g=np.where(selected2, g, NAN),
        selected3=selected3,
        pi3=np.full(n, 1 / 3),
        y=np.where(selected3, y, NAN),
    )
    counts = np.bincount(stratum, minlength=2).tolist()
    return made, [total(counts[0], 9 * counts[0], "plain"), total(counts[1], counts[1], "trigger")]


def test_the_sum_is_the_formula_with_fixed_tuning() -> None:
    sample = terms(
        f=[0.9, 0.1, 0.4, 0.6, 0.2], g=[1, 0, None, 1, 0], y=[1, 1, None, 0, None], pi2=[1, 0.5, 0.5, 1, 0.5], pi3=0.5
    )
    estimate = phase_rate(sample, None, tuning=Tuning(l1=0.5, l2=0.8))
    first = 0.5 * (0.9 + 0.1 + 0.4 + 0.6 + 0.2) / 5
    second = ((0.8 - 0.45) + 2 * (0 - 0.05) + (0.8 - 0.3) + 2 * (0 - 0.1)) / 6
    third = (2 * (1 - 0.8) + 4 * 1 + 2 * (0 - 0.8)) / 8
    assert [estimate.classifier.value, estimate.judge.value, estimate.human.value] == pytest.approx(
        [first, second, third]
    )
    assert estimate.rate == pytest.approx(first + second + third)
    assert [part.n for part in (estimate.classifier, estimate.judge, estimate.human)] == [5, 4, 3]


def test_every_term_is_there_and_adds_up() -> None:
    estimate = phase_rate(*world())
    parts = (estimate.classifier, estimate.judge, estimate.human)
    assert estimate.rate == pytest.approx(sum(part.value for part in parts))
    assert estimate.variance == pytest.approx(sum(part.variance for part in parts))
    assert sum(cell.share for cell in estimate.cells) == pytest.approx(1.0)
    assert sum(cell.n for cell in estimate.cells) == estimate.human.n
    # With the tuned l2 the sum is the mean of what humans say of each verdict, weighted by the verdicts' shares.
    assert estimate.rate == pytest.approx(sum(cell.share * cell.rate for cell in estimate.cells))
    assert (estimate.corrected, estimate.source, estimate.missing) == (True, "human", 0.0)


def test_without_a_judge_it_is_the_existing_estimate_of_the_classifier() -> None:
    sample, totals = world()
    none = np.zeros_like(sample.selected2)
    empty = np.full_like(sample.g, NAN)
    for population in (totals, None):
        estimate = phase_rate(replace(sample, selected2=none, selected3=none, g=empty, y=empty), population)
        plain = weighted_rate(
            SampleTerms(value=sample.f, pi=sample.pi1, stratum=sample.stratum, conversation=sample.conversation),
            population,
        )
        assert (estimate.rate, *interval(estimate)) == (plain.rate, plain.low, plain.high)
        assert (estimate.corrected, estimate.source) == (False, "classifier")


@pytest.mark.parametrize("target", ["process", "window"])
@pytest.mark.parametrize("segment", [False, True])
def test_with_every_record_judged_and_no_label_it_is_the_existing_estimate_of_the_judge(
    target: str, segment: bool
) -> None:
    sample, totals = world()
    rng = np.random.default_rng(3)
    g = (rng.random(sample.g.size) < 0.2).astype(np.float64)
    everyone, nobody = np.ones_like(sample.selected2), np.zeros_like(sample.selected2)
    judged = replace(sample, selected2=everyone, pi2=np.ones(g.size), g=g, selected3=nobody, y=np.full_like(g, NAN))
    population = None if segment else totals
    estimate = phase_rate(judged, population, target=target)  # type: ignore[arg-type]
    plain = weighted_rate(
        SampleTerms(value=g, pi=sample.pi1, stratum=sample.stratum, conversation=sample.conversation),
        population,
        target=target,  # type: ignore[arg-type]
    )
    assert (estimate.rate, *interval(estimate)) == pytest.approx((plain.rate, plain.low, plain.high), abs=1e-12)
    assert (estimate.corrected, estimate.source) == (False, "judge")


def test_without_labels_it_is_the_judges_rate_and_says_so() -> None:
    sample, totals = world()
    nobody = np.zeros_like(sample.selected3)
    estimate = phase_rate(replace(sample, selected3=nobody, y=np.full_like(sample.y, NAN)), totals)
    assert (estimate.corrected, estimate.source, estimate.tuning.l2) == (False, "judge", 1.0)
    assert estimate.rate == estimate.judge_rate
    # Chosen for a human, and nobody has answered yet: the same.
    waiting = phase_rate(replace(sample, y=np.full_like(sample.y, NAN)), totals)
    assert (waiting.rate, interval(waiting)) == (estimate.rate, interval(estimate))
    assert waiting.human.n_missing == int(sample.selected3.sum())


def test_without_a_judge_humans_take_its_place() -> None:
    sample, totals = world()
    estimate = phase_rate(replace(sample, g=np.full_like(sample.g, NAN)), totals)
    assert (estimate.corrected, estimate.source) == (True, "human")
    assert (estimate.judge.n, estimate.human.n) == (0, int(sample.selected3.sum()))
    assert estimate.rate == pytest.approx(estimate.classifier.value + estimate.human.value)
    assert estimate.low < TRUTH < estimate.high


def test_a_classifier_that_foretells_the_judge_shortens_the_interval() -> None:
    sample, totals = world()
    aided, alone = phase_rate(sample, totals), phase_rate(replace(sample, f=np.full_like(sample.f, NAN)), totals)
    assert aided.variance < 0.9 * alone.variance
    assert aided.high - aided.low < alone.high - alone.low
    assert alone.tuning.l1 == 0.0


def test_a_verdict_that_no_label_saw_is_open_from_no_to_yes() -> None:
    verdicts: Sequence[float | None] = [1.0] * 20 + [0.0] * 180
    labels: list[float | None] = [None] * 20 + [0.0] * 90 + [None] * 90
    estimate = phase_rate(terms(g=verdicts, y=labels, pi3=0.45), [total(200, 0)])
    # The judge is believed for the point, and not for the interval.
    assert estimate.rate == pytest.approx(0.1)
    assert estimate.low == 0.0
    unseen = next(cell for cell in estimate.cells if cell.verdict == 1)
    assert (unseen.n, unseen.low, unseen.high) == (0, 0.0, 1.0)


def test_labels_without_a_disagreement_leave_open_what_so_few_cannot_tell() -> None:
    verdicts: Sequence[float | None] = [1.0] * 10 + [0.0] * 990
    labels: list[float | None] = [1.0] * 10 + [0.0] * 40 + [None] * 950
    estimate = phase_rate(terms(g=verdicts, y=labels, pi3=[1.0] * 10 + [40 / 990] * 990), [total(1000, 0)])
    assert estimate.rate == pytest.approx(0.01)
    assert estimate.human.variance == pytest.approx(0.0, abs=1e-12)
    # 0 of 40 leaves up to 7 % open.
    assert 0.06 < estimate.high < 0.1


def test_missing_verdicts_are_bounds_and_counted() -> None:
    known: Sequence[float | None] = [1.0] * 30 + [0.0] * 60
    sample = terms(g=[*known, *[NAN] * 10])
    estimate = phase_rate(sample, [total(100, 0)])
    lowest = phase_rate(terms(g=[*known, *[0.0] * 10]), [total(100, 0)])
    highest = phase_rate(terms(g=[*known, *[1.0] * 10]), [total(100, 0)])
    assert estimate.rate == pytest.approx(1 / 3)
    assert interval(estimate) == pytest.approx((lowest.low, highest.high))
    assert estimate.missing == pytest.approx(0.1)
    assert (estimate.judge.n_selected, estimate.judge.n_missing, estimate.judge.coverage) == (100, 10, 0.9)
    assert estimate.low < estimate.sampling_low < estimate.sampling_high < estimate.high


def test_labels_do_not_speak_for_what_the_judge_could_not_answer() -> None:
    verdicts: Sequence[float | None] = [1.0] * 100 + [0.0] * 100 + [NAN] * 50
    labels: list[float | None] = [1.0] * 100 + [0.0] * 100 + [None] * 50
    estimate = phase_rate(terms(g=verdicts, y=labels), [total(250, 0)])
    assert estimate.missing == pytest.approx(0.2)
    assert estimate.low < 100 / 250 < 150 / 250 < estimate.high


def test_sampled_records_without_a_row_widen_the_interval() -> None:
    sample, totals = world()
    whole = phase_rate(sample, totals)
    counted = [total(2 * one.sampled, one.sampled_out - one.sampled, one.name) for one in totals]
    halved = phase_rate(sample, counted)
    assert halved.rate == pytest.approx(whole.rate)
    assert halved.unobserved == pytest.approx(0.5)
    assert interval(halved) == pytest.approx((0.5 * whole.low, 0.5 * whole.high + 0.5))
    assert halved.classifier.n_missing == sample.f.size


def test_a_full_count_leaves_nothing_to_chance_in_the_window() -> None:
    estimate = phase_rate(terms(g=[1, 0, 0, 0], y=[1, 1, 0, 0]), [total(4, 0)], target="window")
    assert (estimate.rate, *interval(estimate)) == pytest.approx((0.5, 0.5, 0.5))


def test_nothing_judged_and_nothing_sampled_is_no_rate() -> None:
    waiting = phase_rate(terms(g=[NAN] * 5), [total(5, 5)])
    nothing = phase_rate(terms(f=[]), [total(0, 50)])
    for estimate in (waiting, nothing):
        assert (estimate.rate, interval(estimate), estimate.source) == (None, (0.0, 1.0), "none")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pi1": np.array([0.0, 1, 1])}, "every pi1"),
        ({"pi2": np.array([NAN, 1, 1])}, "every pi2"),
        ({"pi3": np.array([2.0, 1, 1])}, "every pi3"),
        ({"f": np.array([1.5, 0, 0])}, "every f"),
        ({"g": np.array([0.5, 0, NAN])}, "every g"),
        ({"g": np.array([1.0, 0, 1])}, "not selected for it"),
        ({"y": np.array([1.0, 0, NAN])}, "not selected for it"),
        ({"selected3": np.array([True, False, True])}, "not for the judge"),
        ({"stratum": np.array([0, 0, -1])}, "stratum codes"),
        ({"f": np.zeros(2)}, "one shape"),
    ],
)
def test_what_would_give_a_wrong_number_is_refused(change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(terms(f=0.5, g=[1, 0, None], y=[1, None, None]), **change)


def test_wrong_arguments_are_refused() -> None:
    sample = terms(g=[1, 0])
    with pytest.raises(ValueError, match="confidence"):
        phase_rate(sample, None, confidence=1.0)
    with pytest.raises(ValueError, match="target"):
        phase_rate(sample, None, target="day")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="has no total"):
        phase_rate(terms(g=[1, 0], stratum=1), [total(2, 0)])
    with pytest.raises(ValueError, match="same name"):
        phase_rate(sample, [total(2, 0), total(0, 0)])
    with pytest.raises(ValueError, match="more sampled records"):
        phase_rate(sample, [total(1, 0)])
    with pytest.raises(ValueError, match="l1 and l2"):
        Tuning(l1=2.0, l2=0.0)
