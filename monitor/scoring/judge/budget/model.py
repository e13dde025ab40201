"""The words of the budget: caps, reservations, and what ClickHouse knows of what was paid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Literal, Protocol, get_args

from monitor.scoring.judge.settings import Budget

ALL = "*"
"""The scope of all judges together; any other scope is an endpoint's name."""
MICRO = 1_000_000
"""Money is counted in whole millionths of a US dollar."""
MOST_MICRO_USD = 2**50
"""A larger amount is not believed: above it numbers in Redis' scripts would begin to lose units."""
MOST_DOLLARS = 1e9
"""A larger cap is this one."""

CapName = Literal["usd_hour", "usd_day", "usd_month", "calls_hour", "calls_day", "calls_month"]
CAP_NAMES: tuple[CapName, ...] = get_args(CapName)
PERIODS = ("hour", "day", "month")

Settled = Literal["settled", "late", "nothing"]
"""`late`: its lease had ended or Redis had lost it, so the charge is the larger one; `nothing`: settled before, or the
ledger will tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """Room for one call, until it is settled or released or its lease ends."""

    id: str
    """A UUID; the call's row in the ledger has it as its `call_id`, so that nothing is counted twice."""
    endpoint: str
    most_micro_usd: int
    epoch: str
    """Whose memory it is in: changes when Redis loses what it knew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """No room: which cap stands in the way, and when it is counted anew."""

    scope: str
    """An endpoint's name, or `ALL`."""
    cap: CapName
    limit: int
    """Millionths of a US dollar, or calls."""
    resets_at: datetime | None
    """UTC; None = never, the cap is smaller than this one call. Room may come sooner, as calls cost less than they
    might have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Override:
    """A cap set at run time; it wins over settings."""

    scope: str
    cap: CapName
    value: int | None
    """Millionths of a US dollar, or calls; None = no cap."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overrides:
    """All caps set at run time."""

    version: int = 0
    """Grows with each change."""
    caps: tuple[Override, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """A call that went out and was never settled: its worker died, and it is charged at the most it can have cost."""

    id: str
    endpoint: str
    micro_usd: int
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What Redis counts, as `common.lua` names it."""

    is_open: bool
    """Whether anything can be reserved: false after Redis has lost what it knew."""
    now: datetime
    """By Redis' clock."""
    opens_at: datetime | None
    """When it can open again, where the loss was noticed."""
    fields: dict[str, str]


class Ledger(Protocol):
    """What ClickHouse knows: it outlives Redis. Every call blocks and raises `StoreUnavailable` while it is away."""

    def spent_since(self, endpoint: str | None, moment: datetime) -> tuple[int, int]:
        """Give calls and millionths of a US dollar, paid or presumed so; None = of all endpoints."""
        ...

    def opened_before(self) -> bool:
        """Tell whether any budget was ever opened on this ledger: if not, no call was ever paid."""
        ...

    def note_opening(self, epoch: str, at: datetime) -> None:
        """Write down that a budget is about to open; may be repeated."""
        ...

    def note_lost(self, lost: Sequence[Lost]) -> None:
        """Write down calls that are presumed paid; may be repeated, and counts once a call."""
        ...

    def overrides(self) -> Overrides:
        """Give the caps set at run time."""
        ...


def micro(dollars: float) -> int:
    """Turn a cap in US dollars into whole millionths, rounded down: a part of one cannot be spent."""
    return int(Fraction(str(min(dollars, MOST_DOLLARS))) * MICRO)


def limits(budget: Budget) -> dict[CapName, int]:
    """Give the caps that are set, in millionths of a US dollar or in calls."""
    set_ones = ((name, getattr(budget, name)) for name in CAP_NAMES)
    return {name: micro(cap) if name.startswith("usd") else cap for name, cap in set_ones if cap is not None}


def settings_caps(budget: Budget, budgets: Mapping[str, Budget]) -> dict[str, int]:
    """Give the caps of settings as the scripts take them, by `SCOPE|CAP`."""
    scopes = {ALL: budget, **budgets}
    return {f"{scope}|{name}": cap for scope, one in scopes.items() for name, cap in limits(one).items()}
