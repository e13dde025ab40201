"""Read stored replies of judges again, without a call, and hold what comes out against the stored verdicts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from itertools import groupby, islice
from typing import Any
from uuid import UUID

from monitor.scoring.judge.judge import Asking, Judge
from monitor.scoring.verdict import Result, ScorerIdentity, Status, Verdict
from monitor.store.client import Store
from monitor.store.judged import WITHHELD
from monitor.store.judging import answers
from monitor.store.questions import Question, questions

TOGETHER = 500
"""Samples read at once."""
EXAMPLES = 20

Told = tuple[str, str, float | None]
"""Status, label and value of a terminal row."""
_Asked = tuple[str, UUID, tuple[str, ...]]
"""One question, whatever version of the code asked it: judge, sample, dimensions."""


@dataclass(kw_only=True, slots=True)
class Counts:
    """What came out, of verdicts whose reply is stored."""

    same: int = 0
    changed: int = 0
    """Another status, label or value."""
    unreadable_now: int = 0
    """There was a verdict, and now there is none."""
    not_scored: int = 0
    """The reply is there and its row is not: still due."""

    @property
    def differ(self) -> int:
        """All that would be another row today."""
        return self.changed + self.unreadable_now


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One verdict that would be another today."""

    sample_id: UUID
    judge: str
    dimension: str
    before: Told
    now: Told


@dataclass(kw_only=True, slots=True)
class Replay:
    """What came of all replies of some judges."""

    by_dimension: dict[tuple[str, str], Counts] = field(default_factory=dict)
    """By judge and dimension."""
    no_reply: int = 0
    """Questions whose reply is not stored: not asked yet, refused by the endpoint, or asked in other words."""
    withheld: int = 0
    """Replies that could not be masked and were not kept."""
    examples: list[Change] = field(default_factory=list)
    """The first ones, at most `EXAMPLES`."""

    @property
    def differ(self) -> int:
        """Verdicts that would be another today."""
        return sum(one.differ for one in self.by_dimension.values())

    def as_json(self) -> dict[str, Any]:
        """Give what programs read; no text of any reply or sample."""
        names = [one.name for one in fields(Counts)]
        return {
            "dimensions": [
                {"judge": judge, "dimension": dimension, **{name: getattr(one, name) for name in names}}
                for (judge, dimension), one in sorted(self.by_dimension.items())
            ],
            "differ": self.differ,
            "no_reply": self.no_reply,
            "withheld": self.withheld,
            "examples": [{**asdict(one), "before": _told(one.before), "now": _told(one.now)} for one in self.examples],
        }


def replay(
    store: Store, judges: Sequence[Judge], *, since: int, until: int, phase1: Sequence[ScorerIdentity]
) -> Replay:
    """Read again what judges said of windows from `since` to before `until` (seconds), and compare.

    A judge's verdicts under earlier versions of its code are found too, as long as its rubric, prompt and settings are
    what they were; verdicts under another rubric cannot be read with this one.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    made = Replay()
    asked: set[_Asked] = set()
    answered: set[_Asked] = set()
    for judge in judges:
        versions = [row["code_version"] for row in store.query("judge_versions", judge=judge.name)]
        traffic = store.columns("span_decisions", since=since, until=until, judge=judge.name)
        chosen = [
            (int(window), sample_id)
            for window, sample_id, selected in zip(
                *(traffic[name] for name in ("window", "sample_id", "selected")), strict=True
            )
            if selected
        ]
        for version in versions:
            earlier = _as_of(judge, version)
            for window, ids in _parts(chosen):
                there = questions(store, earlier, window=window, ids=ids, phase1=phase1).found
                asked |= {_asked(judge, one) for one in there}
                answered |= _compare(store, made, earlier, window, there)
    made.no_reply = len(asked - answered)
    return made


@dataclass(frozen=True, kw_only=True, eq=False)
class _Earlier(Asking):
    """The same questions, as another version of the code named itself."""

    code_version: str

    @cached_property
    def identities(self) -> Mapping[str, ScorerIdentity]:
        now = Asking(endpoint=self.endpoint, constitution=self.constitution, principles=self.principles).identities
        return {dimension: replace(one, code_version=self.code_version) for dimension, one in now.items()}


def _as_of(judge: Judge, version: str) -> Judge:
    return Judge(
        endpoint=judge.endpoint,
        askings=tuple(
            _Earlier(
                endpoint=one.endpoint, constitution=one.constitution, principles=one.principles, code_version=version
            )
            for one in judge.askings
        ),
    )


def _asked(judge: Judge, one: Question) -> _Asked:
    return judge.name, one.sample_id, tuple(p.dimension for p in one.asked)


def _compare(store: Store, made: Replay, judge: Judge, window: int, there: Sequence[Question]) -> set[_Asked]:
    """Compare what these questions were answered, and give those that have an answer."""
    ids = list({one.sample_id for one in there})
    known = answers(store, judge.endpoint.name, {one.key for one in there}) if there else {}
    rows = store.query("judge_verdicts", window=window, ids=ids, scorers=[one.id for one in judge.identities])
    stored = {(r["sample_id"], r["dimension"]): (r["status"], r["label"], r["value"]) for r in rows}
    for one in there:
        reply = known.get(one.key)
        if reply is None:
            continue
        if reply.text == WITHHELD:
            made.withheld += 1
        else:
            results = one.asking.read(reply, one.interaction, one.asked)
            for dimension, result in results.items():
                _count(made, judge, one, dimension, stored.get((one.sample_id, dimension)), result)
    return {_asked(judge, one) for one in there if one.key in known}


def _count(made: Replay, judge: Judge, question: Question, dimension: str, before: Told | None, result: Result) -> None:
    counts = made.by_dimension.setdefault((judge.name, dimension), Counts())
    now: Told = (
        (Status.SCORED.value, result.label, result.value)
        if isinstance(result, Verdict)
        else (result.status.value, "", None)
    )
    if before is None:
        counts.not_scored += 1
        return
    if before == now:
        counts.same += 1
        return
    if before[0] == Status.SCORED.value and now[0] != Status.SCORED.value:
        counts.unreadable_now += 1
    else:
        counts.changed += 1
    if len(made.examples) < EXAMPLES:
        made.examples.append(
            Change(sample_id=question.sample_id, judge=judge.name, dimension=dimension, before=before, now=now)
        )


def _parts(chosen: Sequence[tuple[int, UUID]]) -> Iterator[tuple[int, list[UUID]]]:
    for window, group in groupby(chosen, key=lambda one: one[0]):
        while part := [sample_id for _, sample_id in islice(group, TOGETHER)]:
            yield window, part


def _told(told: Told) -> dict[str, Any]:
    return dict(zip(("status", "label", "value"), told, strict=True))
