"""A made-up world for the coverage simulation: traffic with a known rate, a classifier, a judge and humans."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from monitor.estimate.phase_terms import PhaseTerms
from monitor.estimate.terms import StratumTotal
from monitor.estimate.variance import Floats

Classifier: TypeAlias = Literal["good", "weak", "useless", "inverted"]

SHARES = np.array([0.90, 0.08, 0.02])
"""Of conversations: plain, odd, and those that a trigger word picks out."""
RISKS = np.array([0.6, 2.5, 13.0])
PI1 = np.array([0.001, 0.02, 0.3])
TURNS = 4
CORRELATION = 0.3
STRENGTH = {"good": 3.0, "weak": 1.0, "useless": 0.0, "inverted": -2.0}
JUDGED = 600
"""Expected number of judged records."""
FLOOR = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One cell of the grid."""

    rate: float
    sensitivity: float
    specificity: float
    labels: int
    classifier: Classifier
    conversations: int = 400_000
    """In the window, sampled or not."""
    clustered: bool = True

    @property
    def truth(self) -> float:
        """What the estimate is held against: the true rate, or the judge's own where nobody labels."""
        if self.labels:
            return self.rate
        return self.rate * self.sensitivity + (1.0 - self.rate) * (1.0 - self.specificity)


def risks(rate: float) -> Floats:
    """Give the rate of each stratum, shape (3,): unlike, none above 0.95, `rate` on the whole."""
    odds = RISKS
    low, high = 0.0, 1e6
    for _ in range(200):
        middle = 0.5 * (low + high)
        if float(SHARES @ (middle * odds / (1.0 + middle * odds))) < rate:
            low = middle
        else:
            high = middle
    return low * odds / (1.0 + low * odds)


def draw(case: Case, rng: np.random.Generator) -> tuple[PhaseTerms, list[StratumTotal]]:
    """Draw one window: conversations of 1 to TURNS turns by Poisson sampling, then judge and labels likewise.

    What is sampled out is counted and not drawn, which is the same in law.
    """
    whole = rng.multinomial(case.conversations, SHARES)
    kept = rng.binomial(whole, PI1)
    turns = rng.integers(1, TURNS + 1, int(kept.sum())) if case.clustered else np.ones(int(kept.sum()), dtype=np.int64)
    conversation = np.repeat(np.arange(turns.size), turns)
    stratum = np.repeat(np.repeat(np.arange(3), kept), turns)
    n = stratum.size
    shared = rng.random(n) < np.sqrt(CORRELATION if case.clustered else 0.0)
    uniform = np.where(shared, rng.random(turns.size)[conversation], rng.random(n))
    risk = risks(case.rate)[stratum]
    y = (uniform < risk).astype(np.float64)
    g = np.where(y == 1.0, rng.random(n) < case.sensitivity, rng.random(n) >= case.specificity).astype(np.float64)
    # A calibrated classifier for the strength it believes it has: the log odds of its evidence on top of the base rate.
    strength = STRENGTH[case.classifier]
    evidence = rng.normal(size=n) + strength * (y - 0.5)
    believed = abs(strength) or 1.0
    f = 1.0 / (1.0 + np.exp(-(believed * evidence + np.log(case.rate / (1.0 - case.rate)))))

    wanted = np.sqrt(f * (1.0 - f) + FLOOR**2) / PI1[stratum] ** 0.5
    pi2 = _chances(wanted, JUDGED)
    selected2 = rng.random(n) < pi2
    # Humans look first where the judge says yes or where judge and classifier part ways.
    doubt = 0.2 + 0.8 * np.abs(g - f) + 0.5 * g
    pi3 = np.ones(n)
    if case.labels and selected2.any():
        pi3[selected2] = _chances((doubt / np.sqrt(PI1[stratum] * pi2))[selected2], case.labels)
    selected3 = selected2 & (rng.random(n) < pi3) if case.labels else np.zeros(n, dtype=np.bool_)
    sampled = np.bincount(stratum, minlength=3)
    mean = (1 + TURNS) / 2 if case.clustered else 1.0
    spread = np.sqrt((TURNS**2 - 1) / 12) if case.clustered else 0.0
    out = np.rint((whole - kept) * mean + rng.normal(size=3) * spread * np.sqrt(whole - kept)).astype(np.int64)
    terms = PhaseTerms(
        pi1=PI1[stratum],
        stratum=stratum,
        conversation=conversation,
        f=f,
        selected2=selected2,
        pi2=pi2,
        g=np.where(selected2, g, np.nan),
        selected3=selected3,
        pi3=pi3,
        y=np.where(selected3, y, np.nan),
    )
    return terms, [
        StratumTotal(name=str(code), sampled=int(count), sampled_out=int(rest))
        for code, (count, rest) in enumerate(zip(sampled, out, strict=True))
    ]


def _chances(wanted: Floats, number: int) -> Floats:
    """Give probabilities in proportion to `wanted`, at most 1, that sum to `number` (or are all 1)."""
    if wanted.size <= number:
        return np.ones(wanted.size)
    low, high = 0.0, number / float(wanted.min())
    for _ in range(60):
        middle = 0.5 * (low + high)
        if float(np.minimum(1.0, middle * wanted).sum()) < number:
            low = middle
        else:
            high = middle
    return np.minimum(1.0, high * wanted)
