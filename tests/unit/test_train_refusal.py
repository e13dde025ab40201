"""The refusal head's training: gradients, the same forward pass as at run time, calibration, metrics, whole files."""

import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from monitor.scoring.classifiers.refusal import pooled
from monitor.scoring.classifiers.refusal_features import SIGNS, SLOTS, WHOLE
from monitor.scoring.classifiers.weights import Calibration
from monitor.train import calibrate, metrics
from monitor.train.refusal import report
from monitor.train.refusal_data import LABELLED, Labelled, labelled
from monitor.train.refusal_net import UNTOLD, Scale, _forward, _gradients, _inputs, _start, fit, logits
from monitor.train.refusal_set import LABELS, Set

WIDTH, CUES = 8, 4


def made_up(n: int = 60, seed: int = 0) -> Set:
    """Answers whose label shows in the first number of one of their sentences."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    there = (rng.random((n, SLOTS)) < 0.6).astype(np.float32)
    there[:, 0] = 1
    there[0] = 0
    vectors = rng.normal(size=(400, WIDTH)).astype(np.float16)
    sentences = rng.integers(0, 390, (n, SLOTS))
    vectors[390:395, 0], vectors[395:, 0] = 9, -9
    sentences[labels == 1, 0] = 392
    sentences[labels >= 2, 0] = 397
    whole = rng.normal(size=(n, WHOLE)).astype(np.float32)
    # The word lists have no vote here.
    whole[:, :3] = 0
    found = SimpleNamespace(
        rows=[],
        labels=labels,
        sentences=sentences * there.astype(int),
        there=there,
        signs=rng.integers(0, 2, (n, SLOTS, SIGNS)).astype(np.float32),
        requests=rng.integers(0, 400, n),
        whole=whole,
        vectors=SimpleNamespace(vectors=vectors, cues=rng.normal(size=(400, CUES)).astype(np.float16)),
    )
    return cast("Set", found)


NO_SCALE = Scale(mean=np.zeros(WIDTH + CUES, np.float32), spread=np.ones(WIDTH + CUES, np.float32))


def loss(arrays: dict[str, Any], x: Any, labels: Any) -> float:
    scores, _ = _forward(arrays, x)
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    right = np.where(labels == UNTOLD, chances[:, 1] + chances[:, 2], chances[np.arange(len(labels)), labels % UNTOLD])
    return float(-np.log(right).mean())


def test_gradients_are_the_slopes_of_the_loss() -> None:
    data = made_up(24)
    arrays = {name: a.astype(np.float64) for name, a in _start(np.random.default_rng(1), WIDTH + CUES).items()}
    x = _inputs(data, np.arange(24), NO_SCALE)
    found = _gradients(cast("Any", arrays), x, data.labels, None)
    assert found.keys() == arrays.keys()
    rng = np.random.default_rng(2)
    for name, array in arrays.items():
        for _ in range(6):
            place = tuple(rng.integers(0, size) for size in array.shape)
            kept, step = array[place], 1e-5
            array[place] = kept + step
            up = loss(arrays, x, data.labels)
            array[place] = kept - step
            down = loss(arrays, x, data.labels)
            array[place] = kept
            assert found[name][place] == pytest.approx((up - down) / (2 * step), abs=2e-5), (name, place)


def test_training_is_deterministic_and_learns() -> None:
    data = made_up(400)
    weights = np.full(400, 16.0)
    one, other = (fit(data, weights, NO_SCALE, seed=3) for _ in range(2))
    assert all((one[name] == other[name]).all() for name in one)
    found = logits(one, data, np.arange(1, 400), NO_SCALE).argmax(axis=1)
    told = data.labels[1:] < UNTOLD
    assert (found[told] == data.labels[1:][told]).mean() > 0.95


def test_the_run_time_pools_as_training_does() -> None:
    data = made_up(30)
    arrays = _start(np.random.default_rng(1), WIDTH + CUES)
    x = _inputs(data, np.arange(30), NO_SCALE)
    scores, kept = _forward(arrays, x)
    evidence = kept["hidden"] @ arrays["out"] + arrays["out_bias"]
    for n in range(30):
        slots = np.flatnonzero(data.there[n])
        mine = pooled(evidence[n, slots], slots.tolist(), data.whole[n]) @ arrays["final"] + arrays["final_bias"]
        assert mine == pytest.approx(scores[n], abs=1e-4)


def test_calibration_mends_probabilities_that_are_too_sure() -> None:
    rng = np.random.default_rng(5)
    true = rng.normal(size=(4000, 3))
    chances = np.exp(true) / np.exp(true).sum(axis=1, keepdims=True)
    gold = np.array([rng.choice(3, p=row) for row in chances])
    too_sure = (true * 4 + [0, 1, 0]).astype(np.float32)
    how = calibrate.fit(too_sure, np.eye(3, dtype=bool)[gold], np.ones(4000))
    before = calibrate.probabilities(too_sure, Calibration(shift=(0, 0, 0)))
    after = calibrate.probabilities(too_sure, how)
    assert metrics.ece(gold > 0, 1 - before[:, 0]) > 0.1
    assert metrics.ece(gold > 0, 1 - after[:, 0]) < 0.04


def test_metrics_on_cases_counted_by_hand() -> None:
    gold = np.array([True, True, False, False])
    assert metrics.f1(gold, np.array([True, False, True, False])) == 0.5
    assert metrics.f1(~gold & gold, ~gold & gold) == 0.0
    assert metrics.balanced_accuracy(gold, np.array([True, True, True, False])) == 0.75
    assert metrics.balanced_accuracy(np.ones(2, bool), np.array([True, False])) == 0.5
    assert metrics.auc(gold, np.array([0.9, 0.4, 0.4, 0.1])) == 0.875
    assert metrics.auc(np.ones(2, bool), np.array([0.1, 0.2])) is None
    assert metrics.macro_f1(list("aabb"), list("abbb"), list("ab")) == pytest.approx((2 / 3 + 0.8) / 2)
    assert metrics.ece(gold, np.array([1.0, 1.0, 0.0, 0.0])) == 0.0
    assert metrics.ece(gold, np.array([0.0, 0.0, 1.0, 1.0])) == 1.0


def said(source: str, number: int, label: str, again: tuple[str, ...] = ()) -> Labelled:
    return Labelled(
        id=f"{source}-{number}",
        source=source,
        subset=source,
        lang="en",
        split="train",
        request="?",
        answer=f"{number}",
        label=label,
        again=again,
    )


def test_a_repeated_answer_is_learnt_once_and_keeps_the_labels_of_its_repeats(tmp_path: Path) -> None:
    told = [("A?", "No.", "refusal"), ("B?", "No.", "compliance"), ("C?", "Yes.", "compliance")]
    rows = [
        {
            "id": str(number),
            "lang": "en",
            "split": "train",
            "label_refusal": label,
            "messages": [{"role": "user", "content": request}, {"role": "assistant", "content": answer}],
        }
        for number, (request, answer, label) in enumerate(told)
    ]
    for name in LABELLED.values():
        text = "\n".join(map(json.dumps, rows)) if "gptfuzz" in name or "reuter" in name else ""
        content = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
        (tmp_path / name).write_bytes(content)
    found = labelled(tmp_path)
    assert [(one.label, one.again) for one in found if one.source == "gptfuzz"] == [
        ("refusal", ("none",)),
        ("none", ()),
    ]
    assert len([one for one in found if one.source == "reuter"]) == 3


def test_figures_of_the_whole_file_count_each_repeat_with_its_own_label() -> None:
    rows = [said("gptfuzz", 0, "refusal", ("refusal", "refusal", "none")), said("gptfuzz", 1, "none")]
    rows += [said("rbr", number, ("none", "full")[number % 2]) for number in range(40)]
    refuses = np.array([row.label != "none" for row in rows])
    unseen = np.where(refuses[:, None], [-4, 2, 2], [4, -2, -2]).astype(np.float32)
    whole = np.zeros((len(rows), WHOLE), np.float32)
    labels = np.array([LABELS.index(row.label) for row in rows])
    found = report(cast("Set", SimpleNamespace(rows=rows, labels=labels, whole=whole)), unseen)
    assert found["sets"]["gptfuzz"]["n"] == 2
    assert found["whole_files"]["gptfuzz"]["n"] == 5
    assert found["whole_files"]["gptfuzz"]["positives"] == 3
    assert found["whole_files"]["gptfuzz"]["f1"] == pytest.approx(6 / 7, abs=1e-4)
    assert found["sets"]["gptfuzz"]["f1"] == 1
