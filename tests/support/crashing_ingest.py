"""The real ingest worker, which sends itself a signal at a named point: `python -m ... POINT NTH [SIGNAL]`.

SIGKILL unless another is named; after SIGSTOP somebody must wake it with SIGCONT, and it goes on as a zombie.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from monitor.store.client import Store
from workers import ingest
from workers.recorder import Recorder

POINTS = ("before_samples", "after_samples", "after_dead_letters", "after_ledger", "after_commit")
_AFTER_INSERT = {"samples": "after_samples", "dead_letters": "after_dead_letters", "offset_ledger_in": "after_ledger"}


def main() -> int:
    """Run the worker until it passes POINT for the NTH time."""
    point, left = sys.argv[1], int(sys.argv[2])
    number = signal.Signals[sys.argv[3]] if len(sys.argv) > 3 else signal.SIGKILL

    def passing(name: str) -> None:
        nonlocal left
        if name == point:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), number)

    insert: Callable[..., None] = Store.insert
    commit: Callable[..., None] = Recorder._commit

    def insert_and_pass(store: Store, table: str, columns: Sequence[Sequence[Any]]) -> None:
        if table == "samples":
            passing("before_samples")
        insert(store, table, columns)
        if table in _AFTER_INSERT:
            passing(_AFTER_INSERT[table])

    def commit_and_pass(*arguments: Any) -> None:
        commit(*arguments)
        passing("after_commit")

    Store.insert = insert_and_pass  # type: ignore[method-assign, assignment]
    Recorder._commit = commit_and_pass  # type: ignore[method-assign, assignment]
    return ingest.main()


if __name__ == "__main__":
    raise SystemExit(main())
