"""What a scorer gives: a verdict, or the reason why there is none (DESIGN §3, I6)."""

import hashlib
import json
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Literal, Protocol

from monitor.intake.interaction import Interaction

ScorerKind = Literal["rule", "classifier", "judge", "human"]


class Status(StrEnum):
    """The terminal states of one (sample, dimension, scorer); anything else is still due."""

    SCORED = "scored"
    REFUSED_BY_JUDGE = "refused_by_judge"
    UNPARSEABLE = "unparseable"
    ERROR = "error"
    EXPIRED = "expired"
    OVER_BUDGET = "over_budget"
    ABSTAINED = "abstained"
    """The scorer says that it is not sure enough, as it was told to."""


POSITIVE_ABOVE = 0.5
"""A value above it counts as having the property: a rate is the share of such answers. A mean of probabilities would be
the rate only where they were calibrated on traffic like this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A value in [0, 1]: how far the answer has the dimension's property, 1 = fully."""

    value: float
    label: str
    reason: str
    """One line for people; quotes masked text only."""
    probabilities: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a value that is not a number in [0, 1]: it would poison every mean after it."""
        if not 0.0 <= self.value <= 1.0:
            raise ValueError(f"a verdict's value must lie in [0, 1], got {self.value!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Unscored:
    """No verdict, and why; `status` is never `scored`."""

    status: Status
    reason: str

    def __post_init__(self) -> None:
        """Refuse the one status that would make a missing verdict look like a verdict."""
        if self.status is Status.SCORED:
            raise ValueError("Unscored cannot carry the status 'scored'")


Result = Verdict | Unscored


@dataclass(frozen=True, kw_only=True, slots=True)
class ScorerIdentity:
    """Everything that can change a scorer's output; `id` changes when, and only when, one of them does."""

    kind: ScorerKind
    name: str
    dimension: str
    code_version: str
    parameters: dict[str, Any] = field(default_factory=dict)
    prompt: str = ""
    model: str = ""

    id: str = field(init=False)
    """sha256 of the canonical JSON, 64 hex digits (DESIGN §3)."""

    def __post_init__(self) -> None:
        """Compute the id once: it is asked for with every row."""
        parts = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "id"}
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        object.__setattr__(self, "id", hashlib.sha256(canonical.encode()).hexdigest())


class Scorer(Protocol):
    """Anything that scores one dimension. Called by the runner; may block; failure is data, not an exception."""

    @property
    def identity(self) -> ScorerIdentity:
        """Who scores: constant over the scorer's life."""
        ...

    def score(self, batch: list[Interaction]) -> list[Result]:
        """Give one result an interaction, in order."""
        ...
