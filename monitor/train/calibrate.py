"""Fits the calibration of a head on answers of sources that its networks have not seen (Guo et al. 2017)."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from monitor.scoring.classifiers.weights import Calibration
from monitor.scoring.embed import Matrix

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
PULL = 0.02
"""How strongly shifts are drawn to 0: a language with few answers keeps near the common calibration."""


def fit(logits: Matrix, allowed: Flags, weights: Floats) -> Calibration:
    """Give scale and shifts with the least loss.

    `logits` is (n, labels); `allowed` (n, labels) marks the labels that an answer may have, for a degree may be
    untold; `weights` is (n,).
    """
    labels = logits.shape[1]
    share = weights / weights.sum()

    def loss(point: Floats) -> float:
        chances = probabilities(logits, Calibration(scale=float(np.exp(point[0])), shift=tuple(point[1:])))
        said = np.maximum((chances * allowed).sum(axis=1), 1e-12)
        return float(-(share * np.log(said)).sum() + PULL * (point**2).sum())

    found = minimize(loss, np.zeros(labels + 1), method="L-BFGS-B")
    scale, *shift = (float(x) for x in found.x)
    return Calibration(scale=round(float(np.exp(scale)), 6), shift=tuple(round(x - shift[0], 6) for x in shift))


def probabilities(logits: Matrix, how: Calibration) -> Floats:
    """Give (n, labels) probabilities, as `classifiers.weights.softmax` does for one answer."""
    raised = logits.astype(np.float64) * how.scale + np.asarray(how.shift)
    powers = np.exp(raised - raised.max(axis=1, keepdims=True))
    chances: Floats = powers / powers.sum(axis=1, keepdims=True)
    return chances
