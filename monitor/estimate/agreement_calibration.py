"""Does a confidence of 80 % mean right in 80 %: reliability by bins, Brier score and its parts, ECE."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from monitor.estimate.agreement import DRAWS, SEED
from monitor.estimate.agreement_bootstrap import resample
from monitor.estimate.agreement_figures import Figure, coefficient, share
from monitor.estimate.variance import Floats, Ints

Bools: TypeAlias = npt.NDArray[np.bool_]

BINS = 10
_NOISE_DRAWS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bin of a reliability diagram."""

    n: int
    lowest: float
    highest: float
    """Confidences inside."""
    confidence: float
    """Their mean."""
    observed: Figure
    """Share that came true, Clopper-Pearson at the effective size."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Figures of n confidences. All None with a reason where n = 0."""

    n: int
    groups: int
    brier: Figure
    """Mean of (confidence - outcome)^2."""
    reliability: float | None
    """Part of the Brier score due to miscalibration; smaller is better."""
    resolution: float | None
    """How much the outcomes differ between bins; larger is better."""
    uncertainty: float | None
    """p (1 - p) of all outcomes."""
    within: float | None
    """What bins hide: brier = reliability - resolution + uncertainty + within (Stephenson et al. 2008)."""
    ece: Figure
    """Mean over bins, by size, of |mean confidence - share that came true| (Naeini et al. 2015, equal-count bins)."""
    ece_by_chance: float | None
    """The ECE that confidences which are exactly right would show at this n: chance alone makes it positive."""
    bars: tuple[Bar, ...]


def calibration(
    probability: Floats,
    outcome: Bools,
    group: Ints,
    *,
    bins: int = BINS,
    confidence: float = 0.95,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Calibration:
    """Hold `probability`, shape (n,) in [0, 1], against `outcome`; the parts of the Brier score follow Murphy (1973).

    Bins hold equal counts as far as equal confidences, which are never split, allow. They stay fixed in resamplings.

    Raises:
        ValueError: shapes differ, a probability is no number in [0, 1], or fewer than 1 bin.
    """
    if probability.shape != outcome.shape or probability.shape != group.shape or probability.ndim != 1:
        raise ValueError("probability, outcome and group must have the same shape (n,)")
    if not np.all((probability >= 0.0) & (probability <= 1.0)) or bins < 1:
        raise ValueError("probabilities must lie in [0, 1], with at least 1 bin")
    if probability.size == 0:
        none = Figure(value=None, reason="no confidence with a known outcome")
        return Calibration(
            n=0,
            groups=0,
            brier=none,
            reliability=None,
            resolution=None,
            uncertainty=None,
            within=None,
            ece=none,
            ece_by_chance=None,
            bars=(),
        )
    which = _bins(probability, bins)
    count = np.bincount(which).astype(np.float64)
    right = outcome.astype(np.float64)
    mean, observed = np.bincount(which, weights=probability) / count, np.bincount(which, weights=right) / count
    overall, n = float(right.mean()), probability.size
    reliability = float(np.sum(count * (mean - observed) ** 2) / n)
    resolution = float(np.sum(count * (observed - overall) ** 2) / n)
    uncertainty = overall * (1.0 - overall)
    score = float(np.mean((probability - right) ** 2))

    # One record's sums: squared error, 1, and in its bin the confidence less the outcome.
    sums = np.zeros((n, 2 + count.size))
    sums[:, 0], sums[:, 1] = (probability - right) ** 2, 1.0
    sums[np.arange(n), 2 + which] = probability - right
    # Equal records are one kind: resampling is fast where they repeat.
    kinds, kind = np.unique(np.stack([probability, right], axis=1), axis=0, return_index=True, return_inverse=True)[1:]
    data = resample(kind.reshape(-1), sums[kinds], group, draws=draws, seed=seed)
    return Calibration(
        n=n,
        groups=data.groups,
        brier=coefficient(lambda s: s[..., 0] / s[..., 1], data, confidence=confidence, undefined=""),
        reliability=reliability,
        resolution=resolution,
        uncertainty=uncertainty,
        within=score - (reliability - resolution + uncertainty),
        ece=coefficient(
            lambda s: np.abs(s[..., 2:]).sum(axis=-1) / s[..., 1], data, confidence=confidence, undefined=""
        ),
        ece_by_chance=_by_chance(probability, which, count, seed=seed),
        bars=tuple(
            Bar(
                n=int(count[b]),
                lowest=float(probability[which == b].min()),
                highest=float(probability[which == b].max()),
                confidence=float(mean[b]),
                observed=share(outcome[which == b], group[which == b], confidence=confidence, nothing=""),
            )
            for b in range(count.size)
        ),
    )


def _bins(probability: Floats, bins: int) -> Ints:
    edges = np.unique(np.quantile(probability, np.linspace(0.0, 1.0, bins + 1)[1:-1], method="lower"))
    return np.unique(np.searchsorted(edges, probability, side="left"), return_inverse=True)[1].astype(np.int64)


def _by_chance(probability: Floats, which: Ints, count: Floats, *, seed: int) -> float:
    random = np.random.default_rng(seed)
    found = []
    for _ in range(_NOISE_DRAWS):
        apart = probability - (random.random(probability.size) < probability)
        found.append(float(np.abs(np.bincount(which, weights=apart, minlength=count.size)).sum() / probability.size))
    return float(np.mean(found))
