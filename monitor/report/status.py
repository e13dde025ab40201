"""How the pipeline itself is: seen, sampled, scored, due, dead, lag, freshness."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from monitor.clock import Clock
from monitor.report.ledger import Span, ledger_counts
from monitor.scoring.judge.judge import Judge
from monitor.scoring.judge.panel import Panel
from monitor.scoring.verdict import Scorer
from monitor.store.client import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Canary:
    """The last canary conversation that came through."""

    sent_at: datetime
    scored_at: datetime
    age_s: float
    """Seconds since it was sent: how old the freshest number is."""
    latency_s: float
    """Seconds from the record's append to its last score."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeStatus:
    """How far one judge or panel is with what it is to see."""

    name: str
    chosen: int
    """Samples that it is to see."""
    undecided: int
    """Samples that nobody has decided on yet."""
    wanted: int
    """chosen x its dimensions."""
    scored: int
    unscored: int
    due: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """The state of the pipeline over a span of windows."""

    consumed: int
    sampled: int
    sampled_out: int
    dead: int
    canaries: int
    due: int
    """Verdicts that are still missing: samples x scorers less terminal rows."""
    scored: int
    """Verdicts that are there."""
    unscored: int
    """Terminal rows without a verdict."""
    coverage: float | None
    """scored / (sampled x scorers); None before anything is sampled."""
    dead_letters: dict[str, int]
    """Open dead letters by reason, of all time."""
    last_canary: Canary | None
    judges: tuple[JudgeStatus, ...] = ()
    """Phase 2, panels after judges; not counted in the verdicts above."""
    lost: int = 0
    """Offsets that Kafka dropped before they were read."""
    warnings: dict[str, int] = field(default_factory=dict)
    """Events of this severity by kind, noted since the span began."""
    criticals: dict[str, int] = field(default_factory=dict)
    """Events that ask for a person at once, likewise."""

    def as_json(self) -> dict[str, Any]:
        """Give plain values, for `--json`."""
        plain = asdict(self)
        if self.last_canary:
            plain["last_canary"] |= {
                "sent_at": self.last_canary.sent_at.isoformat(),
                "scored_at": self.last_canary.scored_at.isoformat(),
            }
        return plain


def status(
    store: Store, span: Span, *, scorers: Sequence[Scorer], clock: Clock, judges: Sequence[Judge | Panel] = ()
) -> Status:
    """Read the state of the pipeline; canaries are counted apart from traffic.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    ids = [s.identity.id for s in scorers]
    progress = store.query("progress", since=span.since, until=span.until, scorers=ids)
    counts = ledger_counts(store, span)
    samples = progress[0]["sampled"] if progress else 0
    scored = sum(row["scored"] for row in progress)
    terminal = sum(row["terminal"] for row in progress)
    wanted = max(samples, counts.sampled) * len(ids)
    noted = store.query("event_counts", since=span.since)
    return Status(
        consumed=counts.consumed,
        sampled=counts.sampled,
        sampled_out=counts.sampled_out,
        dead=counts.dead,
        canaries=counts.canaries,
        due=max(0, wanted - terminal),
        scored=scored,
        unscored=terminal - scored,
        coverage=scored / wanted if wanted else None,
        dead_letters={row["reason"]: row["n"] for row in store.query("dead_letter_counts") if row["status"] == "open"},
        last_canary=_last_canary(store, span, clock),
        judges=tuple(_judge(store, span, one) for one in judges),
        lost=counts.lost,
        warnings={row["kind"]: row["n"] for row in noted if row["severity"] == "warning"},
        criticals={row["kind"]: row["n"] for row in noted if row["severity"] == "critical"},
    )


def _judge(store: Store, span: Span, judge: Judge | Panel) -> JudgeStatus:
    ids = [one.id for one in judge.identities]
    row = store.query("judge_progress", since=span.since, until=span.until, judge=judge.name, scorers=ids)[0]
    wanted = row["chosen"] * len(ids)
    return JudgeStatus(
        name=judge.name,
        chosen=row["chosen"],
        undecided=max(0, row["undecided"]),
        wanted=wanted,
        scored=row["scored"],
        unscored=row["terminal"] - row["scored"],
        due=max(0, wanted - row["terminal"]),
    )


def _last_canary(store: Store, span: Span, clock: Clock) -> Canary | None:
    rows = store.query("last_canary", since=span.since)
    if not rows:
        return None
    sent, scored = _utc(rows[0]["sent_at"]), _utc(rows[0]["scored_at"])
    return Canary(
        sent_at=sent,
        scored_at=scored,
        age_s=(clock.now() - sent).total_seconds(),
        latency_s=(scored - sent).total_seconds(),
    )


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
