"""The refusal head's training set as arrays: features of each answer, and the row numbers of its sentences."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from monitor.scoring.classifiers import refusal_features
from monitor.scoring.classifiers.refusal_features import SIGNS, SLOTS, WHOLE, Features
from monitor.scoring.embed import Matrix
from monitor.train import synth
from monitor.train.refusal_data import Labelled, labelled, weak
from monitor.train.vectors import Table, Vectors

Ints = npt.NDArray[np.int64]
LABELS = ("none", "partial", "full", "refusal")
"""The last one: a refusal of a degree that nobody told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Set:
    """`n` answers; absent sentences have row number 0 and a 0 in `there`."""

    rows: list[Labelled]
    labels: Ints
    """(n,), numbers in `LABELS`."""
    sentences: Ints
    """(n, SLOTS), row numbers in `vectors`."""
    there: Matrix
    """(n, SLOTS), 1 or 0."""
    signs: Matrix
    """(n, SLOTS, SIGNS)."""
    requests: Ints
    """(n,), row numbers in `vectors`."""
    whole: Matrix
    """(n, WHOLE)."""
    vectors: Table


def load(data: Path, cache: Path, *, seed: int) -> Set:
    """Read all sources and embed their sentences; minutes where `cache` is empty."""
    rows = [*labelled(data), *weak(data), *_generated(seed)]
    read = [refusal_features.read(row.request, row.answer) for row in rows]
    vectors = Vectors(cache, cues=True).table(text for one in read for text in (one.request, *one.sentences))
    n = len(rows)
    found = Set(
        rows=rows,
        labels=np.array([LABELS.index(row.label) for row in rows]),
        sentences=np.zeros((n, SLOTS), dtype=np.int64),
        there=np.zeros((n, SLOTS), dtype=np.float32),
        signs=np.zeros((n, SLOTS, SIGNS), dtype=np.float32),
        requests=np.array([vectors.row[one.request] for one in read]),
        whole=np.stack([one.whole for one in read]).reshape(n, WHOLE),
        vectors=vectors,
    )
    for number, one in enumerate(read):
        _place(found, number, one)
    return found


def _place(found: Set, number: int, features: Features) -> None:
    for sentence, slot, signs in zip(features.sentences, features.slots, features.signs, strict=True):
        found.sentences[number, slot] = found.vectors.row[sentence]
        found.there[number, slot] = 1
        found.signs[number, slot] = signs


def _generated(seed: int) -> list[Labelled]:
    return [
        Labelled(
            id=row.id,
            # What gives way or flatters does not refuse: short answers of ordinary talk, in both languages.
            source="synth" if row.task == "refusal" else "talk",
            subset=f"{'synth' if row.task == 'refusal' else 'talk'}_{row.lang}",
            lang=row.lang,
            split="train",
            request=row.messages[-2][1],
            answer=row.messages[-1][1],
            label=row.label if row.task == "refusal" else "none",
        )
        for row in synth.rows(seed=seed)
    ]
