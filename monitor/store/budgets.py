"""What ClickHouse knows of the judges' budget: what was paid, what is presumed paid, and caps set at run time."""

from collections.abc import Sequence
from datetime import datetime
from secrets import randbits
from time import time_ns
from typing import Literal, cast
from uuid import UUID

from monitor.scoring.judge.budget.model import CAP_NAMES, CapName, Lost, Override, Overrides
from monitor.store.client import Store
from monitor.store.rows import BudgetEventRow, BudgetRow, milliseconds, to_columns

NO_CAP, AS_SETTINGS = -1, -2
"""Values of a row of `budgets` that are no amounts."""


class StoreLedger:
    """The `Ledger` of the budget on ClickHouse; like its store, not shared between threads."""

    def __init__(self, store: Store) -> None:
        """Read and write through `store`."""
        self._store = store

    def spent_since(self, endpoint: str | None, moment: datetime) -> tuple[int, int]:
        """Give calls and millionths of a US dollar since then, paid or presumed so (see `Ledger`)."""
        (row,) = self._store.query("budget_spent", endpoint=endpoint or "", since=milliseconds(moment))
        return int(row["calls"]), int(row["micro_usd"])

    def opened_before(self) -> bool:
        """Tell whether a budget was ever opened here, or a call paid (see `Ledger`)."""
        return bool(self._store.query("budget_opened")[0]["opened"])

    def note_opening(self, epoch: str, at: datetime) -> None:
        """Write down that a budget is about to open (see `Ledger`)."""
        self._insert(
            [BudgetEventRow(event_id=UUID(epoch), at=milliseconds(at), kind="opened", endpoint="", micro_usd=0)]
        )

    def note_lost(self, lost: Sequence[Lost]) -> None:
        """Write down calls that are presumed paid (see `Ledger`)."""
        self._insert(
            [
                BudgetEventRow(
                    event_id=UUID(one.id),
                    at=milliseconds(one.at),
                    kind="lost",
                    endpoint=one.endpoint,
                    micro_usd=one.micro_usd,
                )
                for one in lost
            ]
        )

    def overrides(self) -> Overrides:
        """Give the caps set at run time (see `Ledger`)."""
        rows = self._store.query("budget_caps")
        caps = tuple(
            Override(
                scope=r["scope"], cap=cast("CapName", r["cap"]), value=None if r["value"] == NO_CAP else r["value"]
            )
            for r in rows
            # A later version may know caps that this one does not.
            if r["cap"] in CAP_NAMES and r["value"] >= NO_CAP
        )
        return Overrides(version=sum(int(r["changes"]) for r in rows), caps=caps)

    def set_caps(self, scope: str, values: dict[CapName, int | Literal["settings"] | None]) -> None:
        """Set caps from now on: an amount, None for no cap, or `settings` to go back to what settings say."""
        coded = {cap: NO_CAP if v is None else AS_SETTINGS if v == "settings" else v for cap, v in values.items()}
        rows = [BudgetRow(change_id=_change_id(), scope=scope, cap=cap, value=value) for cap, value in coded.items()]
        self._store.insert("budgets", to_columns(rows))

    def _insert(self, rows: list[BudgetEventRow]) -> None:
        self._store.insert("budget_events", to_columns(rows))


def _change_id() -> UUID:
    """Make each change a row of its own: the same one again, after another, must not be dropped as repeated.

    ClickHouse sorts ids by their second half first, so of two changes in one millisecond the later one counts.
    """
    return UUID(int=randbits(64) << 64 | time_ns())
