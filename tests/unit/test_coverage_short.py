"""Nominal 95 % intervals in the hard corners of the coverage simulation; the whole grid is `make coverage`.

Seeded. Each count is held against a bound that an interval of exactly 95 % misses with a chance below 1 in 10,000.
"""

from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from bench import coverage_world
from bench.coverage import measure
from bench.coverage_world import Case, draw
from monitor.estimate.phase_terms import PhaseTerms
from monitor.estimate.phases import phase_rate
from monitor.estimate.rates import SampleTerms, weighted_rate
from monitor.estimate.sequences import Look, anytime, join, look
from monitor.estimate.terms import StratumTotal

WINDOWS = 300
TRAJECTORIES = 150


def least(windows: int) -> float:
    """Give the share of covering intervals that a correct one stays below with a chance under 1e-4."""
    return float(stats.binom.ppf(1e-4, windows, 0.95)) / windows


@pytest.fixture
def alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make all turns of a conversation the same, and judge every sampled one."""
    monkeypatch.setattr(coverage_world, "CORRELATION", 1.0)
    monkeypatch.setattr(coverage_world, "JUDGED", 100_000)


@pytest.mark.parametrize(
    "case",
    [
        # Rare, and few labels: most windows have no label that says yes.
        Case(rate=0.005, sensitivity=0.7, specificity=0.99, labels=50, classifier="good"),
        # A judge that is wrong in three of ten either way, with enough labels to see it.
        Case(rate=0.1, sensitivity=0.7, specificity=0.8, labels=300, classifier="weak"),
        Case(rate=0.5, sensitivity=0.7, specificity=0.8, labels=300, classifier="good"),
        # A classifier that says the opposite.
        Case(rate=0.5, sensitivity=0.99, specificity=0.99, labels=50, classifier="inverted"),
        # The judge's own rate, from probabilities down to 0.1 % times the judge's.
        Case(rate=0.005, sensitivity=0.7, specificity=0.99, labels=0, classifier="inverted"),
        # The judge looks most where the classifier doubts, and so least at what is a yes.
        Case(rate=0.1, sensitivity=0.99, specificity=0.99, labels=0, classifier="inverted"),
    ],
    ids=lambda case: f"{case.labels} labels, rate {case.rate}, {case.classifier}",
)
def test_three_phase_intervals_cover(case: Case) -> None:
    assert measure(case, WINDOWS).coverage >= least(WINDOWS)


@pytest.mark.usefixtures("alike")
@pytest.mark.parametrize("labels", [0, 300])
def test_three_phase_intervals_cover_where_turns_of_a_conversation_are_alike(labels: int) -> None:
    case = Case(rate=0.5, sensitivity=1.0, specificity=1.0, labels=labels, classifier="useless", conversations=30_000)
    assert measure(case, WINDOWS).coverage >= least(WINDOWS)


@pytest.mark.parametrize("rate", [0.005, 0.1])
def test_the_weighted_rate_covers_with_probabilities_down_to_a_thousandth(
    monkeypatch: pytest.MonkeyPatch, rate: float
) -> None:
    monkeypatch.setattr(coverage_world, "JUDGED", 100_000)
    case = Case(rate=rate, sensitivity=1.0, specificity=1.0, labels=0, classifier="useless")
    assert share_covered(case) >= least(WINDOWS)


@pytest.mark.usefixtures("alike")
def test_the_weighted_rate_covers_where_turns_of_a_conversation_are_alike() -> None:
    case = Case(rate=0.5, sensitivity=1.0, specificity=1.0, labels=0, classifier="useless", conversations=30_000)
    assert share_covered(case) >= least(WINDOWS)


def share_covered(case: Case) -> float:
    """Give the share of windows whose `weighted_rate` covers, where every sampled record has the true verdict."""
    rng = np.random.default_rng(20_240_602)
    covered = 0
    for _ in range(WINDOWS):
        terms, totals = draw(case, rng)
        found = weighted_rate(
            SampleTerms(value=terms.g, pi=terms.pi1, stratum=terms.stratum, conversation=terms.conversation), totals
        )
        covered += found.low <= case.rate <= found.high
    return covered / WINDOWS


def test_a_confidence_sequence_of_joined_windows_covers_at_every_look_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(coverage_world, "JUDGED", 60)
    case = Case(rate=0.5, sensitivity=0.7, specificity=0.8, labels=20, classifier="good", conversations=20_000)
    rng = np.random.default_rng(5)
    missed = fixed = 0
    for _ in range(TRAJECTORIES):
        seen = list(looks(draw(case, rng) for _ in range(30)))
        sequence = [anytime(one) for one in seen]
        missed += not all(one.low <= case.truth <= one.high for one in sequence)
        fixed += not all(one.rate - 1.96 * one.below <= case.truth <= one.rate + 1.96 * one.above for one in seen)
    assert 1.0 - missed / TRAJECTORIES >= least(TRAJECTORIES)
    # What a fixed interval that is looked at as often does not do.
    assert 1.0 - fixed / TRAJECTORIES < least(TRAJECTORIES)


def looks(windows: Iterator[tuple[PhaseTerms, list[StratumTotal]]]) -> Iterator[Look]:
    """Give what is known after each window."""
    joined: Look | None = None
    for terms, totals in windows:
        one = look(phase_rate(terms, totals))
        assert one is not None
        joined = one if joined is None else join([joined, one])
        yield joined
