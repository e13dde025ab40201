"""What was begun and may have killed its worker: the memory behind crash-loop isolation (DESIGN §5, I7).

Only suspect work leaves a row: the first batch after a start, work that was delivered again. A row that is not void
and whose subject has no outcome stands for a death. Narrowing then finds the one that kills: what died together is
tried in smaller parts, at last alone, and what died alone and `DEATHS` times in all is given up on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID, uuid4, uuid5

from monitor.store.client import Store
from monitor.store.rows import AttemptRow, to_columns

Stage = Literal["ingest", "score"]
DEATHS = 3
"""So many attempts without an end, the last ones alone, make a record or a sample a lost cause."""
CAREFUL_SPAN = 128
"""What died in a larger batch is tried in parts of this size, and what died in such a part is tried alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """What is known of earlier attempts at one subject."""

    count: int
    span: int
    """The smallest number that was tried together."""
    until: int
    """Ingest: the largest offset after the last one that was tried together with it."""

    @property
    def hopeless(self) -> bool:
        """Whether it died alone, and often enough."""
        return self.span == 1 and self.count >= DEATHS

    @property
    def next_span(self) -> int:
        """How many to try together now."""
        return CAREFUL_SPAN if self.span > CAREFUL_SPAN else 1


def past(store: Store, stage: Stage, subjects: Sequence[UUID]) -> Mapping[UUID, Past]:
    """Give the earlier attempts that did not end, by subject; a subject without any is not in it."""
    if not subjects:
        return {}
    rows = store.query("attempts", stage=stage, subjects=list(subjects))
    return {r["subject"]: Past(count=r["n"], span=r["span"], until=r["until"]) for r in rows}


def begin(
    store: Store, stage: Stage, subjects: Iterable[UUID], *, span: int, until: int = 0, by: UUID | None = None
) -> list[AttemptRow]:
    """Write down that these are begun, `span` of them together; durable when this returns.

    `by` marks who begins: the same one at the same subject is one attempt, however often it is written down.
    """
    mark = by or uuid4()
    rows = [
        AttemptRow(stage=stage, subject=one, attempt_id=uuid5(mark, one.hex), span=span, until=until, void=0)
        for one in subjects
    ]
    store.insert("attempts", to_columns(rows))
    return rows


def void(store: Store, rows: Iterable[AttemptRow]) -> None:
    """Write down that these attempts ended without a death."""
    store.insert("attempts", to_columns([replace(row, void=1) for row in rows]))
