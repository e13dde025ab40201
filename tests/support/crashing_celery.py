"""The real Celery application, whose processes kill themselves with SIGKILL at named points: `celery -A` this.

Variables say where: `AM_TEST_POINTS` (such as `before_scores:1,after_scores:3`: at which passing of which of `POINTS`,
counted over all processes) and `AM_TEST_FOLDER`, where each passing leaves a file. It happens once a point, so that
successors live, but for what is `DEADLY`, which strikes each time that it is scored.
"""

import os
import signal
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from celery import Celery
from kombu.transport.redis import QoS

from monitor.intake.interaction import Interaction
from monitor.store import due
from monitor.store.client import Store
from monitor.store.suspect import Caution
from workers import celery_app

POINTS = ("before_scores", "after_scores", "hold_scores", "popped", "deadly", "hang", "stuck")
"""A child before its insert; after it; a child that waits there until somebody kills it; the parent between Redis' pop
and the note of what is not acknowledged. What is deadly kills its child, never comes back, or does not even hear the
soft time limit."""
DEADLY = "This answer kills who reads it."
SOFT_LIMIT_S, HARD_LIMIT_S, PATIENCE_S = 2, 3, 0.5
"""For what hangs, instead of the minutes of the real application; patience stays well below the limits, as there."""


def passings(folder: Path, point: str) -> int:
    """Give how often a point was passed."""
    return len(list(folder.glob(f"{point}-*")))


class _Crash:
    def __init__(self) -> None:
        chosen = (one.split(":") for one in os.environ["AM_TEST_POINTS"].split(","))
        self.nth = {point: int(nth) for point, nth in chosen}
        self.folder = Path(os.environ["AM_TEST_FOLDER"])

    def passing(self, point: str) -> None:
        """Die here, if this is a point and the time."""
        if point not in self.nth:
            return
        mine = next(n for n in count(1) if _made(self.folder / f"{point}-{n}"))
        if point in {"hang", "stuck"}:
            if point == "stuck":
                signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
            time.sleep(3600)
        elif point == "deadly" or mine == self.nth[point]:
            while point == "hold_scores":
                time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGKILL)


def _made(path: Path) -> bool:
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _crashing_app() -> Celery:
    crash = _Crash()
    insert: Callable[..., None] = Store.insert
    append: Callable[..., None] = QoS.append
    run: Callable[..., Any] = due.run  # type: ignore[attr-defined]

    def insert_and_pass(store: Store, table: str, columns: Sequence[Sequence[Any]]) -> None:
        is_scores = table == "scores" and bool(columns)
        for point in ("hold_scores", "before_scores") if is_scores else ():
            crash.passing(point)
        insert(store, table, columns)
        if is_scores:
            crash.passing("after_scores")

    def pass_and_append(*arguments: Any) -> None:
        crash.passing("popped")
        append(*arguments)

    def pass_and_run(scorer: Any, batch: Sequence[Interaction], **options: Any) -> Any:
        if any(one.answer == DEADLY for one in batch):
            for point in ("deadly", "hang", "stuck"):
                crash.passing(point)
        return run(scorer, batch, **options)

    Store.insert = insert_and_pass  # type: ignore[method-assign, assignment]
    QoS.append = pass_and_append  # type: ignore[method-assign]
    due.run = pass_and_run  # type: ignore[attr-defined]
    app: Celery = celery_app.app
    if crash.nth.keys() & {"hang", "stuck"}:
        app.loader.import_default_modules()
        app.finalize()
        app.tasks[celery_app.SCORE].soft_time_limit = SOFT_LIMIT_S
        app.tasks[celery_app.SCORE].time_limit = HARD_LIMIT_S
        Caution.__init__.__kwdefaults__ = {"patience_s": PATIENCE_S}
    return app


def __getattr__(name: str) -> Celery:
    # Only the worker asks for `app`; a test that imports this module changes nothing.
    if name == "app":
        return _crashing_app()
    raise AttributeError(name)
