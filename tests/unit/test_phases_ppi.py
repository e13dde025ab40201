"""Where the designs agree the estimate is PPI++'s: its published formula, and `ppi-python` itself."""

import math

import numpy as np
import pytest
from ppi_py.ppi import ppi_mean_pointestimate

from monitor.estimate.phases import PhaseEstimate, PhaseTerms, Tuning, phase_rate
from monitor.estimate.variance import Floats

LABELLED, OTHERS = 120, 880
OURS = OTHERS / (LABELLED + OTHERS)
"""PPI++ takes the judge's mean over the unlabelled, we over all judged: l2 times this is its lambda, and nothing else
differs."""


def data(seed: int) -> tuple[Floats, Floats, Floats]:
    """Give y and g of the labelled, g of the others."""
    rng = np.random.default_rng(seed)
    y = (rng.random(LABELLED + OTHERS) < 0.3).astype(np.float64)
    g = np.where(rng.random(y.size) < 0.2, 1.0 - y, y)
    return y[:LABELLED], g[:LABELLED], g[LABELLED:]


def ours(y: Floats, g: Floats, others: Floats, tuning: Tuning | None) -> PhaseEstimate:
    """Estimate with equal probabilities and no classifier."""
    n = y.size + others.size
    chosen = np.arange(n) < y.size
    terms = PhaseTerms(
        pi1=np.ones(n),
        stratum=np.zeros(n, dtype=np.int64),
        conversation=np.arange(n),
        f=np.full(n, math.nan),
        selected2=np.ones(n, dtype=np.bool_),
        pi2=np.ones(n),
        g=np.concatenate([g, others]),
        selected3=chosen,
        pi3=np.full(n, y.size / n),
        y=np.concatenate([y, np.full(others.size, math.nan)]),
    )
    return phase_rate(terms, None, tuning=tuning)


def published(y: Floats, g: Floats, others: Floats, lam: float) -> tuple[float, float]:
    """Give estimate and variance as in Angelopoulos, Duchi and Zrnic (2023), section 3, for a mean."""
    rate = lam * float(others.mean()) + float((y - lam * g).mean())
    return rate, float(np.var(lam * others)) / others.size + float(np.var(y - lam * g)) / y.size


def published_tuning(y: Floats, g: Floats, others: Floats) -> float:
    """Give their plug-in lambda (section 6): the judge's variance from all of its verdicts."""
    both = np.concatenate([g, others])
    covariance = float(np.mean((y - y.mean()) * (g - g.mean())))
    return min(max(covariance / ((1.0 + y.size / others.size) * float(np.var(both, ddof=1))), 0.0), 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_the_estimate_is_the_published_one_for_any_tuning(seed: int) -> None:
    y, g, others = data(seed)
    for l2 in (0.0, 0.4, 1.0, published_tuning(y, g, others) / OURS):
        rate, variance = published(y, g, others, l2 * OURS)
        found = ours(y, g, others, Tuning(l1=0.0, l2=l2))
        assert found.rate == pytest.approx(rate, abs=1e-9)
        # They centre the labelled and the others each at its own mean, we at the common one; that is all.
        apart = (float(g.mean()) - float(others.mean())) ** 2
        centring = l2**2 * apart * (LABELLED * OURS**2 + OTHERS * (1.0 - OURS) ** 2) / (LABELLED + OTHERS) ** 2
        assert found.variance == pytest.approx(variance + centring, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_our_tuning_is_theirs_with_the_judges_variance_taken_from_the_labels(seed: int) -> None:
    y, g, others = data(seed)
    found = ours(y, g, others, None)
    both = np.concatenate([g, others])
    theirs = published_tuning(y, g, others) / OURS
    assert found.tuning.l2 == pytest.approx(theirs * float(np.var(both, ddof=1)) / float(np.var(g)), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_package_itself_agrees(seed: int) -> None:
    y, g, others = data(seed)
    for lam in (None, 0.0, 0.5, OURS):
        theirs = float(np.squeeze(ppi_mean_pointestimate(y, g, others, lam=lam)))
        l2 = (published_tuning(y, g, others) if lam is None else lam) / OURS
        assert ours(y, g, others, Tuning(l1=0.0, l2=l2)).rate == pytest.approx(theirs, abs=1e-9)
