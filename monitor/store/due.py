"""Due work: samples x scorers less terminal scores, read from ClickHouse, the only truth for it (I5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from uuid import UUID

from monitor.clock import Clock
from monitor.errors import StoreRejected
from monitor.intake.interaction import Interaction
from monitor.scoring.runner import run
from monitor.scoring.verdict import Scorer, ScorerIdentity, Status, Unscored
from monitor.store.client import Row, Store
from monitor.store.embeddings import Vectors
from monitor.store.rows import ScoreRow, interaction_of, score_row, scorer_rows, to_columns

EVER = timedelta(days=36_500)
TOGETHER = 64
"""Samples that all scorers see before the next ones: what one has embedded, the others find before it falls out of
memory, and memory does not grow with the chunk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DueSample:
    """A sample that lacks at least one terminal score."""

    window: int
    sample_id: UUID


def find_due(
    store: Store, scorers: Sequence[Scorer], *, oldest: timedelta, settled_s: float, limit: int
) -> list[DueSample]:
    """Give due samples that were ingested in the last `oldest`, but not in the last `settled_s` seconds.

    The newest window comes first; inside a window, the order in which a tail that is cut off stays random (I11).
    """
    rows = store.query(
        "due",
        oldest_s=int(oldest.total_seconds()),
        settled_ms=int(settled_s * 1000),
        scorers=[s.identity.id for s in scorers],
        limit=limit,
    )
    return [DueSample(window=row["window"], sample_id=row["sample_id"]) for row in rows]


def expire_overdue(store: Store, scorers: Sequence[Scorer], *, oldest: timedelta, limit: int, clock: Clock) -> int:
    """Close what has been due for longer than `oldest` as `expired`, and give the number of rows written.

    The verdict stays missing and is counted as such; it only stops being asked for.
    """
    overdue = find_due(store, scorers, oldest=EVER, settled_s=oldest.total_seconds(), limit=limit)
    too_late = Unscored(status=Status.EXPIRED, reason=f"due for more than {oldest.total_seconds() / 3600:g} h")
    written = 0
    by_window: dict[int, list[UUID]] = {}
    for one in overdue:
        by_window.setdefault(one.window, []).append(one.sample_id)
    for window, ids in by_window.items():
        written += close(store, scorers, window=window, ids=ids, result=too_late, clock=clock)
    return written


def close(
    store: Store, scorers: Sequence[Scorer], *, window: int, ids: Sequence[UUID], result: Unscored, clock: Clock
) -> int:
    """Give these samples the same terminal rows wherever one is missing, and say how many were written.

    Raises:
        StoreUnavailable: the work is still due, or already closed.
    """
    done = terminal(store, (s.identity for s in scorers), window, ids)
    now = clock.now()
    rows = [
        score_row(window=window, sample_id=i, identity=s.identity, result=result, now=now)
        for s in scorers
        for i in ids
        if (i, s.identity.id) not in done
    ]
    store.insert("scores", to_columns(rows))
    return len(rows)


def score_due(
    store: Store,
    scorers: Sequence[Scorer],
    *,
    window: int,
    ids: Sequence[UUID],
    clock: Clock,
    let_through: tuple[type[Exception], ...] = (),
) -> int:
    """Score what is still due of these samples and give the number of terminal rows written.

    Running it again, or twice at once, changes nothing that can be seen: the first terminal row wins (I6).
    `let_through` names exceptions that are the caller's, such as a task's time limit, and no scorer's failure.
    After the scores, the embeddings that heads have read are stored too, as far as that goes.

    Raises:
        StoreUnavailable: nothing was written, or it cannot be told; the work is still due or already done.
    """
    samples = store.query("samples_by_id", window=window, ids=list(ids))
    done = terminal(store, (s.identity for s in scorers), window, ids)
    readable = iter([(row["sample_id"], read_sample(row)) for row in samples])
    vectors = Vectors(window, let_through=let_through)
    rows: list[ScoreRow] = []
    while part := dict(islice(readable, TOGETHER)):
        for scorer in scorers:
            identity = scorer.identity
            todo = {i: one for i, one in part.items() if (i, identity.id) not in done}
            whole = {i: one for i, one in todo.items() if isinstance(one, Interaction)}
            results = dict(zip(whole, run(scorer, list(whole.values()), let_through=let_through), strict=True))
            results |= {i: one for i, one in todo.items() if isinstance(one, Unscored)}
            now = clock.now()
            rows.extend(
                score_row(window=window, sample_id=i, identity=identity, result=result, now=now)
                for i, result in results.items()
            )
            vectors.note(scorer, whole)
        vectors.take()
    _insert(store, rows)
    vectors.write(store)
    return len(rows)


def register(store: Store, scorers: Sequence[Scorer]) -> None:
    """Write down what stands behind each scorer id; safe to repeat."""
    register_identities(store, [s.identity for s in scorers])


def register_identities(store: Store, identities: Sequence[ScorerIdentity]) -> None:
    """Write down what stands behind each scorer id, for scorers that are no `Scorer`; safe to repeat."""
    store.insert("scorers", to_columns(scorer_rows(identities)))


def terminal(
    store: Store, scorers: Iterable[ScorerIdentity], window: int, ids: Sequence[UUID]
) -> set[tuple[UUID, str]]:
    """Give the pairs of sample and scorer id that have a terminal row; raises StoreUnavailable."""
    rows = store.query("terminal", window=window, ids=list(ids), scorers=[one.id for one in scorers])
    return {(row["sample_id"], row["scorer_id"]) for row in rows}


def read_sample(row: Row) -> Interaction | Unscored:
    """Read a row of `samples_by_id`; `Unscored` where it cannot be read."""
    try:
        return interaction_of(row)
    except (ValueError, TypeError) as error:
        # Its neighbours must not wait for it for ever (I7).
        reason = f"the stored sample cannot be read ({type(error).__name__})"
        return Unscored(status=Status.ERROR, reason=reason)


def _insert(store: Store, rows: Sequence[ScoreRow]) -> None:
    """Insert rows; one that ClickHouse refuses for what it is becomes an error, its neighbours stay (I6, I7)."""
    try:
        store.insert("scores", to_columns(rows))
    except StoreRejected as error:
        if len(rows) > 1:
            half = len(rows) // 2
            _insert(store, rows[:half])
            _insert(store, rows[half:])
            return
        refused = replace(
            rows[0],
            status=Status.ERROR.value,
            value=None,
            label="",
            probabilities={},
            reason=f"ClickHouse refused the verdict (error {error.code})",
        )
        store.insert("scores", to_columns([refused]))
