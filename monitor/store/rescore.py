"""Have a judge see a span again, or more of it: what that takes, and the decisions that make it due.

Nothing is asked here. What is decided becomes due, and the workers ask as ever: from cache where they can, within the
budget, in the order of `judge_due`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from secrets import randbits
from typing import Any
from uuid import UUID

from monitor.scoring.judge.budget.prices import most_of_a_call
from monitor.scoring.judge.judge import Judge
from monitor.scoring.verdict import ScorerIdentity
from monitor.store.client import Store
from monitor.store.due import terminal
from monitor.store.judging import answers, decision
from monitor.store.questions import questions
from monitor.store.rows import SelectionRow, to_columns

TOGETHER = 500
"""Samples read at once."""
WRITTEN_AT_ONCE = 20_000
NOBODY = UUID(int=0)


@dataclass(kw_only=True, slots=True)
class Plan:
    """What it takes that a judge sees a span under what it is now. Money is in millionths of a US dollar."""

    judge: str
    probability: float
    """That was asked for; what was decided with a larger one keeps that."""
    samples: int = 0
    """Traffic of the span that is in the sample."""
    chosen: int = 0
    """Samples that the judge is to see after this."""
    added: int = 0
    """Those of them that it was not to see before."""
    complete: int = 0
    """Chosen samples that lack no verdict: nothing is done about them."""
    waiting: int = 0
    """Samples that wait for a phase-1 score first: their questions, if any, are not counted."""
    questions: int = 0
    """That differ; alike content is asked about once."""
    cached: int = 0
    """Questions that were answered before: they cost nothing."""
    most_micro_usd: int = 0
    """No bill can be larger: every byte a token, all output used, all tries billed."""
    past_calls: int = 0
    """Answered calls of this endpoint, to go by."""
    past_micro_usd: int = 0
    """What they cost together."""
    rows: list[SelectionRow] = field(default_factory=list)
    """Decisions to write."""

    @property
    def calls(self) -> int:
        """Calls to be made."""
        return self.questions - self.cached

    @property
    def expected_micro_usd(self) -> int | None:
        """Calls times the mean cost of past ones; None where there are none to go by."""
        return round(self.calls * self.past_micro_usd / self.past_calls) if self.past_calls else None

    def as_json(self) -> dict[str, Any]:
        """Give what people and programs read; not the decisions themselves."""
        names = ("judge", "probability", "samples", "chosen", "added", "complete", "waiting", "questions", "cached")
        costs = ("calls", "most_micro_usd", "expected_micro_usd", "past_calls")
        return {name: getattr(self, name) for name in (*names, *costs)}


def plan(
    store: Store,
    judge: Judge,
    *,
    since: int,
    until: int,
    probability: float,
    hash64: Callable[[bytes], int],
    phase1: Sequence[ScorerIdentity],
) -> Plan:
    """Find out what is missing of windows from `since` to before `until` (seconds), and what it would cost.

    A probability that was decided is raised where it was smaller and never lowered; the hash of a sample is the one of
    `monitor.store.judging.consider`, so that samples chosen before stay chosen.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    made = Plan(judge=judge.name, probability=probability)
    (past,) = store.query("judge_past_cost", endpoint=judge.endpoint.name)
    made.past_calls, made.past_micro_usd = int(past["calls"]), int(past["micro_usd"])
    seen: set[str] = set()
    traffic = store.columns("span_decisions", since=since, until=until, judge=judge.name)
    rows = zip(*(traffic[name] for name in ("window", "sample_id", "probability", "selected")), strict=True)
    for window, group in groupby(rows, key=lambda row: int(row[0])):
        while part := list(islice(group, TOGETHER)):
            chosen: list[SelectionRow] = []
            for _, sample_id, before, selected in part:
                row = decision(judge.name, window, sample_id, max(before, probability), hash64)
                made.added += row.selected > selected
                if row.selected:
                    chosen.append(row)
                elif row.probability > before:
                    made.rows.append(row)
            made.samples += len(part)
            made.chosen += len(chosen)
            made.rows += _look(store, judge, made, window, chosen, phase1, seen)
    return made


def mark(store: Store, made: Plan) -> int:
    """Write the decisions of a plan, which makes due what is missing, and give their number; safe to repeat.

    Raises:
        StoreUnavailable: a part may be written; doing it again ends the same.
    """
    for rows in _parts(made.rows):
        # The engine drops an insert that it has seen before, but each of ours must count as decided now: one row about
        # no sample makes it another.
        salt = SelectionRow(
            window=rows[0].window, sample_id=NOBODY, judge=made.judge, probability=1.0, hash=randbits(64), selected=0
        )
        store.insert("selections", to_columns([*rows, salt]))
    return len(made.rows)


def _look(
    store: Store,
    judge: Judge,
    made: Plan,
    window: int,
    chosen: Sequence[SelectionRow],
    phase1: Sequence[ScorerIdentity],
    seen: set[str],
) -> list[SelectionRow]:
    """Count what is to be asked about chosen samples, and give the decisions about those that lack a verdict."""
    ids = [one.sample_id for one in chosen]
    done = terminal(store, judge.identities, window, ids)
    lacking = {i for i in ids if any((i, one.id) not in done for one in judge.identities)}
    made.complete += len(ids) - len(lacking)
    there = questions(store, judge, window=window, ids=sorted(lacking), phase1=phase1)
    made.waiting += len(there.waiting)
    new = {
        one.key: one
        for one in there.found
        if one.key not in seen
        and any((one.sample_id, one.asking.identities[p.dimension].id) not in done for p in one.asked)
    }
    seen |= new.keys()
    known = answers(store, judge.endpoint.name, new) if new else {}
    made.questions += len(new)
    made.cached += len(known)
    made.most_micro_usd += sum(
        most_of_a_call(judge.endpoint, one.asking.prompt(one.interaction, one.asked))
        for key, one in new.items()
        if key not in known
    )
    return [one for one in chosen if one.sample_id in lacking]


def _parts(rows: Sequence[SelectionRow]) -> Iterator[Sequence[SelectionRow]]:
    for start in range(0, len(rows), WRITTEN_AT_ONCE):
        yield rows[start : start + WRITTEN_AT_ONCE]
