"""Where the members of a panel see it differently: the queue for people to look at."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from monitor.report.ledger import Span
from monitor.scoring.judge.panel import Panel
from monitor.scoring.judge.panel_vote import Vote
from monitor.scoring.judge.parse import UNSUPPORTED
from monitor.store.client import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """One interaction and dimension on which a panel's members have different labels."""

    panel: str
    dimension: str
    interaction_id: str
    sample_id: UUID
    window: datetime
    distance: float
    """In [0, 1]: mean absolute difference of the values of two members that have a verdict."""
    differing: float
    """In (0, 1]: share of such pairs whose labels differ."""
    verdict: str
    """The panel's label."""
    members: tuple[Vote, ...]
    """What each made of it, by name."""

    def as_json(self) -> dict[str, Any]:
        """Give what programs read."""
        return {**asdict(self), "sample_id": str(self.sample_id), "window": self.window.isoformat()}


def disagreements(store: Store, panels: Sequence[Panel], span: Span, *, limit: int) -> list[Disagreement]:
    """Give what the panels have judged of a span though their members differ, the furthest apart first.

    Of equal distance, what more pairs of members differ on comes first, then the newest window. Members count as the
    settings make them now. Ids and labels only.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    found = [one for panel in panels for one in _of(store, panel, span, limit)]
    found.sort(key=lambda one: (-one.distance, -one.differing, -one.window.timestamp(), one.sample_id, one.dimension))
    return found[:limit]


def _of(store: Store, panel: Panel, span: Span, limit: int) -> list[Disagreement]:
    rows = store.query(
        "panel_disagreements",
        members=list(panel.seats),
        scorers=[one.id for one in panel.identities],
        since=span.since,
        until=span.until,
        mark=UNSUPPORTED,
        limit=limit,
    )
    return [
        Disagreement(
            panel=panel.name,
            dimension=row["dimension"],
            interaction_id=row["interaction_id"],
            sample_id=row["sample_id"],
            window=datetime.fromtimestamp(row["window"], UTC),
            distance=row["distance"],
            differing=row["differing"],
            verdict=row["verdict"],
            members=tuple(sorted((_vote(panel, one) for one in row["votes"]), key=lambda one: one.judge)),
        )
        for row in rows
    ]


def _vote(panel: Panel, row: tuple[str, str, str, float | None, bool]) -> Vote:
    scorer_id, status, label, value, unsupported = row
    judge = panel.seats[scorer_id].name
    return Vote(judge=judge, status=status, label=label, value=value, unsupported=bool(unsupported))
