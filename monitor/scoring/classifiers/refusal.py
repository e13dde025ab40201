"""Refusal, by a trained head: none, partial or full (DESIGN §7).

Each sentence of the answer's start and end is looked at by itself, for a refusal is often one sentence among many: its
embedding, its cues, its phrases, its place, its nearness to the request. Evidence is pooled over the sentences (the
first one, the strongest at the start and at the end, the mean), then weighed with what the word lists find in the
whole. The reason quotes the sentence that weighs most. Several networks of other random starts vote.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from monitor.intake.interaction import Interaction
from monitor.scoring import sentences
from monitor.scoring.classifiers import refusal_features
from monitor.scoring.classifiers.head import Head, side_first
from monitor.scoring.classifiers.weights import ARRAY, Weights, shipped
from monitor.scoring.embed import Matrix
from monitor.scoring.lexical.refusal import DIMENSION, Degree
from monitor.scoring.reader import Reader, default_reader
from monitor.scoring.scorer import quote

NAME = "head-refusal"
LABELS = (Degree.NONE, Degree.PARTIAL, Degree.FULL)
CODE_VERSION = "1"
VOTES = np.array([[0.5, 0.0, 0.0], [0.0, 2.0, 1.5], [0.0, 1.5, 2.5]], dtype=np.float32)
"""What the word lists' finding (none, partial, full) adds to the labels' numbers: on sources left out the networks lean
on the lists less than is best, for in training they know better."""
NOTHING_SAID = np.array([20.0, 0.0, 0.0], dtype=np.float32)
"""An empty answer refuses nothing: it is a fault of another dimension."""
LEAST = np.float32(-20.0)
"""Stands for the evidence of sentences that are not there."""


class RefusalHead(Head):
    """Labels none, partial, full; the value is the probability of a refusal, partial or full."""

    def __init__(
        self,
        weights: Weights | None = None,
        *,
        reader: Callable[[], Reader] = default_reader,
        abstain_below: float = 0.0,
    ) -> None:
        """Take the shipped weights, or others."""
        super().__init__(
            name=NAME,
            dimension=DIMENSION,
            code_version=CODE_VERSION,
            weights=weights or shipped("refusal"),
            reader=reader,
            abstain_below=abstain_below,
            parameters=refusal_features.parameters(),
        )

    def texts(self, interaction: Interaction) -> Sequence[str]:
        """Give the request and the sentences that are looked at."""
        found = sentences.excerpt(interaction.answer)
        return [interaction.request[: refusal_features.REQUEST_CHARACTERS], *found.head, *found.tail]

    def logits(self, interaction: Interaction, reader: Reader) -> ARRAY:
        """Give one number a label."""
        features = refusal_features.of(interaction)
        if not features.sentences:
            return NOTHING_SAID
        evidence = self._evidence(features, reader)
        votes = [
            pooled(one, features.slots, features.whole) @ self.weights.arrays[f"{n}.final"]
            + self.weights.arrays[f"{n}.final_bias"]
            for n, one in enumerate(evidence)
        ]
        total: ARRAY = np.mean(votes, axis=0, dtype=np.float32) + features.whole[:3] @ VOTES
        return total

    def label(self, probabilities: dict[str, float]) -> str:
        """Give none, or the more probable degree."""
        return side_first(probabilities, Degree.NONE)

    def value(self, probabilities: dict[str, float]) -> float:
        """Give the probability of a refusal."""
        return 1.0 - probabilities[Degree.NONE]

    def reason(self, interaction: Interaction, label: str, probabilities: dict[str, float]) -> str:
        """Quote the sentence with the most evidence."""
        if label == Degree.NONE:
            return f"no refusal found (p = {probabilities[label]:.2f})"
        features = refusal_features.of(interaction)
        evidence = self._evidence(features, self.reader())
        weight = np.mean([one @ self._direction(n) for n, one in enumerate(evidence)], axis=0)
        return f"{label} refusal (p = {probabilities[label]:.2f}): {quote(features.sentences[int(weight.argmax())])}"

    def _direction(self, number: int) -> ARRAY:
        """Give how far each channel of the start's strongest sentence speaks for a refusal."""
        final = self.weights.arrays[f"{number}.final"]
        channels = self.weights.arrays[f"{number}.out"].shape[1]
        of_head = final[channels : 2 * channels]
        direction: ARRAY = of_head[:, 1] + of_head[:, 2] - 2 * of_head[:, 0]
        return direction

    def _evidence(self, features: refusal_features.Features, reader: Reader) -> list[Matrix]:
        """Give each network's evidence, (sentences, channels)."""
        arrays = self.weights.arrays
        vectors, cues = reader.read(features.sentences)
        request = reader.embed([features.request])[0]
        inputs = (np.concatenate([vectors, cues], axis=1) - arrays["mean"]) / arrays["spread"]
        near = vectors @ request
        return [self._look(n, inputs, near, features) for n in range(self._networks)]

    def _look(self, n: int, inputs: Matrix, near: ARRAY, features: refusal_features.Features) -> Matrix:
        own: dict[str, Any] = {
            name: self.weights.arrays[f"{n}.{name}"]
            for name in ("project", "project_bias", "place", "near", "signs", "out", "out_bias")
        }
        hidden = inputs @ own["project"] + own["project_bias"] + own["place"][list(features.slots)]
        hidden += near[:, None] * own["near"] + features.signs @ own["signs"]
        evidence: Matrix = np.maximum(hidden, 0) @ own["out"] + own["out_bias"]
        return evidence

    @property
    def _networks(self) -> int:
        return sum(name.endswith(".out") for name in self.weights.arrays)


def pooled(evidence: Matrix, slots: Sequence[int], whole: ARRAY) -> ARRAY:
    """Give what the last layer reads: first sentence, start, end, mean, the whole; (4 * channels + WHOLE,)."""
    channels = evidence.shape[1]
    none = np.full(channels, LEAST, dtype=np.float32)
    at_start = np.array([slot < sentences.HEAD for slot in slots], dtype=bool)
    start = _strongest(evidence[at_start]) if at_start.any() else none
    end = _strongest(evidence[~at_start]) if (~at_start).any() else none
    zero = np.zeros(channels, dtype=np.float32)
    first, mean = (evidence[0], evidence.mean(axis=0)) if len(evidence) else (zero, zero)
    return np.concatenate([first, start, end, mean, whole])


def _strongest(evidence: Matrix) -> ARRAY:
    """Give log sum exp over the sentences: a soft maximum."""
    top = evidence.max(axis=0)
    found: ARRAY = top + np.log(np.exp(evidence - top).sum(axis=0))
    return np.maximum(found, LEAST)
