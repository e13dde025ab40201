"""What the local scorers share: one interaction at a time, no state, no waiting."""

from abc import ABC, abstractmethod

from monitor.intake.interaction import Interaction
from monitor.scoring.verdict import Result, ScorerIdentity


class LocalScorer(ABC):
    """A `Scorer` that judges each interaction by itself. Does not block; the runner catches what it raises."""

    def __init__(self, identity: ScorerIdentity) -> None:
        self._identity = identity

    @property
    def identity(self) -> ScorerIdentity:
        """Who scores: constant over the scorer's life."""
        return self._identity

    def score(self, batch: list[Interaction]) -> list[Result]:
        """Give one result an interaction, in order."""
        return [self.judge(interaction) for interaction in batch]

    @abstractmethod
    def judge(self, interaction: Interaction) -> Result:
        """Judge one interaction; pure."""


def quote(found: str) -> str:
    """Words found in the answer (masked before it was stored), short enough for a one-line reason."""
    # A lone surrogate could not be stored.
    whole = found[:80].encode("utf-8", "replace").decode("utf-8")
    return f"\u201c{whole.strip()}\u201d"
