"""Which samples people are to label: drawn with a chance that is known, and larger where a label tells more.

What is drawn stays drawn: a chance is raised, never lowered, and a sample asks the hash that judges ask of it, so that
what people see is a part of what a judge sees. The chance that `selections` holds (judge `human:DIMENSION`) is the one
among all samples, `T`; among those that a judge was to see it is min(1, T / pi2).

Size of the chance. The label's part of the variance of a rate is sum w_i^2 s_i^2 (1/pi_i - 1) with w the weight of a
sample and s^2 what is unknown of its label; for a given number of labels it is least where pi is proportional to w s
(Neyman 1934; for unequal chances Särndal, Swensson and Wretman 1992, section 12.2). The unknown is q (1 - q), with q
the mean of what classifier and judge say: large where they differ or hesitate. A floor keeps chances within a factor
of `1 / (2 FLOOR)` of each other, for both may be surely wrong. With w = 1 / (pi1 pi2), T is proportional to s / pi1.

Number. The list is to hold n samples that wait for a label, so T = c s / pi1 with c such that it does: the ratio
u pi1 / s of the first sample that stays out (u is its hash as a number in [0, 1)). Given the others' u that c is fixed,
and a sample's chance is T; the weighted sum is unbiased (priority sampling: Duffield, Lund and Thorup 2007).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

import numpy as np

from monitor.estimate.variance import Floats
from monitor.intake.interaction import Message
from monitor.report.ledger import Span
from monitor.report.phase_frame import TWO_64, Frame, Sources, read_frame
from monitor.store.client import Row, Store
from monitor.store.judging import decision
from monitor.store.labels import ASKED_AT_ONCE, drawn_name
from monitor.store.rows import SelectionRow, to_columns

FLOOR = 0.1
"""The least standard deviation of a label: as if one in a hundred were a surprise."""
WRITTEN_AT_ONCE = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A drawn sample that waits for a label; nothing of what classifier or judge say of it, so as to lead nobody."""

    sample_id: UUID
    window: datetime
    interaction_id: str
    locale: str
    model_version: str
    chance: float
    """Of having been drawn, among all samples."""
    messages: tuple[Message, ...] = ()
    """Masked; the last is the assistant's, which is judged. None unless asked for."""

    def as_json(self) -> dict[str, Any]:
        """Give plain values, for `--json`."""
        head = {
            "sample_id": str(self.sample_id),
            "interaction_id": self.interaction_id,
            "window": self.window.isoformat(),
            "locale": self.locale,
            "model_version": self.model_version,
            "chance": self.chance,
        }
        return head | ({"messages": [one.model_dump() for one in self.messages]} if self.messages else {})

    def transcript(self) -> str:
        """Give the conversation for people."""
        said = [f"{one.role}: {one.content}" for one in self.messages]
        return "\n\n".join([f"=== {self.sample_id}", *said[:-1], *(f"[judged] {one}" for one in said[-1:])]) + "\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """What came of a draw."""

    waiting: tuple[Waiting, ...]
    """At most as many as asked for, in random order: whoever stops early leaves a random part unlabelled."""
    drawn: int
    """That were drawn now."""
    eligible: int
    """Samples of the span that may be drawn."""


def draw(
    store: Store,
    span: Span,
    who: Sources,
    *,
    n: int,
    hash64: Callable[[bytes], int],
    reviewer: str = "",
    text: bool = False,
) -> Drawing:
    """Draw until n samples wait for a label (of `reviewer`, where named), write that down, and give them.

    Where as many wait already, nothing is drawn: the same call gives the same samples until they are labelled.

    Raises:
        StoreUnavailable: a part may be written; drawing again ends the same.
    """
    frame = read_frame(store, span, who, reviewer=reviewer, ids=True)
    number = [
        one or hash64(b"judge:" + sample_id.bytes) for one, sample_id in zip(frame.number, frame.sample_id, strict=True)
    ]
    u = np.array(number, dtype=np.float64) / TWO_64
    chance = chances(frame, u, n)
    rows = _decided(frame, chance, number, who.dimension)
    for start in range(0, len(rows), WRITTEN_AT_ONCE):
        store.insert("selections", to_columns(rows[start : start + WRITTEN_AT_ONCE]))
    chosen = frame.drawn | (frame.eligible & (u < chance))
    wait = np.flatnonzero(chosen & ~frame.done)
    order = wait[np.argsort(u[wait] / chance[wait], kind="stable")][:n]
    return Drawing(
        waiting=tuple(_sheet(store, frame, chance, [int(one) for one in order], text=text)),
        drawn=int(np.count_nonzero(chosen & ~frame.drawn)),
        eligible=int(np.count_nonzero(frame.eligible)),
    )


def chances(frame: Frame, u: Floats, n: int) -> Floats:
    """Give each sample's chance T, shape (n,), such that n of them are drawn and not labelled; never a smaller one.

    `u` in [0, 1) is what the chance is held against. Pure. Raises ValueError on an n below 1.
    """
    if n < 1:
        raise ValueError(f"n must be 1 or more, got {n!r}")
    needed = n - int(np.count_nonzero(frame.drawn & ~frame.done))
    if needed <= 0:
        return frame.chance
    gain = gains(frame)
    open_ = frame.eligible & ~frame.drawn & ~frame.done
    ratio = np.sort(u[open_] / gain[open_])
    # A hair below the first that stays out, so that rounding does not let it in.
    scale = ratio[needed] * (1.0 - 1e-12) if ratio.size > needed else np.inf
    raised = np.where(frame.eligible, np.minimum(frame.pi2, scale * gain), 0.0)
    return np.maximum(frame.chance, raised)


def gains(frame: Frame) -> Floats:
    """Give what a sample's chance is proportional to, shape (n,): standard deviation of its label over pi1."""
    known = np.stack([frame.f, frame.g])
    there = ~np.isnan(known)
    count = there.sum(axis=0)
    q = np.divide(np.where(there, known, 0.0).sum(axis=0), count, out=np.full(count.size, 0.5), where=count > 0)
    gain: Floats = np.maximum(np.sqrt(q * (1.0 - q)), FLOOR) / frame.pi1
    return gain


def _decided(frame: Frame, chance: Floats, number: Sequence[int], dimension: str) -> list[SelectionRow]:
    """Write down what is drawn or raised, and what was considered for the first time."""
    rows = []
    name = drawn_name(dimension)
    for at in map(int, np.flatnonzero(chance > frame.chance)):
        made = decision(name, int(frame.window[at]), frame.sample_id[at], float(chance[at]), _always(number[at]))
        if made.selected or not frame.chance[at]:
            rows.append(made)
    return rows


def _always(number: int) -> Callable[[bytes], int]:
    # The hash that is stored beside the judge's decision: the key may have been changed since.
    return lambda _: number


def _sheet(store: Store, frame: Frame, chance: Floats, order: Sequence[int], *, text: bool) -> list[Waiting]:
    told: dict[UUID, Row] = {}
    left = iter(order)
    while part := list(islice(left, ASKED_AT_ONCE)):
        rows = store.query(
            "label_sheet",
            windows=sorted({int(frame.window[at]) for at in part}),
            ids=[frame.sample_id[at] for at in part],
            text=int(text),
        )
        told |= {row["sample_id"]: row for row in rows}
    return [
        _waiting(told[frame.sample_id[at]], int(frame.window[at]), float(chance[at]))
        for at in order
        # It may have been erased since.
        if frame.sample_id[at] in told
    ]


def _waiting(row: Row, window: int, chance: float) -> Waiting:
    return Waiting(
        sample_id=row["sample_id"],
        window=datetime.fromtimestamp(window, UTC),
        interaction_id=row["interaction_id"],
        locale=row["locale"],
        model_version=row["model_version"],
        chance=chance,
        messages=_messages(row["messages"]),
    )


def _messages(stored: str) -> tuple[Message, ...]:
    try:
        return tuple(Message(**one) for one in json.loads(stored)) if stored else ()
    except (ValueError, TypeError):
        # A sample that cannot be read keeps nobody from the others.
        return ()
