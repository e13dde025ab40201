"""Takes a file of labels in: each line is held against samples, constitution and earlier labels before one is stored.

Rules:

- an id that is no sample, or more than one, is refused; so is a label that the dimension's principle does not have;
- `unsure` may be said of any sample: the label is missing then, for good, and rates leave room for both answers;
- one reviewer has one label of a sample in a dimension. The same again is nothing new. Another one is refused, or with
  `replace` takes the place of the earlier one; twice in one file it is refused in any case;
- all lines are stored, or none; with `skip_bad` the good ones;
- a sample that was not drawn for the dimension keeps its label as convenience: it says how judges agree with people,
  and is in no rate, since nobody knows what its chance was.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from monitor.clock import Clock
from monitor.intake.redact import RedactionFailed, redact_text
from monitor.report.labels_file import Entry, Flaw, LabelFile, shown
from monitor.scoring.constitution.model import Constitution, Principle
from monitor.store.client import Store
from monitor.store.labels import Key, Place, Said, drawn, find_places, said_before, write
from monitor.store.rows import LabelRow, milliseconds

UNSURE = "unsure"
SLACK = timedelta(minutes=5)
"""Clocks differ; what lies further ahead is a slip."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What came of a file."""

    lines: int
    """That hold something."""
    stored: int
    """Labels that were written; those that took an earlier one's place are among them."""
    replaced: int
    unchanged: int
    """That were there already, or stand in the file twice."""
    convenience: int
    """Good labels of samples that were not drawn: in no rate."""
    flaws: tuple[Flaw, ...]
    """By line; of a line without one the label is stored, unless all are refused."""
    refused: bool
    """Nothing is stored, because of the flaws."""

    @property
    def skipped(self) -> int:
        """Lines whose label is not stored."""
        return self.lines if self.refused else len({one.line for one in self.flaws})

    def as_json(self) -> dict[str, Any]:
        """Give plain values, for `--json`."""
        return {**asdict(self), "skipped": self.skipped}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Meant:
    """A line whose label means something; the sample is still to be found."""

    number: int
    entry: Entry
    value: float
    rubric: str
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """A line with its sample."""

    number: int
    row: LabelRow
    timed: bool
    """Whether the line says when it was labelled."""

    @property
    def key(self) -> Key:
        return self.row.sample_id, self.row.dimension, self.row.reviewer


def import_labels(
    store: Store,
    file: LabelFile,
    constitution: Constitution,
    *,
    clock: Clock,
    replace: bool = False,
    skip_bad: bool = False,
) -> Imported:
    """Check every line and store what may be stored, in one insert; doing it again stores nothing.

    Raises:
        StoreUnavailable: it cannot be told whether the labels are stored; importing the file again ends the same.
    """
    flaws = list(file.flaws)
    meant = _meanings(file, constitution, clock, flaws)
    found = _placed(store, meant, clock, flaws)
    single, repeated = _single(found, flaws)
    before = said_before(store, [_place(one) for one in single])
    new: list[LabelRow] = []
    replaced = 0
    for one in single:
        earlier = before.get(one.key)
        if earlier is None:
            new.append(one.row)
        elif _differs(one, earlier):
            if replace:
                new.append(one.row)
                replaced += 1
            else:
                flaws.append(Flaw(line=one.number, what=_contradicts(one.row, earlier)))
    refused = bool(flaws) and not skip_bad
    bad = {flaw.line for flaw in flaws}
    good = [one for one in single if one.number not in bad]
    if not refused:
        write(store, new)
    return Imported(
        lines=len({one.number for one in file.lines} | {one.line for one in file.flaws}),
        stored=0 if refused else len(new),
        replaced=0 if refused else replaced,
        unchanged=0 if refused else len(good) - len(new) + repeated,
        convenience=_undrawn(store, good),
        flaws=tuple(sorted(flaws)),
        refused=refused,
    )


def _meanings(file: LabelFile, constitution: Constitution, clock: Clock, flaws: list[Flaw]) -> list[_Meant]:
    principles = {one.dimension: one for one in constitution.principles}
    rubrics = {dimension: constitution.digest(one) for dimension, one in principles.items()}
    latest = clock.now() + SLACK
    meant = []
    for line in file.lines:
        entry = line.entry
        problems = _problems(entry, principles)
        if entry.time is not None and entry.time > latest:
            problems.append("time lies ahead of now; write when it was labelled")
        note = ""
        try:
            note = redact_text(entry.note)[0]
        except RedactionFailed:
            problems.append("note cannot be searched for personal data; leave it out")
        flaws += [Flaw(line=line.number, what=what) for what in problems]
        if not problems:
            values = {UNSURE: math.nan} | {one.name: one.value for one in principles[entry.dimension].labels}
            meant.append(
                _Meant(
                    number=line.number,
                    entry=entry,
                    value=values[entry.label],
                    rubric=rubrics[entry.dimension],
                    note=note,
                )
            )
    return meant


def _problems(entry: Entry, principles: Mapping[str, Principle]) -> list[str]:
    principle = principles.get(entry.dimension)
    if principle is None:
        return [f"dimension {shown(entry.dimension)} is not in the constitution; it has {', '.join(principles)}"]
    names = [one.name for one in principle.labels]
    if entry.label not in {*names, UNSURE}:
        known = ", ".join(names)
        return [f"label {shown(entry.label)} is none of {entry.dimension}'s; write one of {known}, or {UNSURE}"]
    return []


def _placed(store: Store, meant: Sequence[_Meant], clock: Clock, flaws: list[Flaw]) -> list[_Found]:
    places = find_places(store, (one.entry.id for one in meant))
    import_id, now = uuid4(), milliseconds(clock.now())
    found = []
    for one in meant:
        there = places.get(one.entry.id, ())
        if one.entry.window is not None:
            there = [place for place in there if place.window == int(one.entry.window.timestamp())]
        if len(there) == 1:
            found.append(_found(one, there[0], import_id, now))
        else:
            flaws.append(Flaw(line=one.number, what=_misplaced(one.entry, there)))
    return found


def _misplaced(entry: Entry, there: Sequence[Place]) -> str:
    if not there:
        where = f" of the window {entry.window:%Y-%m-%dT%H:%M:%SZ}" if entry.window else ""
        return f"id {shown(entry.id)} is no sample{where}; write the id of a sampled interaction"
    return (
        f"id {shown(entry.id)} means {len(there)} samples; write one's own id, such as {there[0].sample_id}, "
        "or add its window"
    )


def _found(one: _Meant, place: Place, import_id: UUID, now: int) -> _Found:
    entry = one.entry
    row = LabelRow(
        window=place.window,
        sample_id=place.sample_id,
        dimension=entry.dimension,
        reviewer=entry.reviewer,
        label=entry.label,
        value=one.value,
        note=one.note,
        rubric=one.rubric,
        labelled_at=now if entry.time is None else milliseconds(entry.time),
        import_id=import_id,
    )
    return _Found(number=one.number, row=row, timed=entry.time is not None)


def _single(found: Sequence[_Found], flaws: list[Flaw]) -> tuple[list[_Found], int]:
    """Give each label once, and the number of repetitions; lines of one key that differ are flaws, all of them."""
    together: dict[Key, list[_Found]] = {}
    for one in found:
        together.setdefault(one.key, []).append(one)
    single, repeated = [], 0
    for lines in together.values():
        if len({(one.row.label, one.row.note, one.row.labelled_at) for one in lines}) > 1:
            numbers = ", ".join(str(one.number) for one in lines[:5])
            what = f"lines {numbers} say different things of one sample, dimension and reviewer; keep one"
            flaws += [Flaw(line=one.number, what=what) for one in lines]
        else:
            single.append(lines[0])
            repeated += len(lines) - 1
    return single, repeated


def _differs(one: _Found, earlier: Said) -> bool:
    return (
        one.row.label != earlier.label
        or one.row.note != earlier.note
        or (one.timed and one.row.labelled_at != earlier.labelled_at)
    )


def _contradicts(row: LabelRow, earlier: Said) -> str:
    what = f"as {earlier.label}" if row.label != earlier.label else "with another note or time"
    return f"{shown(row.reviewer)} has labelled it before, {what}; --replace puts this one in its place"


def _undrawn(store: Store, good: Sequence[_Found]) -> int:
    by_dimension: dict[str, list[_Found]] = {}
    for one in good:
        by_dimension.setdefault(one.row.dimension, []).append(one)
    undrawn = 0
    for dimension, lines in by_dimension.items():
        reached = drawn(store, dimension, [_place(one) for one in lines])
        undrawn += sum(one.row.sample_id not in reached for one in lines)
    return undrawn


def _place(one: _Found) -> Place:
    return Place(window=one.row.window, sample_id=one.row.sample_id)
