"""A worker that spends the judges' budget at a made-up paid endpoint, and dies when its dice say so.

`python -m tests.faults.judge_spender SETTINGS`, JSON. The endpoint is a file: one line a call that was paid, written in
one piece, so that no death can take it back. It is the truth, and the ledger that ClickHouse would be. Beside it a file
of what the worker was about to do and what it had done.
"""

import json
import os
import random
import signal
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from monitor.errors import QueueUnavailable
from monitor.scoring.judge.budget.budget import SharedBudget, root_of
from monitor.scoring.judge.budget.model import Lost, Overrides, Spent
from monitor.scoring.judge.budget.scripts import Scripts
from monitor.scoring.judge.settings import Budget

ENDPOINTS = ("cheap", "dear")
MOST = {"cheap": 1_000, "dear": 10_000}


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a worker is told."""

    redis: str
    name: str
    folder: str
    seed: int
    lease_s: float
    death: float
    """The chance to die at each step."""
    usd_month: float
    calls_month: int
    dear_month: float

    def budget(self) -> SharedBudget:
        """Connect to the budget that all workers share."""
        return SharedBudget(
            Scripts(self.redis, root_of(self.name)),
            Books(Path(self.folder)),
            budget=Budget(usd_month=self.usd_month, calls_month=self.calls_month),
            budgets={"cheap": Budget(), "dear": Budget(usd_month=self.dear_month)},
            lease_s=self.lease_s,
        )


class Books:
    """The two files, and the ledger that is made of them."""

    def __init__(self, folder: Path) -> None:
        """Take the folder that all workers write to."""
        self._folder = folder

    def write(self, name: str, **line: object) -> None:
        """Add a line in one piece."""
        with (self._folder / name).open("ab", buffering=0) as out:
            out.write(json.dumps({**line, "at": time.time()}).encode() + b"\n")

    def read(self, name: str) -> list[dict[str, object]]:
        """Give all lines so far."""
        path = self._folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def spent_since(self, endpoint: str | None, moment: datetime) -> tuple[int, int]:
        """Count what was paid, by `id`; and what is presumed paid and was not seen to be."""
        rows = {str(line["id"]): line for name in ("lost", "paid") for line in self.read(name)}
        amounts = [
            int(str(line["micro_usd"]))
            for line in rows.values()
            if endpoint in {None, line["endpoint"]} and float(str(line["at"])) >= moment.timestamp()
        ]
        return len(amounts), sum(amounts)

    def opened_before(self) -> bool:
        """Tell whether anybody opened before."""
        return bool(self.read("openings"))

    def note_opening(self, epoch: str, at: datetime) -> None:
        """Note an opening."""
        assert at.tzinfo is UTC
        self.write("openings", id=epoch)

    def note_lost(self, lost: Sequence[Lost]) -> None:
        """Note calls that are presumed paid."""
        for one in lost:
            self.write("lost", id=one.id, endpoint=one.endpoint, micro_usd=one.micro_usd)

    def overrides(self) -> Overrides:
        """Give none."""
        return Overrides()


def main(task: Task) -> None:
    """Spend until nothing is left for the cheapest call."""
    dice, books, budget = random.Random(task.seed), Books(Path(task.folder)), task.budget()

    def may_die() -> None:
        if dice.random() < task.death:
            os.kill(os.getpid(), signal.SIGKILL)

    left = set(ENDPOINTS)
    while left:
        endpoint = dice.choice(sorted(left))
        try:
            one = budget.reserve(endpoint, MOST[endpoint])
            if isinstance(one, Spent):
                left.discard(endpoint)
                continue
            may_die()
            books.write("sending", id=one.id, endpoint=endpoint, micro_usd=one.most_micro_usd)
            begun = time.monotonic()
            if not budget.sent(one):
                continue
        except QueueUnavailable:
            time.sleep(0.05)
            continue
        may_die()
        time.sleep(dice.random() * 0.02)
        # As a client's timeout does: no call takes longer than a lease, which leaves time for a machine that stalls.
        if time.monotonic() - begun > task.lease_s / 3:
            continue
        actual = dice.randint(0, one.most_micro_usd)
        books.write("paid", id=one.id, endpoint=endpoint, micro_usd=actual)
        may_die()
        try:
            budget.settle(one, actual)
        except QueueUnavailable:
            continue
        books.write("settled", id=one.id, endpoint=endpoint, micro_usd=actual)
        may_die()


def command(task: Task) -> list[str]:
    """Give the command that runs a worker."""
    return [sys.executable, "-m", "tests.faults.judge_spender", json.dumps(asdict(task))]


def name() -> str:
    """Give a name that no other budget has."""
    return uuid.uuid4().hex


if __name__ == "__main__":
    main(Task(**json.loads(sys.argv[1])))
