"""Panels in ClickHouse: which samples they see, and their verdicts, made of their members' rows.

Everything here follows from what is stored: a run that is cut short, comes twice, or comes late ends the same.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from secrets import randbits
from uuid import UUID

from monitor.clock import Clock
from monitor.scoring.judge.panel import Panel
from monitor.scoring.judge.panel_vote import Vote, outcome
from monitor.scoring.judge.parse import UNSUPPORTED
from monitor.store.client import Row, Store
from monitor.store.rows import ScoreRow, SelectionRow, score_row, to_columns

NOBODY = UUID(int=0)


def decide(store: Store, panel: Panel, *, oldest: timedelta, limit: int) -> int:
    """Write the panel's decision on samples that all its members decided on, and give how many were written.

    All judges ask the same hash of a sample, so what all members see is what the rarest of them sees: the chance is the
    smallest of theirs, the hash is theirs. Where a member's chance was raised since, the panel's follows. A sample that
    members decided on by different hashes (the sampling key was changed between them) stays undecided.

    Raises:
        StoreUnavailable: nothing is decided, or it cannot be told; deciding again gives the same.
    """
    found = store.query(
        "panel_undecided",
        judge=panel.name,
        judges=[one.name for one in panel.members],
        oldest_s=int(oldest.total_seconds()),
        limit=limit,
    )
    rows = [
        SelectionRow(
            window=row["window"],
            sample_id=row["sample_id"],
            judge=panel.name,
            probability=row["probability"],
            hash=row["hash"],
            selected=row["selected"],
        )
        for row in found
    ]
    if any(row["before"] for row in found):
        # The engine drops an insert that it has seen before, and a chance may come back to what it was.
        rows.append(
            SelectionRow(
                window=rows[0].window,
                sample_id=NOBODY,
                judge=panel.name,
                probability=1.0,
                hash=randbits(64),
                selected=0,
            )
        )
    store.insert("selections", to_columns(rows))
    return len(found)


def form(store: Store, panel: Panel, *, oldest: timedelta, limit: int, clock: Clock) -> int:
    """Write the panel's verdicts where all members have their terminal rows, and give the number written.

    `limit` is of pairs of sample and dimension, the newest window first and, inside it, the order in which what is left
    over is a random part (I11). Members count as the settings make them now: rows of an earlier model or rubric have no
    vote. Nobody is asked, nothing is paid.

    Raises:
        StoreUnavailable, StoreRejected: a part may be written; the rest is formed the next time.
    """
    due = store.query(
        "panel_due",
        judge=panel.name,
        members=list(panel.seats),
        seats=len(panel.members),
        scorers=[one.id for one in panel.identities],
        oldest_s=int(oldest.total_seconds()),
        limit=limit,
    )
    written = 0
    for window, group in groupby(due, key=lambda row: int(row["window"])):
        rows = list(_formed(store, panel, window, list(group), clock))
        store.insert("scores", to_columns(rows))
        written += len(rows)
    return written


def _formed(store: Store, panel: Panel, window: int, due: Sequence[Row], clock: Clock) -> Iterator[ScoreRow]:
    votes: dict[tuple[UUID, str], list[Vote]] = {}
    ids = list({row["sample_id"] for row in due})
    for row in store.query("panel_votes", window=window, ids=ids, scorers=list(panel.seats), mark=UNSUPPORTED):
        votes.setdefault((row["sample_id"], row["dimension"]), []).append(_vote(panel, row))
    now = clock.now()
    for row in due:
        cast = votes.get((row["sample_id"], row["dimension"]), [])
        # Rows may have been erased since they were found.
        if len(cast) == len(panel.members):
            yield score_row(
                window=window,
                sample_id=row["sample_id"],
                identity=panel.by_dimension[row["dimension"]],
                result=outcome(cast, panel.settings.rule),
                now=now,
            )


def _vote(panel: Panel, row: Row) -> Vote:
    return Vote(
        judge=panel.seats[row["scorer_id"]].name,
        status=row["status"],
        label=row["label"],
        value=row["value"],
        unsupported=bool(row["unsupported"]),
    )
