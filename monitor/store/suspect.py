"""Scoring of work that may have killed a worker: delivered again, or hinted at again (DESIGN §5, I6).

A sample can kill its scorer by a crash in native code, by its memory, by never coming back. Fresh hints leave no
trace, so the common path pays nothing. Suspect work is written down before it is begun; a row without an outcome
after it stands for a death. What died together is then scored alone, and what died alone and `DEATHS` times in all is
closed as `error`: this bounds how often a task that is rejected on the loss of its worker comes back.
"""

import logging
from collections.abc import Mapping, Sequence
from uuid import UUID

from monitor.clock import Clock
from monitor.errors import StoreUnavailable
from monitor.scoring.verdict import Scorer, Status, Unscored
from monitor.store import attempts
from monitor.store.attempts import DEATHS, Past
from monitor.store.client import Store
from monitor.store.due import close, score_due, terminal
from monitor.store.events import EventKind, Journal
from monitor.store.rows import AttemptRow

log = logging.getLogger("score")

PATIENCE_S = 40.0
"""After so long no further sample is begun alone: a task's time limit must hit who hangs, not who comes last."""


class Caution:
    """Scores suspect work in one process. Pure of Celery; not shared between threads."""

    def __init__(
        self, store: Store, scorers: Sequence[Scorer], *, journal: Journal, clock: Clock, patience_s: float = PATIENCE_S
    ) -> None:
        """Take what is constant over the process's life."""
        self._store, self._scorers, self._journal, self._clock = store, scorers, journal, clock
        self._patience_s = patience_s
        self._to_void: list[AttemptRow] = []

    def score(self, window: int, ids: Sequence[UUID], *, deadly: tuple[type[Exception], ...] = ()) -> int:
        """Score what is still due of these samples, carefully, and give the number of terminal rows written.

        `deadly` names exceptions that count as a death, such as a task's soft time limit; they pass, as from
        `score_due`. After any other exception nothing is held against the samples.

        Raises:
            StoreUnavailable: some of the work is still due.
        """
        until = self._clock.monotonic() + self._patience_s
        self._void([])
        done = terminal(self._store, (s.identity for s in self._scorers), window, ids)
        left = [one for one in ids if any((one, s.identity.id) not in done for s in self._scorers)]
        past = self._past(window, left)
        hopeless = [one for one in left if one in past and past[one].hopeless]
        written = self._give_up(window, hopeless)
        written += self._attempt(window, [one for one in left if one not in past], deadly)
        # Who died most often comes last: its neighbours are done before it kills again.
        alone = sorted((one for one in left if one in past and not past[one].hopeless), key=lambda i: past[i].count)
        for one in alone:
            if self._clock.monotonic() >= until:
                break
            written += self._attempt(window, [one], deadly)
        return written

    def _attempt(self, window: int, ids: Sequence[UUID], deadly: tuple[type[Exception], ...]) -> int:
        if not ids:
            return 0
        begun = attempts.begin(self._store, "score", ids, span=len(ids))
        try:
            return score_due(self._store, self._scorers, window=window, ids=ids, clock=self._clock, let_through=deadly)
        except deadly:
            raise
        except Exception:
            self._void(begun)
            raise

    def _give_up(self, window: int, ids: Sequence[UUID]) -> int:
        if not ids:
            return 0
        reason = f"scoring it killed the worker {DEATHS} times"
        result = Unscored(status=Status.ERROR, reason=reason)
        written = close(self._store, self._scorers, window=window, ids=ids, result=result, clock=self._clock)
        for one in ids:
            detail = f"sample {one} of window {window} is closed as error: {reason}"
            self._journal.note(EventKind.SCORING_DEATH, "critical", detail, n=1)
        self._journal.flush(self._store)
        return written

    def _past(self, window: int, ids: Sequence[UUID]) -> Mapping[UUID, Past]:
        if not ids:
            return {}
        rows = self._store.query("scoring_deaths", window=window, ids=list(ids))
        return {row["subject"]: Past(count=row["n"], span=row["span"], until=0) for row in rows}

    def _void(self, begun: Sequence[AttemptRow]) -> None:
        """Void attempts, these and those that could not be voided before, as far as ClickHouse lets us."""
        self._to_void.extend(begun)
        if not self._to_void:
            return
        try:
            attempts.void(self._store, self._to_void)
        except StoreUnavailable:
            log.warning("attempts that nobody died of are not voided yet", extra={"n": len(self._to_void)})
        else:
            self._to_void.clear()
