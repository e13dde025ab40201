"""The interval's safeguards, one by one."""

import math

import pytest

from monitor.estimate.intervals import Part, clopper_pearson, combine, effective_size


def size(**changes: float) -> float:
    """Give the effective size of 1,000 plain single-turn records with rate 10 %, changed as said."""
    case = {
        "rate": 0.1,
        "variance": 0.1 * 0.9 / 1000,
        "records": 1000,
        "clusters": 1000.0,
        "informative": 100,
        "weights_size": 1000.0,
        "ceiling": 1000.0,
        "confidence": 0.95,
    }
    return effective_size(**{**case, **changes})  # type: ignore[arg-type]


def test_plain_records_count_fully() -> None:
    assert size() == pytest.approx(1000)


def test_a_chance_low_variance_never_counts_more_than_the_records() -> None:
    assert size(variance=1e-9) == pytest.approx(1000)


def test_a_variance_from_few_conversations_is_averaged_with_what_the_weights_say() -> None:
    # One informative conversation against the prior's one: the harmonic mean of 1,000 and 250.
    assert size(informative=1, weights_size=250.0) == pytest.approx(2 / (1 / 1000 + 1 / 250))
    assert size(informative=10_000, weights_size=250.0) == pytest.approx(1000, rel=1e-3)


def test_few_conversations_cost_degrees_of_freedom() -> None:
    # Student's t at 97.5 %: 1.962 with 999 degrees of freedom, 2.262 with 9.
    assert size(clusters=10.0) == pytest.approx(1000 * (1.9623 / 2.2622) ** 2, rel=1e-3)
    assert size(clusters=1.0) < 30


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_at_the_boundary_only_the_weights_are_left(rate: float) -> None:
    assert size(rate=rate, variance=0.0, weights_size=250.0) == 250.0


def part(*, rate: float, share: float = 0.5, count: float = 100.0) -> Part:
    return Part(share=share, rate=rate, variance=rate * (1.0 - rate) / count, size=count)


def test_one_part_gives_its_own_interval() -> None:
    alone = combine([part(rate=0.2, share=1.0)], variance=0.0016, confidence=0.95)
    assert alone == pytest.approx(clopper_pearson(rate=0.2, size=100.0, confidence=0.95))


def test_distances_to_the_limits_add_in_squares() -> None:
    low, high = clopper_pearson(rate=0.2, size=100.0, confidence=0.95)
    both = combine([part(rate=0.2), part(rate=0.2)], variance=0.0, confidence=0.95)
    assert both == pytest.approx((0.2 - (0.2 - low) / math.sqrt(2), 0.2 + (high - 0.2) / math.sqrt(2)))


def test_what_the_parts_share_widens_the_whole() -> None:
    parts = [part(rate=0.2), part(rate=0.2)]
    low, high = clopper_pearson(rate=0.2, size=100.0, confidence=0.95)
    # Fully dependent parts have twice the variance of independent ones, and the interval of one of them.
    assert combine(parts, variance=0.0016, confidence=0.95) == pytest.approx((low, high))
