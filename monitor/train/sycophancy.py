"""Trains and measures the sycophancy head: `train` writes the shipped weights, `evaluate` leaves sources out."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.scoring.classifiers.sycophancy import LABELS, forward, possible
from monitor.scoring.classifiers.sycophancy_features import VERSION, texts_of
from monitor.scoring.classifiers.weights import ARRAY, Calibration, Facts, save, softmax
from monitor.train import calibrate, syco_data, syco_measure
from monitor.train.syco_bank import bank
from monitor.train.syco_cases import cases
from monitor.train.syco_data import Example
from monitor.train.syco_fit import fit, matrix, numbers, weights_of
from monitor.train.syco_views import views
from monitor.train.vectors import Vectors

CASES_SEED = 7
"""Of the made-up cases: they are part of the data, not of the training."""
LANGUAGES = ("en", "tr")
_STANDING = 0
"""The number of SYCON's first turn in a debate, where the assistant has said nothing that it could give up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """All examples and their vectors."""

    examples: list[Example]
    x: ARRAY
    bank: dict[str, ARRAY]
    embedder: str

    def rows(self, keep: Callable[[Example], bool]) -> npt.NDArray[np.int64]:
        """Give the numbers of the examples that `keep` says yes to."""
        return np.asarray([n for n, e in enumerate(self.examples) if keep(e)], dtype=np.int64)

    def of(self, rows: npt.NDArray[np.int64]) -> list[Example]:
        """Give some examples."""
        return [self.examples[n] for n in rows]


def gather(data: Path, cache: Path) -> Material:
    """Read or make all examples, embed what `cache` does not hold yet, and compute the vectors."""
    sources = [
        syco_data.plain(data),
        syco_data.sycobench(data),
        syco_data.sycon(data),
        syco_data.made(seed=CASES_SEED),
        cases(data, seed=CASES_SEED),
        views(seed=CASES_SEED),
        syco_data.others(data),
        syco_data.weak(data),
    ]
    examples = [one for source in sources for one in source]
    through = Vectors(cache)
    through.learn(texts_of([e.interaction for e in examples]))
    made = bank(through)
    return Material(
        examples=examples,
        x=matrix(examples, through, made),
        bank={"bank": made.vectors, "bank_groups": made.groups},
        embedder=through.identity,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """A fitted and calibrated head."""

    arrays: dict[str, ARRAY]
    calibration: dict[str, Calibration]

    def chances(self, material: Material, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Give probabilities, shape (rows, labels)."""
        raw = _logits(material, rows, self.arrays)
        how = self.calibration
        langs = [material.examples[n].lang for n in rows]
        return np.asarray([softmax(one, how.get(lang, how[""])) for one, lang in zip(raw, langs, strict=True)])


def _logits(material: Material, rows: npt.NDArray[np.int64], arrays: dict[str, ARRAY]) -> ARRAY:
    return np.stack([possible(material.examples[n].interaction, forward(material.x[n], arrays)) for n in rows])


def learn(material: Material, keep: Callable[[Example], bool], *, seed: int) -> Trained:
    """Fit on the train split of the examples kept, and calibrate on their dev split, whose groups are others."""
    # An answer without any position before it can teach nothing about giving one up.
    fitted = material.rows(lambda e: e.split == "train" and keep(e) and _teaches(e))
    held = material.rows(lambda e: e.split == "dev" and keep(e) and _teaches(e))
    examples = material.of(fitted)
    arrays = fit(material.x[fitted], numbers(examples), weights_of(examples), seed=seed)
    raw, gold, weight = (
        _logits(material, held, arrays),
        numbers(material.of(held)),
        weights_of(material.of(held)),
    )
    langs = np.asarray([e.lang for e in material.of(held)])
    allowed = calibrate.only(gold, len(LABELS))
    calibration = {"": calibrate.fit(raw, allowed, weight)}
    for lang in LANGUAGES:
        mine = langs == lang
        calibration[lang] = calibrate.fit(raw[mine], allowed[mine], weight[mine])
    return Trained(arrays=arrays, calibration=calibration)


def _teaches(one: Example) -> bool:
    return not (one.part == "debate" and one.interaction.turn == _STANDING)


def train(data: Path, out: Path, *, cache: Path, seed: int = 7) -> dict[str, Any]:
    """Write the weights to `out`, and give the figures of the test split for the model card."""
    material = gather(data, cache)
    trained = learn(material, lambda _: True, seed=seed)
    facts = Facts(labels=LABELS, embedder=material.embedder, code_version=VERSION, calibration=trained.calibration)
    save(out, {**trained.arrays, **material.bank}, facts)
    return {"rows": _counts(material), "test": figures(material, trained, lambda e: e.split == "test")}


def figures(material: Material, trained: Trained, keep: Callable[[Example], bool]) -> dict[str, Any]:
    """Measure on the examples kept: each source and part, sycobench's pairs, the caving cases by language."""
    rows = material.rows(keep)
    examples, chances = material.of(rows), trained.chances(material, rows)
    value = 1 - chances[:, LABELS.index("none")]
    report: dict[str, Any] = {"all": syco_measure.by_answer(examples, value)}
    for lang in LANGUAGES:
        report[lang] = _answers(examples, value, [e.lang == lang for e in examples])
    for source in dict.fromkeys(e.source for e in examples):
        report[source] = _answers(examples, value, [e.source == source for e in examples])
        for part in sorted({e.part for e in examples if e.source == source}):
            report[f"{source}: {part}"] = _answers(
                examples, value, [(e.source, e.part) == (source, part) for e in examples]
            )
    for source, measure, score in (
        ("sycobench", syco_measure.pairs, value),
        ("cases", syco_measure.caving, chances[:, LABELS.index("caved_in")]),
    ):
        kept = [n for n, e in enumerate(examples) if e.source == source]
        if kept:
            report[f"{source}, {measure.__name__}"] = measure([examples[n] for n in kept], score[kept])
    return report


def _answers(examples: Sequence[Example], value: npt.NDArray[np.float64], mask: Sequence[bool]) -> dict[str, Any]:
    kept = [n for n, one in enumerate(mask) if one]
    return syco_measure.by_answer([examples[n] for n in kept], value[kept]) if kept else {"n": 0}


def evaluate(data: Path, *, cache: Path | None = None, seed: int = 7) -> dict[str, Any]:
    """Measure by leaving out: each setting of SYCON, sycobench, and the caving cases; and the test split of all.

    Without `cache` everything is embedded anew: about ten minutes on a core.
    """
    with tempfile.TemporaryDirectory() as folder:
        material = gather(data, cache or Path(folder))
        report: dict[str, Any] = {
            "test": figures(material, learn(material, lambda _: True, seed=seed), lambda e: e.split == "test")
        }
        for setting in ("debate", "ethical", "false-presuppositions"):
            report[f"without sycon {setting}"] = _without(material, "sycon", setting, seed)
        report["without sycobench"] = _without(material, "sycobench", "", seed)
        report["without cases"] = _without(material, "cases", "", seed)
    return report


def _without(material: Material, source: str, part: str, seed: int) -> dict[str, Any]:
    """Train without a source, or without one part of it, and measure on the whole of that."""

    def left_out(one: Example) -> bool:
        return one.source == source and part in ("", one.part)

    return figures(material, learn(material, lambda e: not left_out(e), seed=seed), left_out)


def _counts(material: Material) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in material.examples:
        key = f"{one.source}, {one.lang}, {one.split}, {one.label}"
        found[key] = found.get(key, 0) + 1
    return dict(sorted(found.items()))
