"""The budget as people see it: a line a cap."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.scoring.judge.budget.budget import period_start
from monitor.scoring.judge.budget.model import ALL, CAP_NAMES, MICRO, CapName, Ledger, Look, Overrides


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One cap and what is left of it; money in millionths of a US dollar."""

    scope: str
    cap: CapName
    limit: int | None
    """None = no cap."""
    settings: int | None
    """What settings say; another limit than this one was set at run time."""
    spent: int
    reserved: int
    """For calls that are under way."""
    overrun: int
    """Part of `spent` by which calls cost more than was reserved for them; 0 for caps of calls."""
    resets_at: datetime
    spent_out: bool
    """Nothing is left, or not enough for the call that last asked."""

    @property
    def left(self) -> int | None:
        """What can still be reserved; None = no cap."""
        return None if self.limit is None else max(0, self.limit - self.spent - self.reserved)

    @property
    def is_money(self) -> bool:
        """Whether it counts money, not calls."""
        return self.cap.startswith("usd")

    def as_json(self) -> dict[str, Any]:
        """Give it in US dollars or calls."""
        unit = MICRO if self.is_money else 1
        amounts = {
            name: value if value is None or unit == 1 else value / unit
            for name, value in (
                ("limit", self.limit),
                ("settings", self.settings),
                ("spent", self.spent),
                ("reserved", self.reserved),
                ("left", self.left),
                ("overrun", self.overrun),
            )
        }
        scope = None if self.scope == ALL else self.scope
        ends = {"resets_at": self.resets_at.isoformat(), "spent_out": self.spent_out}
        return {"endpoint": scope, "cap": self.cap, **amounts, **ends}


def lines(look: Look, settings: dict[str, int], found: Overrides, scopes: Iterable[str], ledger: Ledger) -> list[Line]:
    """Give a line for every cap that is set, and the month's money and calls of each scope in any case.

    `settings` are caps by `SCOPE|CAP`. While the budget is not open, what was spent is what the ledger knows.
    """
    overrides = {f"{one.scope}|{one.cap}": one.value for one in found.caps}
    made = []
    for scope in scopes:
        for cap in CAP_NAMES:
            key = f"{scope}|{cap}"
            limit = overrides.get(key, settings.get(key))
            if limit is None and not cap.endswith("month") and key not in settings:
                continue
            made.append(_line(look, scope, cap, limit, settings.get(key), ledger))
    return made


def _line(look: Look, scope: str, cap: CapName, limit: int | None, settings: int | None, ledger: Ledger) -> Line:
    kind, period = cap.split("_")
    start = period_start(period, look.now)
    field, fields = f"{period}|{scope}|", look.fields
    if look.is_open:
        spent, reserved = int(fields.get(field + kind, 0)), int(fields.get(f"held|{scope}|{kind}", 0))
    else:
        calls, micro_usd = ledger.spent_since(None if scope == ALL else scope, start)
        spent, reserved = micro_usd if kind == "usd" else calls, 0
    refused = fields.get(f"{field}refused_{kind}") if look.is_open else None
    return Line(
        scope=scope,
        cap=cap,
        limit=limit,
        settings=settings,
        spent=spent,
        reserved=reserved,
        overrun=int(fields.get(f"{field}over", 0)) if kind == "usd" and look.is_open else 0,
        resets_at=_end(period, start),
        # A refusal is of the cap that was in force then.
        spent_out=limit is not None and (spent >= limit or refused == str(limit)),
    )


def _end(period: str, start: datetime) -> datetime:
    if period == "month":
        return (start + timedelta(days=31)).replace(day=1, tzinfo=UTC)
    return start + (timedelta(hours=1) if period == "hour" else timedelta(days=1))
