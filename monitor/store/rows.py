"""Rows as typed values, one dataclass a table but for `samples`; the column names and types come from schema.sql alone.

Columns with a DEFAULT are filled in by the engine and are no part of a row.

A field's name is its column's name (a test compares them). Times are integers in the column's own unit: seconds for
`DateTime`, milliseconds for `DateTime64(3)`, microseconds for `DateTime64(6)`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from json.encoder import encode_basestring
from operator import attrgetter
from typing import Any
from uuid import UUID

from monitor.intake.batch import Cell, Dead, Sampled
from monitor.intake.interaction import Interaction, Message, Model, Usage
from monitor.intake.sampling import Policy
from monitor.scoring.verdict import Result, ScorerIdentity, Status, Unscored, Verdict
from monitor.store.sql import blocks

VERSION_BASE = 2**63

_COLUMN = re.compile(
    r"^\s{4}(?!INDEX\b|.*\bDEFAULT\b)(\w+)\s+((?:[^,'\n(]|\((?:[^()]|\([^()]*\))*\))+?)(?:\s+(?:COMMENT|CODEC)\b.*)?,?$",
    re.MULTILINE,
)


def _columns_of(statement: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = _COLUMN.findall(statement[: statement.index("\nENGINE")])
    return tuple(name for name, _ in found), tuple(kind.strip() for _, kind in found)


TABLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    name: _columns_of(statement)
    for name, statement in blocks("schema.sql").items()
    if statement.startswith("CREATE TABLE") and "\nENGINE" in statement
}
"""Column names and types by table, read from schema.sql."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetterRow:
    """A row of `dead_letters`."""

    topic: str
    topic_id: UUID
    partition: int
    offset: int
    window: int
    record_time: int
    reason: str
    detail: str
    evidence: str
    size: int
    sha256: str
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRow:
    """A row of `scores`."""

    window: int
    sample_id: UUID
    dimension: str
    scorer_id: str
    scorer_kind: str
    status: str
    value: float | None
    label: str
    probabilities: dict[str, float]
    reason: str
    scored_at: int
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddingRow:
    """A row of `embeddings`."""

    window: int
    sample_id: UUID
    embedder: str
    part: str
    scale: float
    vector: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class SelectionRow:
    """A row of `selections`."""

    window: int
    sample_id: UUID
    judge: str
    probability: float
    hash: int
    selected: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelRow:
    """A row of `labels`."""

    window: int
    sample_id: UUID
    dimension: str
    reviewer: str
    label: str
    value: float
    note: str
    rubric: str
    labelled_at: int
    import_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeCallRow:
    """A row of `judge_calls`."""

    call_id: UUID
    called_at: int
    endpoint: str
    question: str
    window: int
    sample_id: UUID
    model: str
    stop: str
    reply: str
    logprobs: list[tuple[str, float]]
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_micro_usd: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetRow:
    """A row of `budgets`."""

    change_id: UUID
    scope: str
    cap: str
    value: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetEventRow:
    """A row of `budget_events`."""

    event_id: UUID
    at: int
    kind: str
    endpoint: str
    micro_usd: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ScorerRow:
    """A row of `scorers`."""

    scorer_id: str
    kind: str
    name: str
    dimension: str
    code_version: str
    prompt: str
    model: str
    parameters: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyRow:
    """A row of `policies`."""

    effective_from: int
    policy_id: str
    body: str
    created_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ConstitutionRow:
    """A row of `constitutions`."""

    sha256: str
    name: str
    version: str
    body: str
    first_seen: int
    rank: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EstimateRow:
    """A row of `estimates`."""

    window: int
    window_hours: int
    segment: dict[str, str]
    dimension: str
    scorer_id: str
    corrected: int
    classifier: str
    rate: float | None
    low: float
    high: float
    sampling_low: float
    sampling_high: float
    confidence: float
    conversations: float
    population: float
    sampled: int
    scored: int
    unscored: int
    due: int
    coverage: float
    classified: int
    judged: int
    labelled: int
    method: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptRow:
    """A row of `attempts`."""

    stage: str
    subject: UUID
    attempt_id: UUID
    span: int
    until: int
    void: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRow:
    """A row of `events`."""

    event_id: UUID
    at: int
    kind: str
    severity: str
    process: str
    topic: str
    topic_id: UUID
    partition: int
    first_offset: int
    last_offset: int
    n: int
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AttackRow:
    """A row of `attack_results`."""

    at: int
    judge: str
    scorer_id: str
    attack: str
    seed: int
    planted: int
    succeeded: int
    unsupported: int
    right: int
    other: int
    unscored: int


Row = (
    DeadLetterRow
    | Cell
    | ScoreRow
    | EmbeddingRow
    | SelectionRow
    | LabelRow
    | JudgeCallRow
    | BudgetRow
    | BudgetEventRow
    | AttackRow
    | ScorerRow
    | PolicyRow
    | ConstitutionRow
    | EstimateRow
    | AttemptRow
    | EventRow
)

ROW_TYPES: Mapping[str, type[Row]] = {
    "dead_letters": DeadLetterRow,
    "offset_ledger_in": Cell,
    "scores": ScoreRow,
    "embeddings": EmbeddingRow,
    "selections": SelectionRow,
    "labels": LabelRow,
    "judge_calls": JudgeCallRow,
    "budgets": BudgetRow,
    "budget_events": BudgetEventRow,
    "attack_results": AttackRow,
    "scorers": ScorerRow,
    "policies": PolicyRow,
    "constitutions": ConstitutionRow,
    "estimates": EstimateRow,
    "attempts": AttemptRow,
    "events": EventRow,
}


def to_columns(rows: Sequence[Row]) -> list[list[Any]]:
    """Turn rows of one type into columns, in the order of the table."""
    if not rows:
        return []
    return [list(map(attrgetter(field.name), rows)) for field in fields(rows[0])]


def sample_columns(samples: Sequence[Sampled]) -> list[list[Any]]:
    """Write masked interactions as columns, without a row object each: this is most of what ingest writes.

    The engine stamps `ingested_at`, so that a repeated row is equal.
    """
    positions = [one.position for one in samples]
    interactions = [one.interaction for one in samples]
    named: dict[str, list[Any]] = {
        "window": [one.window for one in samples],
        "sample_id": [position.sample_number for position in positions],
        "topic": [position.topic for position in positions],
        "topic_id": [position.topic_id for position in positions],
        "partition": [position.partition for position in positions],
        "offset": [position.offset for position in positions],
        "record_time": [one.record_ms for one in samples],
        "stratum": [one.stratum for one in samples],
        "policy_id": [one.policy_id for one in samples],
        "probability": [one.probability for one in samples],
        "hash": [one.hash64 for one in samples],
        "interaction_id": [i.interaction_id for i in interactions],
        "conversation_id": [i.conversation_id for i in interactions],
        "turn": [i.turn for i in interactions],
        "occurred_at": [milliseconds(i.occurred_at) for i in interactions],
        "messages": [_messages(i) for i in interactions],
        "model_name": [i.model.name for i in interactions],
        "model_version": [i.model.version for i in interactions],
        "deployment": [i.deployment for i in interactions],
        "prompt_version": [i.prompt_version for i in interactions],
        "tenant": [i.tenant for i in interactions],
        "locale": [i.locale for i in interactions],
        "user_key": [i.user_key for i in interactions],
        "feedback": [i.feedback for i in interactions],
        "finish_reason": [i.finish_reason for i in interactions],
        "input_tokens": [i.usage.input_tokens for i in interactions],
        "output_tokens": [i.usage.output_tokens for i in interactions],
        "attributes": [i.attributes for i in interactions],
        "normalised": [list(i.normalised) for i in interactions],
        "masked": [one.masked for one in samples],
    }
    return [named[name] for name in TABLES["samples"][0]]


def _messages(interaction: Interaction) -> str:
    # `json.dumps` makes an encoder a call; the roles are ours and need no escaping.
    parts = [f'{{"role":"{m.role}","content":{encode_basestring(m.content)}}}' for m in interaction.messages]
    return f"[{','.join(parts)}]"


def dead_letter_row(dead: Dead, *, status: str = "open") -> DeadLetterRow:
    """Write a dead letter as a row."""
    position = dead.position
    return DeadLetterRow(
        topic=position.topic,
        topic_id=position.topic_id,
        partition=position.partition,
        offset=position.offset,
        window=dead.window,
        record_time=dead.record_ms,
        reason=dead.reason,
        detail=dead.detail,
        evidence=dead.evidence,
        size=dead.size,
        sha256=dead.sha256,
        status=status,
    )


def interaction_of(row: Mapping[str, Any]) -> Interaction:
    """Read a row of `samples` back into the interaction that scorers get."""
    return Interaction(
        interaction_id=row["interaction_id"],
        conversation_id=row["conversation_id"],
        turn=row["turn"],
        occurred_at=row["occurred_at"],
        messages=tuple(Message(**m) for m in json.loads(row["messages"])),
        model=Model(name=row["model_name"], version=row["model_version"]),
        deployment=row["deployment"],
        prompt_version=row["prompt_version"],
        tenant=row["tenant"],
        locale=row["locale"],
        user_key=row["user_key"],
        feedback=row["feedback"],
        finish_reason=row["finish_reason"],
        usage=Usage(input_tokens=row["input_tokens"], output_tokens=row["output_tokens"]),
        attributes=row["attributes"],
        normalised=tuple(row["normalised"]),
    )


def score_row(*, window: int, sample_id: UUID, identity: ScorerIdentity, result: Result, now: datetime) -> ScoreRow:
    """Write one result as a terminal row."""
    micros = int(now.timestamp() * 1_000_000)
    verdict = result if isinstance(result, Verdict) else None
    status = result.status if isinstance(result, Unscored) else Status.SCORED
    return ScoreRow(
        window=window,
        sample_id=sample_id,
        dimension=identity.dimension,
        scorer_id=identity.id,
        scorer_kind=identity.kind,
        status=status.value,
        value=verdict.value if verdict else None,
        label=verdict.label if verdict else "",
        probabilities=verdict.probabilities if verdict else {},
        reason=result.reason,
        scored_at=micros,
        version=VERSION_BASE - micros,
    )


def scorer_rows(identities: Iterable[ScorerIdentity]) -> list[ScorerRow]:
    """Write down what stands behind each scorer id."""
    return [
        ScorerRow(
            scorer_id=one.id,
            kind=one.kind,
            name=one.name,
            dimension=one.dimension,
            code_version=one.code_version,
            prompt=one.prompt,
            model=one.model,
            parameters=json.dumps(one.parameters, sort_keys=True, ensure_ascii=False),
        )
        for one in identities
    ]


def policy_row(policy: Policy, now: datetime) -> PolicyRow:
    """Write a policy as a row."""
    return PolicyRow(
        effective_from=int(policy.effective_from.timestamp()),
        policy_id=policy.id,
        body=policy.model_dump_json(),
        created_at=milliseconds(now),
    )


def milliseconds(moment: datetime) -> int:
    """Give milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def utc(seconds: float) -> datetime:
    """Give the moment that many seconds after 1970."""
    return datetime.fromtimestamp(seconds, UTC)
