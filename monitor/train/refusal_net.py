"""Fits one network of the refusal head: plain numpy, deterministic, gradients by hand (a test compares them).

Forward as `monitor.scoring.classifiers.refusal` does it, over padded arrays of shape (batch, SLOTS, ...). Optimiser:
Adam with a one-cycle rate (Smith and Topin 2018), dropout on inputs and hidden units.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.scoring.classifiers.refusal import LEAST, VOTES
from monitor.scoring.classifiers.refusal_features import SIGNS, SLOTS, WHOLE
from monitor.scoring.embed import Matrix
from monitor.scoring.sentences import HEAD
from monitor.train.adam import Adam
from monitor.train.refusal_set import Ints, Set

HIDDEN, CHANNELS = 32, 4
EPOCHS, BATCH = 8, 256
RATE, DECAY, DROPOUT = 4e-3, 2e-2, 0.3
UNTOLD = 3
"""Number of the label `refusal`: partial or full."""

Arrays = dict[str, Matrix]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """Mean and spread of each input number over the training sentences."""

    mean: Matrix
    spread: Matrix


@dataclass(frozen=True, kw_only=True, slots=True)
class _Inputs:
    sentences: Matrix
    near: Matrix
    signs: Matrix
    there: Matrix
    whole: Matrix


def scale_of(data: Set, every: int = 16) -> Scale:
    """Measure on each sixteenth sentence: enough for a mean."""
    seen = _joined(data, np.arange(0, len(data.vectors.vectors), every))
    return Scale(mean=seen.mean(axis=0), spread=seen.std(axis=0) + np.float32(1e-3))


def fit(data: Set, weights: npt.NDArray[np.float64], scale: Scale, *, seed: int) -> Arrays:
    """Fit on answers drawn by weight; `weights` is (n,), and their sum is what one epoch draws."""
    rng = np.random.default_rng(seed)
    chosen = np.flatnonzero(weights)
    chances = weights[chosen] / weights[chosen].sum()
    arrays = _start(rng, len(scale.mean))
    steps = int(EPOCHS * weights.sum() / BATCH)
    optimiser = Adam(arrays, decay=DECAY)
    for step in range(steps):
        batch = rng.choice(chosen, BATCH, p=chances)
        gradients = _gradients(arrays, _inputs(data, batch, scale), data.labels[batch], rng)
        rate, momentum = _one_cycle(step / steps)
        optimiser.step(gradients, rate, momentum=momentum)
    return arrays


def logits(arrays: Arrays, data: Set, which: Ints, scale: Scale) -> Matrix:
    """Give (len(which), 3) numbers as at run time: without dropout, with the word lists' votes."""
    parts = [which[start : start + 1024] for start in range(0, len(which), 1024)]
    found: Matrix = np.concatenate([_forward(arrays, _inputs(data, part, scale))[0] for part in parts])
    found += data.whole[which, :3] @ VOTES
    return found


def _one_cycle(done: float) -> tuple[float, float]:
    """Give rate and momentum at a share of the way: up for three tenths, then down to nothing."""
    up = (1 - np.cos(np.pi * done / 0.3)) / 2 if done < 0.3 else (1 + np.cos(np.pi * (done - 0.3) / 0.7)) / 2
    return RATE * max(up, 0.002), 0.95 - 0.1 * up


def _start(rng: np.random.Generator, width: int) -> Arrays:
    def uniform(*shape: int, fan: int) -> Matrix:
        return rng.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(fan))

    last = 4 * CHANNELS + WHOLE
    return {
        "project": uniform(width, HIDDEN, fan=width),
        "project_bias": np.zeros(HIDDEN, np.float32),
        "place": rng.normal(0, 0.1, (SLOTS, HIDDEN)).astype(np.float32),
        "near": uniform(HIDDEN, fan=4),
        "signs": uniform(SIGNS, HIDDEN, fan=SIGNS),
        "out": uniform(HIDDEN, CHANNELS, fan=HIDDEN),
        "out_bias": np.zeros(CHANNELS, np.float32),
        "final": uniform(last, 3, fan=last),
        "final_bias": np.zeros(3, np.float32),
    }


def _joined(data: Set, rows: Ints) -> Matrix:
    return np.concatenate([data.vectors.vectors[rows], data.vectors.cues[rows]], axis=-1, dtype=np.float32)


def _inputs(data: Set, which: Ints, scale: Scale) -> _Inputs:
    rows = data.sentences[which]
    sentences = _joined(data, rows)
    requests = data.vectors.vectors[data.requests[which]].astype(np.float32)
    near = np.einsum("bsw,bw->bs", sentences[..., : requests.shape[1]], requests)
    sentences -= scale.mean
    sentences /= scale.spread
    return _Inputs(
        sentences=sentences, near=near, signs=data.signs[which], there=data.there[which], whole=data.whole[which]
    )


def _forward(arrays: Arrays, x: _Inputs, drops: tuple[Matrix, Matrix] | None = None) -> tuple[Matrix, Arrays]:
    """Give the logits, and what the gradients need again."""
    sentences = x.sentences if drops is None else x.sentences * drops[0]
    before = sentences @ arrays["project"] + arrays["project_bias"] + arrays["place"]
    before += x.near[..., None] * arrays["near"] + x.signs @ arrays["signs"]
    hidden = np.maximum(before, 0)
    if drops is not None:
        hidden *= drops[1]
    evidence = hidden @ arrays["out"] + arrays["out_bias"]
    there = x.there[..., None]
    start, start_share = _strongest(evidence[:, :HEAD], there[:, :HEAD])
    end, end_share = _strongest(evidence[:, HEAD:], there[:, HEAD:])
    count = np.maximum(there.sum(axis=1), 1)
    mean = (evidence * there).sum(axis=1) / count
    last = np.concatenate([evidence[:, 0] * there[:, 0], start, end, mean, x.whole], axis=1)
    kept = {
        "sentences": sentences,
        "before": before,
        "hidden": hidden,
        "last": last,
        "start": start_share,
        "end": end_share,
        "count": count,
    }
    return last @ arrays["final"] + arrays["final_bias"], kept


def _strongest(evidence: Matrix, there: Matrix) -> tuple[Matrix, Matrix]:
    """Give the soft maximum over sentences, and each sentence's share in it; none where there is no sentence."""
    masked = np.where(there > 0, evidence, np.float32(-1e4))
    top = masked.max(axis=1, keepdims=True)
    powers = np.exp(masked - top) * (there > 0)
    total = powers.sum(axis=1, keepdims=True)
    some = total > 0
    value = np.where(some, top + np.log(np.where(some, total, 1)), LEAST)[:, 0]
    share = powers / np.where(some, total, 1)
    return np.maximum(value, LEAST), share * (value > LEAST)[:, None]


def _gradients(arrays: Arrays, x: _Inputs, labels: Ints, rng: np.random.Generator | None) -> Arrays:
    """Give the gradients of the mean loss: minus log the probability of the label, or of both that it may be."""
    drops = None
    if rng is not None:
        shape = x.sentences.shape
        drops = (_dropout(rng, shape), _dropout(rng, (*shape[:2], arrays["out"].shape[0])))
    scores, kept = _forward(arrays, x, drops)
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    wanted = np.zeros_like(chances)
    told = labels != UNTOLD
    wanted[np.flatnonzero(told), labels[told]] = 1
    either = chances[~told].copy()
    either[:, 0] = 0
    wanted[~told] = either / either.sum(axis=1, keepdims=True)
    at_scores = (chances - wanted) / len(labels)
    gradients = {"final": kept["last"].T @ at_scores, "final_bias": at_scores.sum(axis=0)}
    at_last = at_scores @ arrays["final"].T
    first, start, end, mean = (at_last[:, n * CHANNELS : (n + 1) * CHANNELS][:, None] for n in range(4))
    at_evidence = np.broadcast_to(mean / kept["count"][:, None], (*x.there.shape, CHANNELS)) * x.there[..., None]
    at_evidence[:, :HEAD] += start * kept["start"]
    at_evidence[:, HEAD:] += end * kept["end"]
    at_evidence[:, :1] += first * x.there[:, :1, None]
    flat = at_evidence.reshape(-1, CHANNELS)
    gradients["out"] = kept["hidden"].reshape(len(flat), -1).T @ flat
    gradients["out_bias"] = flat.sum(axis=0)
    at_hidden = (at_evidence @ arrays["out"].T) * (kept["before"] > 0)
    if drops is not None:
        at_hidden *= drops[1]
    rows = at_hidden.reshape(len(flat), -1)
    gradients["project"] = kept["sentences"].reshape(len(flat), -1).T @ rows
    gradients["project_bias"] = rows.sum(axis=0)
    gradients["place"] = at_hidden.sum(axis=0)
    gradients["near"] = (at_hidden * x.near[..., None]).sum(axis=(0, 1))
    gradients["signs"] = x.signs.reshape(len(flat), -1).T @ rows
    return gradients


def _dropout(rng: np.random.Generator, shape: tuple[int, ...]) -> Matrix:
    return (rng.random(shape, dtype=np.float32) >= DROPOUT).astype(np.float32) / np.float32(1 - DROPOUT)
