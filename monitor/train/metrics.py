"""Figures of merit of heads, as model cards and `evaluate` print them. Plain numpy: shapes are (n,) or (n, labels)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BINS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """One bar of a reliability plot."""

    low: float
    high: float
    n: int
    said: float
    """Mean predicted probability."""
    was: float
    """Share of positives."""


def f1(gold: Flags, found: Flags) -> float:
    """Harmonic mean of precision and recall; 0 where nothing is positive."""
    total = int(gold.sum() + found.sum())
    return 2 * int((gold & found).sum()) / total if total else 0.0


def balanced_accuracy(gold: Flags, found: Flags) -> float:
    """Mean of the recalls of both classes; of one class, where there is only one."""
    parts = [found[gold].mean() if gold.any() else None, (~found[~gold]).mean() if (~gold).any() else None]
    there = [float(part) for part in parts if part is not None]
    return sum(there) / len(there)


def macro_f1(gold: Sequence[str], found: Sequence[str], labels: Sequence[str]) -> float:
    """Mean of the labels' F1."""
    g, f = np.asarray(gold), np.asarray(found)
    return float(np.mean([f1(g == label, f == label) for label in labels]))


def auc(gold: Flags, score: Floats) -> float | None:
    """Area under the ROC curve by ranks, ties by halves; None where there is one class only."""
    positives, negatives = int(gold.sum()), int((~gold).sum())
    if not positives or not negatives:
        return None
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((ranks[inverse][gold].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def reliability(gold: Flags, chance: Floats, bins: int = BINS) -> list[Bin]:
    """Group by predicted probability; empty bins are left out."""
    place = np.minimum((chance * bins).astype(int), bins - 1)
    return [
        Bin(
            low=b / bins,
            high=(b + 1) / bins,
            n=int((place == b).sum()),
            said=float(chance[place == b].mean()),
            was=float(gold[place == b].mean()),
        )
        for b in range(bins)
        if (place == b).any()
    ]


def ece(gold: Flags, chance: Floats, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of said and was, weighted by n (Naeini et al. 2015)."""
    return sum(b.n * abs(b.said - b.was) for b in reliability(gold, chance, bins)) / max(1, len(gold))
