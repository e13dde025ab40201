"""Seeded simulations: the rate is unbiased and its interval covers; the long form is `make coverage`."""

import numpy as np
import pytest

from monitor.estimate.rates import SampleTerms, StratumTotal, Target, weighted_rate
from monitor.estimate.variance import Floats, Ints


def population(
    rng: np.random.Generator, *, conversations: int, shares: Floats, rates: Floats, correlation: float
) -> tuple[Floats, Ints, Ints]:
    """Give value, stratum and conversation of each turn: 1 to 5 a conversation, each of some stratum."""
    conversation = np.repeat(np.arange(conversations), rng.integers(1, 6, conversations))
    stratum = rng.choice(shares.size, size=conversation.size, p=shares)
    shared = rng.random(conversation.size) < np.sqrt(correlation)
    uniform = rng.random(conversation.size)
    uniform[shared] = rng.random(conversations)[conversation[shared]]
    return (uniform < rates[stratum]).astype(np.float64), stratum, conversation


def sample(
    rng: np.random.Generator, value: Floats, stratum: Ints, conversation: Ints, pi: Floats
) -> tuple[SampleTerms, list[StratumTotal]]:
    """Sample as DESIGN §6 does: one uniform a conversation, compared with the pi of each turn's stratum."""
    kept = rng.random(int(conversation.max()) + 1)[conversation] < pi[stratum]
    totals = np.bincount(stratum, minlength=pi.size)
    sampled = np.bincount(stratum[kept], minlength=pi.size)
    terms = SampleTerms(value=value[kept], pi=pi[stratum][kept], stratum=stratum[kept], conversation=conversation[kept])
    return terms, [
        StratumTotal(name=str(code), sampled=int(count), sampled_out=int(whole - count))
        for code, (count, whole) in enumerate(zip(sampled, totals, strict=True))
    ]


@pytest.mark.parametrize("segment", [False, True])
def test_the_rate_is_unbiased_over_samplings(segment: bool) -> None:
    rng = np.random.default_rng(20240601)
    pi = np.array([0.05, 0.1, 0.5])
    value, stratum, conversation = population(
        rng,
        conversations=3000,
        shares=np.array([0.7, 0.2, 0.1]),
        rates=np.array([0.02, 0.1, 0.6]),
        correlation=0.3,
    )
    rates = []
    for _ in range(600):
        terms, totals = sample(rng, value, stratum, conversation, pi)
        rates.append(weighted_rate(terms, None if segment else totals).rate or 0.0)
    error = float(np.std(rates)) / np.sqrt(len(rates))
    assert abs(float(np.mean(rates)) - float(value.mean())) < 3.0 * error
    assert error < 0.001


@pytest.mark.parametrize(
    ("target", "rate", "pi", "correlation", "conversations"),
    [
        ("process", 0.005, [0.01, 0.3], 0.0, 8000),
        ("process", 0.02, [0.02, 0.3], 0.3, 6000),
        ("process", 0.1, [1.0, 1.0], 1.0, 150),
        ("process", 0.5, [0.05, 0.2], 0.3, 3000),
        ("window", 0.1, [0.1, 0.5], 0.3, 2000),
    ],
)
def test_the_interval_covers(
    target: Target, rate: float, pi: list[float], correlation: float, conversations: int
) -> None:
    rng = np.random.default_rng(7)
    shares = np.array([0.9, 0.1])
    rates = np.array([0.9 * rate, 1.9 * rate])
    truth = float(shares @ rates)
    covered = 0
    for _ in range(300):
        value, stratum, conversation = population(
            rng, conversations=conversations, shares=shares, rates=rates, correlation=correlation
        )
        terms, totals = sample(rng, value, stratum, conversation, np.array(pi))
        estimate = weighted_rate(terms, totals, target=target)
        covered += estimate.low <= (truth if target == "process" else float(value.mean())) <= estimate.high
    assert covered / 300 >= 0.93
