"""Trains and measures the head about requests (`monitor.scoring.classifiers.harm`)."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from monitor.scoring.classifiers import harm
from monitor.scoring.classifiers.weights import ARRAY, Calibration, Facts, save
from monitor.train import calibrate
from monitor.train.calibrate import Floats
from monitor.train.harm_data import Request, key, share
from monitor.train.harm_fit import even, measures
from monitor.train.harm_net import Inputs, Ints, Plan, fit, logits
from monitor.train.harm_prompts import own, requests, selfaware
from monitor.train.vectors import Vectors

PLANS = (
    Plan(members=2, epochs=5, width=32, mix=16, drop=0.3),
    Plan(members=2, epochs=5, width=8, mix=8, drop=0.4),
    Plan(members=3, epochs=8, width=16, mix=12, drop=0.1, blind=512),
)
_BUDGET = {
    ("coconot", "harmless"): 1500.0,
    ("coconot", "harmful"): 900.0,
    ("goals", "harmless"): 200.0,
    ("goals", "harmful"): 1000.0,
    ("gptfuzz", "harmful"): 300.0,
    ("jailjudge", "harmful"): 400.0,
    ("sensitiveq", "harmful"): 200.0,
    ("injection", "harmful"): 60.0,
    ("rbr", "harmless"): 250.0,
    ("rbr", "borderline"): 150.0,
    ("rbr", "harmful"): 200.0,
    ("own", "harmless"): 1300.0,
    ("own", "borderline"): 500.0,
    ("own", "harmful"): 900.0,
    ("clinc", "harmless"): 500.0,
    ("halueval", "harmless"): 700.0,
    ("truthfulqa", "harmless"): 500.0,
    ("arenahard", "harmless"): 300.0,
    ("oasst", "harmless"): 100.0,
    ("speechmap", "harmless"): 250.0,
}
"""How much a source's label counts in all, shared evenly among its rows."""


def train(data: Path, out: Path, *, cache: Path, seed: int = 7) -> dict[str, Any]:
    """Write the weights to `out` and give the figures for the model card; raises InputError where data is missing."""
    rows, vectors = requests(data, seed=seed), Vectors(cache)
    inputs = _inputs(rows, vectors)
    left = _left_out(rows, inputs, seed)
    calibration = _calibration(rows, left)
    arrays = fit(inputs, _labels(rows), _weights(rows), seed=seed, plans=PLANS)
    arrays |= _topics(rows, vectors)
    facts = Facts(
        labels=harm.LABELS, embedder=vectors.identity, code_version=harm.CODE_VERSION, calibration=calibration
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    save(out, arrays, facts)
    return _figures(data, rows, left, arrays, calibration, vectors, seed)


def evaluate(data: Path, *, cache: Path | None = None, seed: int = 7) -> dict[str, Any]:
    """Give the same figures without writing weights; without a `cache` folder the embedding takes some minutes."""
    with tempfile.TemporaryDirectory() as folder:
        return train(data, Path(folder), cache=cache or Path(folder), seed=seed)


def left_out(data: Path, vectors: Vectors, *, seed: int = 7) -> dict[str, ARRAY]:
    """Give each request's logits by a network that saw nothing of its source, by `harm_data.key` of the request."""
    rows = requests(data, seed=seed)
    found = _left_out(rows, _inputs(rows, vectors), seed)
    return {key(one.text): logit for one, logit in zip(rows, found, strict=True)}


def _inputs(rows: Sequence[Request], vectors: Vectors) -> list[Inputs]:
    vectors.learn(text for one in rows for text in harm.sentences(one.text))
    return [harm.features(one.text, vectors.embed) for one in rows]


def _labels(rows: Sequence[Request]) -> Ints:
    return np.array([harm.LABELS.index(one.label) for one in rows], dtype=np.int64)


def _weights(rows: Sequence[Request]) -> ARRAY:
    return even([(one.source, one.label) for one in rows], _BUDGET)


def _folds(rows: Sequence[Request]) -> list[str]:
    """Each source is one; our own requests are cut in four, by what they ask for."""
    return [one.source if one.source != "own" else f"own{int(share(one.group) * 1000) % 4}" for one in rows]


def _left_out(rows: Sequence[Request], inputs: Sequence[Inputs], seed: int) -> ARRAY:
    """Give each row's logits by a network that saw nothing of its source."""
    folds, labels, weights = np.array(_folds(rows)), _labels(rows), _weights(rows)
    found = np.zeros((len(rows), len(harm.LABELS)), dtype=np.float32)
    for fold in sorted(set(folds)):
        seen, unseen = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        arrays = fit([inputs[n] for n in seen.tolist()], labels[seen], weights[seen], seed=seed, plans=PLANS)
        found[unseen] = logits(arrays, [inputs[n] for n in unseen.tolist()])
    return found


def _calibration(rows: Sequence[Request], left: ARRAY) -> dict[str, Calibration]:
    weights, labels = _weights(rows), calibrate.only(_labels(rows), len(harm.LABELS))
    turkish = np.array([one.lang == "tr" for one in rows])
    return {
        "": calibrate.fit(left, labels, weights),
        "tr": calibrate.fit(left[turkish], labels[turkish], weights[turkish]),
    }


def _topics(rows: Sequence[Request], vectors: Vectors) -> dict[str, ARRAY]:
    told = [one for one in rows if one.topic]
    means = np.stack([vectors.embed(harm.sentences(one.text)).mean(axis=0) for one in told])
    model = LogisticRegression(C=30.0, class_weight="balanced", max_iter=500)
    model.fit(means, [one.topic for one in told])
    weights = np.zeros((means.shape[1], len(harm.TOPICS)), dtype=np.float32)
    bias = np.full(len(harm.TOPICS), -30.0, dtype=np.float32)
    for number, name in enumerate(model.classes_):
        weights[:, harm.TOPICS.index(name)] = model.coef_[number]
        bias[harm.TOPICS.index(name)] = model.intercept_[number]
    return {"topic": weights, "topic_bias": bias}


def _value(chance: Floats) -> Floats:
    return np.asarray(chance[:, 2] + 0.5 * chance[:, 1])


def _figures(
    data: Path,
    rows: Sequence[Request],
    left: ARRAY,
    arrays: dict[str, ARRAY],
    calibration: dict[str, Calibration],
    vectors: Vectors,
    seed: int,
) -> dict[str, Any]:
    gold = np.array([one.label == "harmful" for one in rows])
    langs, sources = np.array([one.lang for one in rows]), np.array([one.source for one in rows])
    value = np.zeros(len(rows))
    for lang in sorted(set(langs)):
        value[langs == lang] = _value(
            calibrate.probabilities(left[langs == lang], calibration.get(lang, calibration[""]))
        )
    by_source = {name: measures(gold[sources == name], value[sources == name]) for name in sorted(set(sources))}
    kept = own(seed=seed, held_out=True)
    asked = selfaware(data)
    shipped = {}
    for name, some in (("own_en", kept), ("own_tr", kept), ("selfaware", asked)):
        chosen = [one for one in some if name == "selfaware" or one.lang == name[-2:]]
        raw = logits(arrays, _inputs(chosen, vectors))
        odds = calibrate.probabilities(raw, calibration["tr"] if name == "own_tr" else calibration[""])
        shipped[name] = measures(np.array([one.label == "harmful" for one in chosen]), _value(odds))
        shipped[name]["three_way_accuracy"] = round(float((odds.argmax(axis=1) == _labels(chosen)).mean()), 4)
        if chosen[0].topic:
            means = np.stack([vectors.embed(harm.sentences(one.text)).mean(axis=0) for one in chosen])
            topics = (means @ arrays["topic"] + arrays["topic_bias"]).argmax(axis=1)
            right = [harm.TOPICS[t] == one.topic for t, one in zip(topics, chosen, strict=True)]
            shipped[name]["topic_accuracy"] = round(float(np.mean(right)), 4)
    return {
        "head": "harm",
        "rows": len(rows),
        "sources_left_out": by_source,
        "all_left_out": measures(gold, value),
        "by_language_left_out": {
            lang: measures(gold[langs == lang], value[langs == lang]) for lang in sorted(set(langs))
        },
        "kept_from_training": shipped,
        "calibration": {lang: how.model_dump() for lang, how in calibration.items()},
    }
