"""Trains the refusal head and measures it on sources that it has not seen.

`train` writes the weights; `evaluate` gives the headline: for each source, networks are trained without it and tested
on all of it. The generated rows are a source as well: the shipped calibration of Turkish comes from them.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.scoring.classifiers import refusal as head
from monitor.scoring.classifiers.weights import Calibration, Facts, save
from monitor.scoring.embed import Matrix, UseEmbedder
from monitor.train import calibrate, metrics
from monitor.train.refusal_data import LABELLED
from monitor.train.refusal_net import Arrays, Scale, fit, logits, scale_of
from monitor.train.refusal_set import LABELS, Set, load

GENERATED = ("synth", "talk")
HEADLINE = (*LABELLED, *GENERATED)
REPEATING = ("gptfuzz", "sensitiveq")
"""Sets whose answers repeat: they have figures of the whole file as well."""
NETWORKS = 3
CAP = 500
"""So many answers of one subset and label are drawn in an epoch, on average: large sources do not drown small ones."""
SHARE = {
    "coconot": 0.15,
    "synth": 0.6,
    "talk": 0.6,
    "pasttense": 0.5,
    "jbb": 0.5,
    "steered": 0.5,
    "arena": 0.5,
    "oasst": 0.5,
    "halueval": 0.5,
    "sycobench": 0.5,
}
"""Sources with labels by construction or machine weigh less."""
LANGUAGES = ("en", "tr")
"""Those with a calibration of their own."""
PULL = 0.02
"""Of the calibration: sources disagree on what a refusal is, so what fits them all is near no change."""


def train(data: Path, out: Path, *, cache: Path, seed: int = 7) -> dict[str, Any]:
    """Write `out`, the weights, and give the figures of the model card; the same input gives the same bytes."""
    found = load(data, cache, seed=seed)
    scale = scale_of(found)
    unseen = left_out(found, scale, seed=seed)
    networks = [fit(found, weights(found), scale, seed=seed + n) for n in range(NETWORKS)]
    arrays: Arrays = {"mean": scale.mean, "spread": scale.spread}
    for number, network in enumerate(networks):
        arrays |= {f"{number}.{name}": array for name, array in network.items()}
    facts = Facts(
        labels=head.LABELS,
        embedder=UseEmbedder.IDENTITY,
        code_version=head.CODE_VERSION,
        calibration=calibrations(found, unseen, np.ones(len(found.rows), dtype=bool)),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    save(out, arrays, facts)
    return report(found, unseen)


def evaluate(data: Path, *, cache: Path, seed: int = 7) -> dict[str, Any]:
    """Give the headline figures: each source by networks that were trained without it."""
    found = load(data, cache, seed=seed)
    return report(found, left_out(found, scale_of(found), seed=seed))


def weights(found: Set) -> npt.NDArray[np.float64]:
    """Give how often an epoch draws each answer: subsets and labels are evened out."""
    subset = np.array([row.subset for row in found.rows])
    drawn = np.zeros(len(subset))
    for name in sorted(set(subset)):
        share = SHARE.get(name.partition("_")[0], 1.0)
        for label in range(4):
            these = (subset == name) & (found.labels == label)
            if these.any():
                drawn[these] = share * min(1.0, CAP / these.sum())
    return drawn


def left_out(found: Set, scale: Scale, *, seed: int) -> Matrix:
    """Give (n, 3) logits, each row by networks that have not seen its source; rows of other sources are NaN."""
    source = np.array([row.source for row in found.rows])
    drawn = weights(found)
    unseen = np.full((len(source), 3), np.nan, dtype=np.float32)
    for name in HEADLINE:
        mine = source == name
        which = np.flatnonzero(mine)
        votes = [
            logits(fit(found, np.where(mine, 0, drawn), scale, seed=seed + n), found, which, scale)
            for n in range(NETWORKS)
        ]
        unseen[mine] = np.mean(votes, axis=0)
    return unseen


def calibrations(found: Set, unseen: Matrix, chosen: npt.NDArray[np.bool_]) -> dict[str, Calibration]:
    """Fit one calibration for all languages and one for each of `LANGUAGES`, on unseen answers of the chosen rows."""
    lang = np.array([row.lang for row in found.rows])
    usable = chosen & ~np.isnan(unseen[:, 0])
    # Partial and full together weigh as much as none: else the calibration would lean to refusal.
    drawn = weights(found) * np.where(np.isin(found.labels, (1, 2)), 0.5, 1.0)
    allowed = np.eye(4, 3, dtype=bool)[found.labels]
    allowed[found.labels == 3, 1:] = True
    fits = {"": usable} | {one: usable & (lang == one) for one in LANGUAGES}
    return {
        one: calibrate.fit(unseen[these], allowed[these], drawn[these], pull=PULL)
        for one, these in fits.items()
        if these.any()
    }


def report(found: Set, unseen: Matrix) -> dict[str, Any]:
    """Give figures by subset; probabilities are calibrated on the other sources only."""
    source = np.array([row.source for row in found.rows])
    subset = np.array([row.subset for row in found.rows])
    lang = np.array([row.lang for row in found.rows])
    chances = np.full((len(source), 3), np.nan)
    for name in HEADLINE:
        how = calibrations(found, unseen, source != name)
        for one in sorted(set(lang[source == name])):
            mine = (source == name) & (lang == one)
            chances[mine] = calibrate.probabilities(unseen[mine], how.get(one, how[""]))
    sets = {
        name: _figures(found.labels[subset == name], chances[subset == name], found.whole[subset == name])
        for name in sorted(set(subset))
        if not np.isnan(chances[subset == name]).any()
    }
    whole_files = {name: _whole_file(found, chances, subset == name) for name in REPEATING if name in sets}
    real = [figures["balanced_accuracy"] for name, figures in sets.items() if not name.startswith(GENERATED)]
    human = ~np.isnan(chances[:, 0]) & ~np.isin(source, GENERATED)
    bars = metrics.reliability(found.labels[human] > 0, 1 - chances[human, 0])
    return {
        "sets": sets,
        "whole_files": whole_files,
        "mean_balanced_accuracy": round(float(np.mean(real)), 4),
        "reliability": [(round(bar.said, 4), round(bar.was, 4), bar.n) for bar in bars],
        "ece": round(metrics.ece(found.labels[human] > 0, 1 - chances[human, 0]), 4),
    }


def _whole_file(found: Set, chances: npt.NDArray[np.float64], these: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Give figures of the file as it is: each repeat counts, with its own label, scored as the first one was."""
    rows = np.flatnonzero(these)
    repeats = [(row, LABELS.index(label)) for row in rows for label in found.rows[row].again]
    every = np.concatenate([rows, np.array([row for row, _ in repeats], dtype=np.int64)])
    labels = np.concatenate([found.labels[rows], np.array([label for _, label in repeats], dtype=np.int64)])
    return _figures(labels, chances[every], found.whole[every])


def _figures(labels: npt.NDArray[np.int64], chances: npt.NDArray[np.float64], whole: Matrix) -> dict[str, Any]:
    gold, said = labels > 0, 1 - chances[:, 0]
    best = chances.argmax(axis=1)
    area = metrics.auc(gold, said)
    found: dict[str, Any] = {
        "n": len(labels),
        "positives": int(gold.sum()),
        "f1": round(metrics.f1(gold, said > 0.5), 4),
        "word_lists_f1": round(metrics.f1(gold, whole[:, 0] == 0), 4),
        "balanced_accuracy": round(metrics.balanced_accuracy(gold, said > 0.5), 4),
        "auc": None if area is None else round(area, 4),
        "ece": round(metrics.ece(gold, said), 4),
    }
    if set(labels) == {0, 1, 2}:
        names = [str(one) for one in range(3)]
        found["macro_f1"] = round(metrics.macro_f1([str(x) for x in labels], [str(x) for x in best], names), 4)
        found["partial_recall"] = round(float((best[labels == 1] == 1).mean()), 4)
    return found
