"""The three-phase rate on random designs: what it must not depend on, and what missing values may be."""

from dataclasses import replace

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from monitor.estimate.phases import PhaseTerms, phase_rate
from monitor.estimate.terms import StratumTotal, Target

PROBABILITY = st.sampled_from([0.001, 0.02, 0.3, 0.5, 1.0])
VERDICT = st.sampled_from([0.0, 0.0, 1.0, float("nan")])
ROW = st.tuples(
    PROBABILITY,
    st.integers(0, 2),
    st.integers(0, 8),
    st.sampled_from([0.0, 0.1, 0.5, 0.9, float("nan")]),
    st.sampled_from([0, 1, 2, 2]),
    PROBABILITY,
    VERDICT,
    PROBABILITY,
    VERDICT,
)
ROWS = st.lists(ROW, min_size=1, max_size=40)


def terms(rows: list[tuple[float, ...]]) -> PhaseTerms:
    """Make records; the fifth column is the last phase that a record was selected for."""
    pi1, stratum, conversation, f, phase, pi2, g, pi3, y = (np.array(column) for column in zip(*rows, strict=True))
    return PhaseTerms(
        pi1=pi1,
        stratum=stratum,
        conversation=conversation,
        f=f,
        selected2=phase >= 1,
        pi2=pi2,
        g=np.where(phase >= 1, g, np.nan),
        selected3=phase == 2,
        pi3=pi3,
        y=np.where(phase == 2, y, np.nan),
    )


def totals(sample: PhaseTerms, factor: int = 3) -> list[StratumTotal]:
    """Give a ledger that fits the sample."""
    counts = np.bincount(sample.stratum, minlength=3).tolist()
    return [StratumTotal(name=str(code), sampled=n, sampled_out=(factor - 1) * n) for code, n in enumerate(counts)]


def close(one: float | None, other: float | None) -> bool:
    return (one is None and other is None) or abs((one or 0.0) - (other or 0.0)) < 1e-7


@settings(deadline=None, max_examples=60)
@given(rows=ROWS, segment=st.booleans(), target=st.sampled_from(["process", "window"]), seed=st.integers(0, 99))
def test_the_order_of_records_and_the_numbers_of_conversations_do_not_matter(
    rows: list[tuple[float, ...]], segment: bool, target: Target, seed: int
) -> None:
    sample = terms(rows)
    order = np.random.default_rng(seed).permutation(sample.f.size)
    shuffled = PhaseTerms(**{name: getattr(sample, name)[order] for name in PhaseTerms.__slots__})
    shuffled = replace(shuffled, conversation=100 - 7 * shuffled.conversation)
    population = None if segment else totals(sample)
    one, other = (phase_rate(part, population, target=target) for part in (sample, shuffled))
    assert close(one.rate, other.rate)
    assert close(one.low, other.low)
    assert close(one.high, other.high)


@settings(deadline=None, max_examples=60)
@given(rows=ROWS, factor=st.integers(2, 50))
def test_a_process_has_the_same_rate_and_interval_in_a_window_of_any_size(
    rows: list[tuple[float, ...]], factor: int
) -> None:
    sample = terms([(1.0, *row[1:]) for row in rows])
    one, other = (phase_rate(sample, totals(sample, scale)) for scale in (2, 2 * factor))
    assert close(one.rate, other.rate)
    assert close(one.low, other.low)
    assert close(one.high, other.high)


@settings(deadline=None, max_examples=60)
@given(rows=ROWS, segment=st.booleans(), target=st.sampled_from(["process", "window"]))
def test_the_interval_contains_the_rate_and_grows_with_the_confidence(
    rows: list[tuple[float, ...]], segment: bool, target: Target
) -> None:
    sample = terms(rows)
    low, high = 1.0, 0.0
    for confidence in (0.5, 0.9, 0.95, 0.999):
        found = phase_rate(sample, None if segment else totals(sample), confidence=confidence, target=target)
        assert 0.0 <= found.low <= found.high <= 1.0
        assert found.rate is None or found.low <= found.rate <= found.high
        assert found.low <= low + 1e-9
        assert found.high >= high - 1e-9
        low, high = found.low, found.high


@settings(deadline=None, max_examples=100)
@given(rows=ROWS, seed=st.integers(0, 999))
def test_the_bounds_contain_the_rate_for_whatever_the_missing_labels_turn_out_to_be(
    rows: list[tuple[float, ...]], seed: int
) -> None:
    # Verdicts all there, so that only labels are missing.
    sample = terms(rows)
    sample = replace(sample, g=np.where(sample.selected2 & np.isnan(sample.g), 0.0, sample.g))
    found = phase_rate(sample, totals(sample))
    if not found.corrected:
        return
    answers = np.random.default_rng(seed).integers(0, 2, sample.y.size).astype(np.float64)
    filled = replace(sample, y=np.where(sample.selected3 & np.isnan(sample.y), answers, sample.y))
    after = phase_rate(filled, totals(sample), tuning=found.tuning)
    assert after.rate is not None
    assert found.low - 1e-9 <= after.rate <= found.high + 1e-9


@settings(deadline=None, max_examples=100)
@given(rows=ROWS, seed=st.integers(0, 999))
def test_the_bounds_contain_the_judges_rate_for_whatever_its_missing_verdicts_turn_out_to_be(
    rows: list[tuple[float, ...]], seed: int
) -> None:
    sample = terms([(*row[:4], min(row[4], 1), *row[5:]) for row in rows])
    assume(sample.selected2.any())
    found = phase_rate(sample, totals(sample))
    answers = np.random.default_rng(seed).integers(0, 2, sample.g.size).astype(np.float64)
    filled = replace(sample, g=np.where(sample.selected2 & np.isnan(sample.g), answers, sample.g))
    after = phase_rate(filled, totals(sample), tuning=found.tuning if found.source == "judge" else None)
    assert after.rate is not None
    assert found.low - 1e-9 <= after.rate <= found.high + 1e-9
