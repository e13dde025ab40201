"""What the budget's tests share: a budget on a real Valkey, with a clock and a ledger that the test sets."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from monitor.clock import FixedClock
from monitor.errors import StoreUnavailable
from monitor.scoring.judge.budget.budget import SharedBudget, root_of
from monitor.scoring.judge.budget.model import ALL, Lost, Overrides, Reservation, Settled, Spent, settings_caps
from monitor.scoring.judge.budget.scripts import Scripts
from monitor.scoring.judge.budget.show import Line, lines
from monitor.scoring.judge.settings import Budget
from tests.support.valkey import Valkey
from workers.stack.layout import HOST

LEASE_S = 100.0
NOON = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


@dataclass
class Memory:
    """A ledger that is told what was paid."""

    paid: list[tuple[str, datetime, int]] = field(default_factory=list)
    lost: dict[str, Lost] = field(default_factory=dict)
    openings: list[str] = field(default_factory=list)
    caps: Overrides = field(default_factory=Overrides)
    away: bool = False

    def _asked(self) -> None:
        if self.away:
            raise StoreUnavailable("ClickHouse does not answer")

    def spent_since(self, endpoint: str | None, moment: datetime) -> tuple[int, int]:
        self._asked()
        all_of_them = [*self.paid, *((one.endpoint, one.at, one.micro_usd) for one in self.lost.values())]
        found = [amount for name, at, amount in all_of_them if at >= moment and endpoint in {None, name}]
        return len(found), sum(found)

    def opened_before(self) -> bool:
        self._asked()
        return bool(self.openings)

    def note_opening(self, epoch: str, at: datetime) -> None:
        assert at.tzinfo is UTC
        self.openings.append(epoch)

    def note_lost(self, lost: Sequence[Lost]) -> None:
        self.lost.update({one.id: one for one in lost})

    def overrides(self) -> Overrides:
        self._asked()
        return self.caps


@dataclass
class World:
    """A budget of its own on the shared server, its clock and its ledger."""

    server: Valkey
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON))
    ledger: Memory = field(default_factory=Memory)
    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    made: list[SharedBudget] = field(default_factory=list)
    settings: dict[str, Budget] = field(default_factory=dict)

    def budget(self, everything: Budget | None = None, **budgets: Budget) -> SharedBudget:
        self.settings = {ALL: everything or Budget(), "a": Budget(), "b": Budget(), **budgets}
        scripts = Scripts(f"redis://{HOST}:{self.server.port}/0", root_of(self.name))
        by_endpoint = {name: one for name, one in self.settings.items() if name != ALL}
        self.made.append(
            SharedBudget(
                scripts,
                self.ledger,
                budget=self.settings[ALL],
                budgets=by_endpoint,
                lease_s=LEASE_S,
                clock=self.clock,
            )
        )
        return self.made[-1]

    def to(self, *moment: int) -> None:
        """Set the clock."""
        self.clock.advance((datetime(*moment, tzinfo=UTC) - self.clock.now()).total_seconds())  # type: ignore[arg-type,misc]

    def forget(self) -> None:
        """Lose everything that Redis knows of this budget."""
        keys = self.server.ask("KEYS", f"*{self.name}*")
        self.server.ask("DEL", *keys)

    def lines(self, budget: SharedBudget) -> dict[tuple[str, str], Line]:
        caps = settings_caps(self.settings[ALL], {name: one for name, one in self.settings.items() if name != ALL})
        found = lines(budget.look(), caps, self.ledger.overrides(), self.settings, self.ledger)
        return {(one.scope, one.cap): one for one in found}


def taken(answer: Reservation | Spent) -> Reservation:
    assert isinstance(answer, Reservation), answer
    return answer


def refused(answer: Reservation | Spent) -> Spent:
    assert isinstance(answer, Spent), answer
    return answer


def pay(budget: SharedBudget, endpoint: str, most: int, actual: int | None = None) -> Settled:
    one = taken(budget.reserve(endpoint, most))
    assert budget.sent(one)
    return budget.settle(one, most if actual is None else actual)
