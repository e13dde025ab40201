"""Which questions a judge has about some samples, found without asking or writing anything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from monitor.intake.interaction import Interaction
from monitor.scoring.constitution.model import Principle
from monitor.scoring.judge.judge import Asking, Judge, Phase1
from monitor.scoring.verdict import ScorerIdentity, Unscored
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One sample in the light of the principles that are asked about in one call."""

    sample_id: UUID
    interaction: Interaction | Unscored
    """`Unscored` where the sample cannot be read back."""
    asking: Asking
    phase1: Phase1
    waiting: bool
    """A condition needs a phase-1 score that is not there yet."""


def looks(
    store: Store, judge: Judge, *, window: int, ids: Sequence[UUID], phase1: Sequence[ScorerIdentity]
) -> Iterator[Look]:
    """Give each of these samples of one window with each of the judge's askings; `phase1` are the enabled scorers.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    needs = frozenset[str]().union(*(one.needs() for one in judge.askings))
    scorers = [one for one in phase1 if one.dimension in needs]
    awaited = {one.dimension for one in scorers}
    values = _values(store, window, ids, scorers)
    for row in store.query("samples_by_id", window=window, ids=list(ids)):
        interaction, told = read_sample(row), values.get(row["sample_id"], {})
        for asking in judge.askings:
            yield Look(
                sample_id=row["sample_id"],
                interaction=interaction,
                asking=asking,
                phase1=told,
                waiting=bool((asking.needs() & awaited) - told.keys()),
            )


def questions(
    store: Store, judge: Judge, *, window: int, ids: Sequence[UUID], phase1: Sequence[ScorerIdentity]
) -> Questions:
    """Give the questions about these samples, answered or not (see `looks`).

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    found: list[Question] = []
    waiting: set[UUID] = set()
    for look in looks(store, judge, window=window, ids=ids, phase1=phase1):
        if isinstance(look.interaction, Unscored):
            # Nobody is asked about what cannot be read.
            continue
        if look.waiting:
            waiting.add(look.sample_id)
        elif question := question_of(look, look.interaction):
            found.append(question)
    return Questions(found=tuple(found), waiting=frozenset(waiting))


def question_of(look: Look, interaction: Interaction) -> Question | None:
    """Give what is asked about a sample, if any principle applies."""
    asked = look.asking.applying(interaction, look.phase1)
    if not asked:
        return None
    key = look.asking.question(interaction, asked)
    return Question(sample_id=look.sample_id, interaction=interaction, asking=look.asking, asked=asked, key=key)


def _values(
    store: Store, window: int, ids: Sequence[UUID], scorers: Sequence[ScorerIdentity]
) -> Mapping[UUID, Mapping[str, float | None]]:
    if not scorers:
        return {}
    found: dict[UUID, dict[str, float | None]] = {}
    for row in store.query("values", window=window, ids=list(ids), scorers=[one.id for one in scorers]):
        found.setdefault(row["sample_id"], {})[row["dimension"]] = row["value"]
    return found
