"""Which questions a judge has about some samples, found without asking or writing anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from monitor.intake.interaction import Interaction
from monitor.scoring.constitution.model import Principle
from monitor.scoring.judge.judge import Asking, Judge
from monitor.scoring.verdict import ScorerIdentity
from monitor.store.client import Store
from monitor.store.due import read_sample


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One call that a judge may be asked about one sample."""

    sample_id: UUID
    interaction: Interaction
    asking: Asking
    asked: tuple[Principle, ...]
    key: str
    """The key of the cache: 64 hex digits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Questions:
    """What there is to ask about some samples."""

    found: tuple[Question, ...]
    waiting: frozenset[UUID]
    """Samples with a question whose condition needs a phase-1 score that is not there yet."""
    unreadable: frozenset[UUID]
    """Samples that cannot be read back, so that nobody is asked about them."""


def questions(
    store: Store, judge: Judge, *, window: int, ids: Sequence[UUID], phase1: Sequence[ScorerIdentity]
) -> Questions:
    """Give the questions about these samples of one window, answered or not; `phase1` are the enabled scorers.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    needs = frozenset[str]().union(*(one.needs() for one in judge.askings))
    scorers = [one for one in phase1 if one.dimension in needs]
    awaited = {one.dimension for one in scorers}
    values = _values(store, window, ids, scorers)
    found: list[Question] = []
    waiting: set[UUID] = set()
    unreadable: set[UUID] = set()
    for row in store.query("samples_by_id", window=window, ids=list(ids)):
        sample_id, interaction = row["sample_id"], read_sample(row)
        if not isinstance(interaction, Interaction):
            unreadable.add(sample_id)
            continue
        told = values.get(sample_id, {})
        for asking in judge.askings:
            if (asking.needs() & awaited) - told.keys():
                waiting.add(sample_id)
            elif asked := asking.applying(interaction, told):
                key = asking.question(interaction, asked)
                found.append(
                    Question(sample_id=sample_id, interaction=interaction, asking=asking, asked=asked, key=key)
                )
    return Questions(found=tuple(found), waiting=frozenset(waiting), unreadable=frozenset(unreadable))


def _values(
    store: Store, window: int, ids: Sequence[UUID], scorers: Sequence[ScorerIdentity]
) -> Mapping[UUID, Mapping[str, float | None]]:
    if not scorers:
        return {}
    found: dict[UUID, dict[str, float | None]] = {}
    for row in store.query("values", window=window, ids=list(ids), scorers=[one.id for one in scorers]):
        found.setdefault(row["sample_id"], {})[row["dimension"]] = row["value"]
    return found
