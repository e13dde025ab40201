"""What training the two heads about harm shares: weights by source, calibration on left-out sources, measures."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from monitor.scoring.classifiers.weights import ARRAY, Calibration, softmax
from monitor.train.harm_net import Ints
from monitor.train.metrics import auc, balanced_accuracy, ece, f1

_Group = TypeVar("_Group", bound=Hashable)
Chances = npt.NDArray[np.float64]


def even(groups: Sequence[_Group], budget: Mapping[_Group, float], *, most: float = 3.0) -> ARRAY:
    """Give each row its share of its group's budget, of which no row has more than `most`; unknown groups have 0."""
    sizes = Counter(groups)
    return np.array([min(budget.get(one, 0.0) / sizes[one], most) for one in groups], dtype=np.float32)


def calibrate(logits: ARRAY, labels: Ints, weights: ARRAY) -> Calibration:
    """Fit scale and shift to left-out logits by weighted cross-entropy (Platt 1999, Guo et al. 2017)."""
    count = logits.shape[1]
    share = (weights / weights.sum()).astype(np.float64)

    def loss(x: npt.NDArray[np.float64]) -> float:
        raised = logits * np.exp(x[0]) + np.concatenate([[0.0], x[1:]])
        raised -= raised.max(axis=1, keepdims=True)
        log = raised - np.log(np.exp(raised).sum(axis=1, keepdims=True))
        # A weak pull towards no change, for labels with few rows.
        return float(-(share * log[np.arange(len(labels)), labels]).sum() + 1e-3 * (x**2).sum())

    found = minimize(loss, np.zeros(count), method="L-BFGS-B").x
    return Calibration(scale=round(float(np.exp(found[0])), 4), shift=(0.0, *(round(float(v), 4) for v in found[1:])))


def chances(logits: ARRAY, how: Calibration) -> Chances:
    """Give probabilities, shape (n, labels), as the scorer computes them."""
    return np.array([softmax(row, how) for row in logits], dtype=np.float64)


def measures(gold: npt.NDArray[np.bool_], chance: npt.NDArray[np.float64]) -> dict[str, float | int | None]:
    """Give the figures of one set at the threshold one half."""
    found = chance > 0.5
    area = auc(gold, chance)
    return {
        "n": len(gold),
        "positives": int(gold.sum()),
        "f1": round(f1(gold, found), 4),
        "balanced_accuracy": round(balanced_accuracy(gold, found), 4),
        "auc": None if area is None else round(area, 4),
        "false_positive_rate": round(float(found[~gold].mean()), 4) if (~gold).any() else None,
        "ece": round(ece(gold, chance), 4),
    }
