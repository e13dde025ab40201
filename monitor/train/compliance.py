"""Trains and measures the head about compliance with harm (`monitor.scoring.classifiers.compliance`).

Two parts: whether the answer gives what was asked for, learned from unsafe requests only (with harmless ones beside
them a network learns to tell the sources apart), and whether the request is unsafe, from the head about requests.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from monitor.scoring import text
from monitor.scoring.classifiers import compliance
from monitor.scoring.classifiers.weights import ARRAY, Calibration, Facts, save
from monitor.train import calibrate
from monitor.train.calibrate import probabilities
from monitor.train.harm import left_out
from monitor.train.harm_answers import made_answers
from monitor.train.harm_background import background
from monitor.train.harm_data import Answer, answers, key
from monitor.train.harm_fit import even, measures
from monitor.train.harm_net import Inputs, Ints, Plan, fit, logits
from monitor.train.vectors import Vectors

JUDGED = ("gptfuzz", "jailjudge", "jbb_artifacts", "pasttense")
_SAME_GOALS = {"jbb_artifacts", "pasttense"}
"""They share 100 goals: neither is used where the other is left out."""
_BUDGET = {"gptfuzz": 2500.0, "jailjudge": 1500.0, "jbb_artifacts": 1500.0, "pasttense": 1500.0, "own": 1200.0}
_VECTOR = 512
PLANS = (
    Plan(members=2, epochs=4, width=32, mix=24, drop=0.25),
    Plan(members=3, epochs=4, width=8, mix=8, drop=0.3),
    Plan(members=2, epochs=4, width=32, mix=24, drop=0.25, blind=_VECTOR),
    Plan(members=3, epochs=4, width=8, mix=8, drop=0.3, blind=_VECTOR),
)
_UNSAFE_WEIGHT = 3.0
"""How much more a missed unsafe request costs the gate than a harmless one let through."""


def train(data: Path, out: Path, *, cache: Path, seed: int = 7) -> dict[str, Any]:
    """Write the weights to `out` and give the figures for the model card; raises InputError.

    The head also reads the weights of the head about requests, which `monitor.train.harm.train` writes.
    """
    vectors = Vectors(cache)
    rows = [one for one in (*answers(data), *made_answers(seed=seed)) if one.source != "own" or one.unsafe]
    others = [*background(data), *(one for one in made_answers(seed=seed) if not one.unsafe)]
    inputs, labels = _inputs(rows, vectors), _labels(rows)
    weights = even([one.source for one in rows], _BUDGET)
    harms = left_out(data, vectors, seed=seed)
    left, card = _left_out(rows, inputs, others, vectors, harms, seed)
    arrays = fit(inputs, labels, weights, seed=seed, plans=PLANS)
    own_part = calibrate.fit(left, calibrate.only(labels, len(compliance.LABELS)), weights)
    arrays["gate"] = _gate(rows, others, harms, own_part)
    # The two parts are calibrated each by itself: a shift of the product would undo what the gate holds back.
    how = Calibration(shift=(0.0, 0.0))
    facts = Facts(
        labels=compliance.LABELS, embedder=vectors.identity, code_version=compliance.CODE_VERSION, calibration={"": how}
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    save(out, arrays, facts)
    kept = [one for one in made_answers(seed=seed, held_out=True) if one.unsafe]
    card["kept_from_training_answer_alone"] = {
        lang: measures(
            _labels(some) == 1, probabilities(logits(arrays, _inputs(some, vectors)), Calibration(shift=(0, 0)))[:, 1]
        )
        for lang in ("en", "tr")
        if (some := [one for one in kept if one.lang == lang])
    }
    return {"head": "compliance", "rows": len(rows), **card, "calibration": how.model_dump()}


def evaluate(data: Path, *, cache: Path | None = None, seed: int = 7) -> dict[str, Any]:
    """Give the same figures without writing weights; without a `cache` folder the embedding takes some minutes."""
    with tempfile.TemporaryDirectory() as folder:
        return train(data, Path(folder), cache=cache or Path(folder), seed=seed)


def _inputs(rows: Sequence[Answer], vectors: Vectors) -> list[Inputs]:
    # An answer without a word never reaches the network; one dot keeps the rows in step.
    read = [compliance.pieces(one.request, one.answer if _words(one) else ".") for one in rows]
    vectors.learn(said for one in read for said in one.request + one.answer)
    return [compliance.features(one, row.request, vectors.embed) for one, row in zip(read, rows, strict=True)]


def _words(one: Answer) -> bool:
    return any(map(str.isalnum, compliance.voice(one.answer)[0][: text.HEAD]))


def _labels(rows: Sequence[Answer]) -> Ints:
    return np.array([int(one.complied) for one in rows], dtype=np.int64)


def _odds(rows: Sequence[Answer], harms: dict[str, ARRAY]) -> ARRAY:
    """Log-odds of harmful; of requests that the other head never saw, those of doubt."""
    found = np.stack([harms.get(key(one.request), np.zeros(3, dtype=np.float32)) for one in rows])
    return np.asarray(found[:, 2] - np.logaddexp(found[:, 0], found[:, 1]), dtype=np.float32)


def _gate(rows: Sequence[Answer], others: Sequence[Answer], harms: dict[str, ARRAY], gave: Calibration) -> ARRAY:
    """Fit scale and shift of the request's log-odds, once a request; those of the answer's are `gave`."""
    one_each = list({key(one.request): one for one in rows}.values())
    harmless = list(
        {key(one.request): one for one in others if one.source not in ("rbr", "sensitiveq", "steered")}.values()
    )
    x = np.concatenate([_odds(one_each, harms), _odds(harmless, harms)])[:, None]
    y = np.concatenate([np.ones(len(one_each)), np.zeros(len(harmless))])
    weights = np.where(y == 1, _UNSAFE_WEIGHT * len(harmless) / len(one_each), 1.0)
    model = LogisticRegression(C=10.0).fit(x, y, sample_weight=weights)
    return np.array([model.coef_[0][0], model.intercept_[0], gave.scale, gave.shift[1]], dtype=np.float32)


def _joined(rows: Sequence[Answer], gave: ARRAY, harms: dict[str, ARRAY], gate: ARRAY) -> ARRAY:
    zero = np.zeros(3, dtype=np.float32)
    pairs = zip(rows, gave, strict=True)
    return np.stack([compliance.joined(logit, harms.get(key(one.request), zero), gate) for one, logit in pairs])


def _left_out(
    rows: Sequence[Answer],
    inputs: Sequence[Inputs],
    others: Sequence[Answer],
    vectors: Vectors,
    harms: dict[str, ARRAY],
    seed: int,
) -> tuple[ARRAY, dict[str, Any]]:
    """Give the logits of every row by a head that saw nothing of its source, and the figures."""
    labels, sources = _labels(rows), np.array([one.source for one in rows])
    weights = even(list(sources), _BUDGET)
    folds = [*JUDGED, "own"]
    found = np.zeros((len(rows), 2), dtype=np.float32)
    background_raw = np.zeros((len(others), 2), dtype=np.float32)
    for fold in folds:
        family = _SAME_GOALS if fold in _SAME_GOALS else {fold}
        seen, unseen = np.flatnonzero(~np.isin(sources, list(family))), np.flatnonzero(sources == fold)
        arrays = fit([inputs[n] for n in seen.tolist()], labels[seen], weights[seen], seed=seed, plans=PLANS)
        found[unseen] = logits(arrays, [inputs[n] for n in unseen.tolist()])
        if fold == "jailjudge":
            background_raw = logits(arrays, _inputs(others, vectors))
    figures: dict[str, Any] = {}
    gates: dict[str, ARRAY] = {}
    agreed = np.array([one.agreed for one in rows])
    as_is = Calibration(shift=(0.0, 0.0))
    for fold in JUDGED:
        # The gate and both calibrations come from the other sources.
        rest, mine = np.flatnonzero(sources != fold), np.flatnonzero(sources == fold)
        gave = calibrate.fit(found[rest], calibrate.only(labels[rest], len(compliance.LABELS)), weights[rest])
        gates[fold] = _gate([rows[n] for n in rest.tolist()], others, harms, gave)
        chance = probabilities(_joined([rows[n] for n in mine.tolist()], found[mine], harms, gates[fold]), as_is)[:, 1]
        figures[fold] = measures(labels[mine] == 1, chance)
        if not agreed[mine].all():
            figures[f"{fold}_judges_agree"] = measures(labels[mine][agreed[mine]] == 1, chance[agreed[mine]])
        figures[f"{fold}_answer_alone"] = measures(labels[mine] == 1, probabilities(found[mine], gave)[:, 1])
        figures[f"{fold}_answer_alone_uncalibrated"] = measures(
            labels[mine] == 1, probabilities(found[mine], as_is)[:, 1]
        )
    odds = probabilities(_joined(others, background_raw, harms, gates["jailjudge"]), as_is)[:, 1]
    beside = {}
    names = np.array([one.source for one in others])
    for name in sorted(set(names)):
        gold = _labels([one for one in others if one.source == name]) == 1
        beside[name] = measures(gold, odds[names == name])
    return found, {"sources_left_out": figures, "beside": beside}
