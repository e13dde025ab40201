"""Numbers -> what the status page says about them: notices, rows of the rates table, bands. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from monitor.report.rates import Rate
from monitor.report.status import Status
from monitor.review.data import Case, Lag, VerdictRow
from monitor.review.formats import Formats
from monitor.review.words import Words
from monitor.scoring.verdict import ScorerIdentity

AXES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Where the bands' common axis may end."""
MOST_SEGMENTS = 40
"""A table for people; a dimension's smaller segments are in /api/rates."""
CANARY_GRACE_S = 60.0

Tone = Literal["good", "info", "warn", "bad"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """One sentence above the numbers."""

    tone: Tone
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """An interval on an axis that a whole table shares, in percent of its width."""

    left: float
    width: float
    point: float | None
    """None = no estimate."""
    cut: bool
    """The interval goes on beyond the axis."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RateRow:
    """One line of a rates table."""

    rate: Rate
    name: str
    """Of the dimension, or of the segment."""
    meaning: str
    band: Band
    scorer_name: str
    retired: bool
    """Its scorer no longer runs: what is due will stay due."""
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """One dimension's segments."""

    head: RateRow
    rows: tuple[RateRow, ...]
    more: int
    """Segments that are not shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RatesTable:
    """The rates of everything, and by segment where asked for."""

    rows: tuple[RateRow, ...]
    groups: tuple[Group, ...]
    axis: float
    segment_axis: float
    confidence: float


def notices(status: Status, lag: Lag, *, canary_every_s: float, words: Words, formats: Formats) -> list[Notice]:
    """Say what a reader must know before believing the numbers."""
    found: list[Notice] = []
    seen = status.sampled + status.sampled_out
    if seen and not status.sampled:
        found.append(Notice(tone="warn", text=words("empty.sampled", seen=formats.number(seen))))
    if status.due or status.unscored:
        numbers = {"n": status.due + status.unscored, "due": status.due, "unscored": status.unscored}
        text = words("missing", **{name: formats.number(n) for name, n in numbers.items()})
        found.append(Notice(tone="warn" if status.unscored else "info", text=text))
    if status.dead:
        found.append(Notice(tone="warn", text=words("dead.note", n=formats.number(status.dead))))
    if canary_every_s > 0 and (status.consumed or status.canaries):
        if status.last_canary is None:
            found.append(Notice(tone="warn", text=words("canary.none")))
        elif is_stale(status, canary_every_s):
            age = formats.duration(status.last_canary.age_s)
            found.append(Notice(tone="bad", text=words("canary.stale", age=age)))
    if lag.behind is None:
        found.append(Notice(tone="warn", text=words("lag.unknown", why=lag.note)))
    if not found and status.consumed:
        found.append(Notice(tone="good", text=words("all_well")))
    return found


def is_stale(status: Status, canary_every_s: float) -> bool:
    """Whether the last canary is older than three of them should be."""
    canary = status.last_canary
    return canary is not None and canary_every_s > 0 and canary.age_s > 3 * canary_every_s + CANARY_GRACE_S


def rates_table(
    rates: Sequence[Rate], *, scorers: Sequence[ScorerIdentity], words: Words, formats: Formats
) -> RatesTable:
    """Lay the rates out: running scorers first, all bands on one axis, each dimension's largest segments first."""
    names = {one.id: one.name for one in scorers}
    running = [one for one in rates if one.scorer_id in names]
    axis = _axis([one for one in running if not one.segment])
    segment_axis = _axis([one for one in running if one.segment])

    def row(one: Rate) -> RateRow:
        segment = ", ".join(value or words("segment.empty") for value in one.segment.values())
        return RateRow(
            rate=one,
            name=segment or words.dimension(one.dimension),
            meaning=words.meaning(one.dimension),
            band=_band(one, segment_axis if one.segment else axis),
            scorer_name=names.get(one.scorer_id, ""),
            retired=one.scorer_id not in names,
            notes=tuple(_notes(one, words, formats)),
        )

    whole = sorted((row(one) for one in rates if not one.segment), key=lambda r: r.retired)
    groups = []
    for head in whole:
        mine = [r for r in rates if r.segment and _series(r) == _series(head.rate)]
        mine.sort(key=lambda r: -r.estimate.n_sampled)
        shown = tuple(row(one) for one in mine[:MOST_SEGMENTS])
        if mine:
            groups.append(Group(head=head, rows=shown, more=len(mine) - len(shown)))
    confidence = rates[0].estimate.confidence if rates else 0.95
    return RatesTable(
        rows=tuple(whole), groups=tuple(groups), axis=axis, segment_axis=segment_axis, confidence=confidence
    )


def verdict_lines(case: Case, scorers: Sequence[ScorerIdentity]) -> list[VerdictRow | ScorerIdentity]:
    """Give the terminal rows and, as bare identities, what is still due; by dimension."""
    done = {v.scorer_id for v in case.verdicts}
    lines: list[VerdictRow | ScorerIdentity] = [*case.verdicts, *(s for s in scorers if s.id not in done)]
    return sorted(lines, key=lambda line: line.dimension)


def dead_letters(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Give open dead letters by reason, most first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _series(rate: Rate) -> tuple[str, str, bool]:
    return rate.dimension, rate.scorer_id, rate.corrected


def _axis(rates: Sequence[Rate]) -> float:
    # Up to every rate and three quarters of the high limits: one wide interval must not flatten all others. It is
    # drawn as cut off.
    highs = sorted(one.estimate.high for one in rates if one.estimate.rate is not None)
    largest = max((one.estimate.rate or 0.0 for one in rates), default=0.0)
    needed = max(largest, highs[(3 * len(highs) - 1) // 4]) if highs else 1.0
    return next(end for end in AXES if needed <= end or end == AXES[-1])


def _band(rate: Rate, axis: float) -> Band:
    e = rate.estimate
    left, right = (min(100.0, 100.0 * limit / axis) for limit in (e.low, e.high))
    point = None if e.rate is None else round(min(100.0, 100.0 * e.rate / axis), 3)
    return Band(
        left=round(left, 3),
        width=round(max(0.4, right - left), 3),
        point=point,
        cut=e.rate is not None and e.high > axis,
    )


def _notes(rate: Rate, words: Words, formats: Formats) -> list[str]:
    e = rate.estimate
    if not e.n_sampled:
        return [words("note.not_sampled" if e.n_population else "note.no_data")]
    if e.rate is None:
        return [words("note.no_verdict", due=formats.number(e.n_due))]
    notes = []
    if e.coverage is not None and e.coverage < 1:
        notes.append(words("note.widened", n=formats.number(e.n_sampled - e.n_scored)))
    if e.n_unobserved:
        notes.append(words("note.unobserved", n=formats.number(e.n_unobserved)))
    if e.collapsed:
        notes.append(words("note.collapsed", names=", ".join(e.collapsed)))
    return notes
