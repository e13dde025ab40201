"""Fits the calibration of a head on answers of sources that its networks have not seen (Guo et al. 2017)."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from monitor.scoring.classifiers.weights import Calibration
from monitor.scoring.embed import Matrix

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
PULL = 1e-3
"""How strongly all is drawn to no change: a language with few answers keeps near the common calibration."""


def fit(logits: Matrix, allowed: Flags, weights: npt.ArrayLike, *, pull: float = PULL) -> Calibration:
    """Give scale and shifts with the least loss, told against the first label's, which is 0.

    `logits` is (n, labels); `allowed` (n, labels) marks the labels that an answer may have, for a degree may be
    untold; `weights` is (n,).
    """
    share = np.asarray(weights, dtype=np.float64)
    share = share / share.sum()

    def loss(point: Floats) -> float:
        said = np.maximum((probabilities(logits, _at(point)) * allowed).sum(axis=1), 1e-12)
        return float(-(share * np.log(said)).sum() + pull * (point**2).sum())

    # The first shift is drawn to 0 like the others: no label is the easy one to move.
    found = _at(minimize(loss, np.zeros(logits.shape[1] + 1), method="L-BFGS-B").x)
    first = found.shift[0]
    return Calibration(scale=round(found.scale, 6), shift=tuple(round(x - first, 6) for x in found.shift))


def _at(point: Floats) -> Calibration:
    return Calibration(scale=float(np.exp(point[0])), shift=tuple(float(x) for x in point[1:]))


def only(labels: npt.NDArray[np.int64], count: int) -> Flags:
    """Give `allowed` where every label is told: (n, count)."""
    return np.asarray(np.eye(count, dtype=bool)[labels])


def probabilities(logits: Matrix, how: Calibration) -> Floats:
    """Give (n, labels) probabilities, as `classifiers.weights.softmax` does for one answer."""
    raised = logits.astype(np.float64) * how.scale + np.asarray(how.shift)
    powers = np.exp(raised - raised.max(axis=1, keepdims=True))
    chances: Floats = powers / powers.sum(axis=1, keepdims=True)
    return chances
