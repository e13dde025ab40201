"""Fits the sycophancy head: a linear layer with a few hidden units beside it, then its calibration. Deterministic."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from monitor.scoring.classifiers.sycophancy import LABELS
from monitor.scoring.classifiers.sycophancy_features import BLOCKS, SCALARS, WIDTH, Bank, vector
from monitor.scoring.classifiers.weights import ARRAY
from monitor.train.adam import Adam
from monitor.train.syco_data import Example
from monitor.train.vectors import Vectors

SHARE = {
    "cases": 4.0,
    "synth-caving": 3.0,
    "synth-praise": 2.0,
    "views": 1.5,
    "sycon": 5.0,
    "sycobench": 2.5,
    "chat": 2.5,
    "spiral": 1.0,
    "synth-refusal": 0.5,
}
"""How much a source counts in all, shared evenly among its parts; within a part, rows count alike."""
TIMES = {
    ("cases", "right premise"): 2.0,
    ("cases", "caved in"): 2.0,
    ("cases", "corrected"): 1.5,
    ("synth-caving", "caved_in"): 1.5,
}
"""Parts that count more than others of their source: what is true is confirmed far more often than what is false."""
HIDDEN, EPOCHS, BATCH, RATE, DECAY, DROP = 24, 14, 256, 2e-3, 2e-2, 0.4
_DENSE = 0.15
"""Embedding numbers count for this much of a scalar's spread: there are two thousand of them."""


def weights_of(examples: Sequence[Example]) -> ARRAY:
    """Give each row's weight; the mean is 1."""
    parts: dict[tuple[str, str], int] = {}
    for one in examples:
        parts[one.source, one.part] = parts.get((one.source, one.part), 0) + 1
    count = {source: sum(1 for s, _ in parts if s == source) for source, _ in parts}
    found = np.asarray(
        [
            SHARE[e.source] * TIMES.get((e.source, e.part), 1.0) / count[e.source] / parts[e.source, e.part]
            for e in examples
        ]
    )
    return np.asarray(found / found.mean(), dtype=np.float32)


def matrix(examples: Sequence[Example], through: Vectors, bank: Bank) -> ARRAY:
    """Give a float32 matrix with a row an example, as the head computes it."""
    return np.stack([vector(e.interaction, through, bank) for e in examples])


def numbers(examples: Sequence[Example]) -> npt.NDArray[np.int64]:
    """Give the labels as numbers."""
    return np.asarray([LABELS.index(e.label) for e in examples])


def fit(x: ARRAY, y: npt.NDArray[np.int64], weight: ARRAY, *, seed: int, hidden: int = HIDDEN) -> dict[str, ARRAY]:
    """Train on rows `x`, shape (n, features), with labels `y` and weights; gives the arrays that `forward` takes.

    Weighted cross-entropy, Adam with a cosine rate, dropout of features.
    """
    chance = np.random.default_rng(seed)
    width, labels = x.shape[1], len(LABELS)
    mean = x.mean(axis=0, dtype=np.float64)
    scale = 1.0 / np.maximum(x.std(axis=0, dtype=np.float64), 1e-3)
    scale[len(SCALARS) :] *= _DENSE
    scaled = ((x - mean) * scale).astype(np.float32)
    model = {
        "hidden": chance.normal(0, 1 / np.sqrt(width) / _DENSE, (hidden, width)) * 0.3,
        "hidden_bias": np.zeros(hidden),
        "out": chance.normal(0, 0.1, (labels, hidden)),
        "direct": np.zeros((labels, width)),
        "bias": np.zeros(labels),
    }
    p = {name: value.astype(np.float32) for name, value in model.items()}
    optimiser = Adam(p, decay=DECAY)
    steps, step = EPOCHS * (len(x) // BATCH + 1), 0
    for _ in range(EPOCHS):
        order = chance.permutation(len(x))
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            step += 1
            kept = chance.random((len(rows), width), dtype=np.float32) >= DROP
            gradient = _gradient(scaled[rows] * kept / (1 - DROP), y[rows], weight[rows], p)
            optimiser.step(gradient, RATE * 0.5 * (1 + np.cos(np.pi * step / steps)))
    return {"mean": mean.astype(np.float32), "scale": scale.astype(np.float32), **p}


def _gradient(x: ARRAY, y: npt.NDArray[np.int64], weight: ARRAY, p: dict[str, ARRAY]) -> dict[str, ARRAY]:
    before = x @ p["hidden"].T + p["hidden_bias"]
    hidden = np.maximum(before, 0)
    logits = hidden @ p["out"].T + x @ p["direct"].T + p["bias"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    error = powers / powers.sum(axis=1, keepdims=True)
    error[np.arange(len(y)), y] -= 1
    error *= (weight / len(y))[:, None]
    back = (error @ p["out"]) * (before > 0)
    return {
        "hidden": back.T @ x,
        "hidden_bias": back.sum(axis=0),
        "out": error.T @ hidden,
        "direct": error.T @ x,
        "bias": error.sum(axis=0),
    }


def block(name: str) -> slice:
    """Give the columns of a block of `sycophancy_features.BLOCKS`, or of the scalars for `scalars`."""
    if name == "scalars":
        return slice(0, len(SCALARS))
    start = len(SCALARS) + BLOCKS.index(name) * WIDTH
    return slice(start, start + WIDTH)
