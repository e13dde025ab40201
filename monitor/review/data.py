"""What the console shows, and the port it comes through: `store_data.StoreData` in production, a fake in tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from monitor.report.ledger import Span
from monitor.report.rates import Rate
from monitor.report.status import Status
from monitor.scoring.verdict import ScorerIdentity


@dataclass(frozen=True, kw_only=True, slots=True)
class Lag:
    """How far ingest is behind Kafka."""

    behind: int | None
    """Records that are in Kafka and not yet recorded; None when Kafka does not tell."""
    note: str = ""
    """Why it is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recent:
    """One line of the list of samples that were recorded last."""

    sample_id: UUID
    interaction_id: str
    record_time: datetime
    model_name: str
    model_version: str
    locale: str
    tenant: str
    stratum: str
    size: int
    """Bytes of the conversation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictRow:
    """The visible terminal row of one scorer for one sample."""

    dimension: str
    scorer_id: str
    scorer_name: str
    """Empty when the store does not know the scorer."""
    kind: str
    status: str
    value: float | None
    label: str
    reason: str
    scored_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One sample with everything the store knows about it; the text is masked, and still hostile."""

    sample_id: UUID
    interaction_id: str
    conversation_id: str
    turn: int
    messages: tuple[tuple[str, str], ...]
    """(role, content); the last is the judged turn."""
    occurred_at: datetime
    record_time: datetime
    ingested_at: datetime
    topic: str
    topic_id: UUID
    partition: int
    offset: int
    stratum: str
    policy_id: str
    probability: float
    model_name: str
    model_version: str
    deployment: str
    prompt_version: str
    tenant: str
    locale: str
    user_key: str
    feedback: float | None
    finish_reason: str
    input_tokens: int | None
    output_tokens: int | None
    attributes: dict[str, str]
    normalised: tuple[str, ...]
    masked: dict[str, int]
    verdicts: tuple[VerdictRow, ...]


class ConsoleData(Protocol):
    """Where the console reads; called from several threads at once.

    Every method may block, and raise `StoreUnavailable`, unless it says otherwise.
    """

    @property
    def scorers(self) -> Sequence[ScorerIdentity]:
        """The scorers that run now. Never blocks."""
        ...

    def ping(self) -> None:
        """Return soon if ClickHouse answers."""
        ...

    def status(self, span: Span) -> Status:
        """Give the state of the pipeline."""
        ...

    def lag(self) -> Lag:
        """Give the consumer group's lag, at most some seconds old; never raises for Kafka's sake."""
        ...

    def rates(self, span: Span, *, by: Sequence[str] = ()) -> list[Rate]:
        """Give the rates of every dimension, and of every segment when `by` names fields."""
        ...

    def recent(self, span: Span, *, limit: int) -> list[Recent]:
        """Give the samples that were recorded last, newest first."""
        ...

    def find(self, one_id: str) -> Case | None:
        """Give the sample of this sample id or interaction id."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...
