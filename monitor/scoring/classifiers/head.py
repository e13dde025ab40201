"""What the trained heads share: batches through the shared reader, calibrated probabilities, abstaining, a reason."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from monitor.intake.interaction import Interaction
from monitor.scoring.classifiers.weights import ARRAY, Weights, softmax
from monitor.scoring.language import detect
from monitor.scoring.reader import Reader, default_reader
from monitor.scoring.scorer import LocalScorer
from monitor.scoring.verdict import POSITIVE_ABOVE, Result, ScorerIdentity, Status, Unscored, Verdict

TOGETHER = 64
"""Interactions whose texts are embedded together: bounds the memory of a batch."""


class Head(LocalScorer):
    """A `Scorer` from trained weights. A score depends on its interaction alone, bit for bit: one row at a time."""

    def __init__(
        self,
        *,
        name: str,
        dimension: str,
        code_version: str,
        weights: Weights,
        reader: Callable[[], Reader] = default_reader,
        abstain_below: float = 0.0,
        parameters: dict[str, Any] | None = None,
    ) -> None:
        """Take the weights; the reader is made with the first batch, so that asking for the identity loads no encoder.

        `abstain_below`: where the most probable label has a smaller probability, there is no verdict but `abstained`.
        `parameters`: what else decides the features, such as the digest of phrase lists.
        """
        self.weights = weights
        self.abstain_below = abstain_below
        self._make_reader = reader
        super().__init__(
            ScorerIdentity(
                kind="classifier",
                name=name,
                dimension=dimension,
                code_version=code_version,
                model=weights.facts.embedder,
                parameters={"weights": weights.digest, "abstain_below": abstain_below, **(parameters or {})},
            )
        )

    def reader(self) -> Reader:
        """Give the reader whose embeddings it shares; the first call in a process may load the encoder."""
        return self._make_reader()

    def score(self, batch: list[Interaction]) -> list[Result]:
        """Give one result an interaction, in order."""
        results: list[Result] = []
        for start in range(0, len(batch), TOGETHER):
            part = batch[start : start + TOGETHER]
            self.reader().prefetch(text for one in part for text in self.texts(one))
            results.extend(self.judge(one) for one in part)
        return results

    def judge(self, interaction: Interaction) -> Result:
        """Judge one interaction by its own texts."""
        logits = self.logits(interaction, self.reader())
        how = self.weights.facts.calibration
        found = detect(interaction.answer)
        chances = softmax(logits, how.get(found.code if found else "", how[""]))
        labels = self.weights.facts.labels
        probabilities = {label: round(chance, 6) for label, chance in zip(labels, chances, strict=True)}
        best = self.label(probabilities)
        most = max(probabilities.values())
        if most < self.abstain_below:
            reason = f"not sure of {best}: the most probable label has {most:.2f}"
            return Unscored(status=Status.ABSTAINED, reason=reason)
        return Verdict(
            value=self.value(probabilities),
            label=best,
            reason=self.reason(interaction, best, probabilities),
            probabilities=probabilities,
        )

    def label(self, probabilities: dict[str, float]) -> str:
        """Give the label; the most probable one, unless the head says otherwise."""
        return max(probabilities, key=probabilities.__getitem__)

    @abstractmethod
    def texts(self, interaction: Interaction) -> Sequence[str]:
        """Give the texts whose embeddings `logits` will ask for."""

    @abstractmethod
    def logits(self, interaction: Interaction, reader: Reader) -> ARRAY:
        """Give one number a label, before calibration; pure."""

    @abstractmethod
    def value(self, probabilities: dict[str, float]) -> float:
        """Give the verdict's value in [0, 1]: the probability that the answer has the dimension's property."""

    @abstractmethod
    def reason(self, interaction: Interaction, label: str, probabilities: dict[str, float]) -> str:
        """Say in one line what decided."""


def side_first(probabilities: dict[str, float], nothing: str) -> str:
    """Give `nothing` or the most probable of the others, by which side has more: so label and value never disagree."""
    if probabilities[nothing] >= 1 - POSITIVE_ABOVE:
        return nothing
    return max((one for one in probabilities if one != nothing), key=probabilities.__getitem__)
