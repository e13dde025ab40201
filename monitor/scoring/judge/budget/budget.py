"""The budget that all workers share: room for a call is reserved before it, settled after it, never promised twice.

A call goes: `reserve`, `sent`, the request, the row of `judge_calls` (with the reservation's id as its `call_id`),
`settle`. A worker may die between any two of these. `release` instead of `sent` where the call is not made after all.

What has been reserved counts against every cap until it is settled, so what was really paid is at no moment more than
a cap allows. A lease that ends gives back what was not sent, and charges what was at the most it can have cost.

Redis may lose everything. Then nothing is reserved until the ledger in ClickHouse was read, one lease later: by then
every call that was under way is in the ledger or dead. Only the very first opening on a ledger does not wait. A call
can be missed only when its worker died, without its row, within the lease before Redis lost its memory.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self, cast
from uuid import uuid4

from pydantic import SecretStr

from monitor.clock import Clock
from monitor.errors import QueueUnavailable
from monitor.scoring.judge.budget.model import (
    ALL,
    MOST_MICRO_USD,
    PERIODS,
    CapName,
    Ledger,
    Look,
    Lost,
    Overrides,
    Reservation,
    Settled,
    Spent,
    settings_caps,
)
from monitor.scoring.judge.budget.scripts import Scripts
from monitor.scoring.judge.settings import Budget, JudgingSettings

MOST_WAIT_S = 60.0
"""The longest that a client may wait between two tries, whatever `Retry-After` says."""
LEAST_CALL_S = 240.0
"""A call may wait for others that are under way to the same endpoint, also where one try is short."""
SPARE_S = 60.0
"""Beside all tries, for writing the row and settling."""
RECLAIM = 20
"""Leases that one step ends at most: nobody waits long for what others left behind."""
SWEEP = 1_000
MOST_ROUNDS = 200
LOCK_S = 30.0
"""How long one worker has for reading the ledger."""


def lease_s(judging: JudgingSettings) -> float:
    """Give the seconds that no call takes longer than, from `sent` to `settle`, with all its tries."""
    calls = (one.tries * (one.timeout_s + MOST_WAIT_S) for one in judging.endpoints)
    return max((LEAST_CALL_S, *calls)) + SPARE_S


class SharedBudget:
    """One worker's way to the budget. Every call blocks; may be shared between threads if its ledger may."""

    def __init__(
        self,
        scripts: Scripts,
        ledger: Ledger,
        *,
        budget: Budget,
        budgets: Mapping[str, Budget],
        lease_s: float,
        clock: Clock | None = None,
    ) -> None:
        """Take `budgets` by endpoint: all endpoints must be in it. `clock` is for tests: else Redis' time counts."""
        self._scripts, self._ledger, self._clock = scripts, ledger, clock
        self._scopes = (ALL, *budgets)
        self._caps = settings_caps(budget, budgets)
        self._lease_ms = round(lease_s * 1000)

    @classmethod
    def connect(
        cls, url: SecretStr, judging: JudgingSettings, ledger: Ledger, *, name: str, clock: Clock | None = None
    ) -> Self:
        """Make one from settings; `name` tells installations apart that share a Redis (the ClickHouse database)."""
        budgets = {one.name: judging.budgets.get(one.name, Budget()) for one in judging.endpoints}
        scripts = Scripts(url.get_secret_value(), root_of(name))
        return cls(scripts, ledger, budget=judging.budget, budgets=budgets, lease_s=lease_s(judging), clock=clock)

    def reserve(self, endpoint: str, most_micro_usd: int) -> Reservation | Spent:
        """Reserve room for one call of at most so much.

        Raises:
            QueueUnavailable: Redis is away, or has lost its memory and it is not yet time to open anew.
            StoreUnavailable: memory was lost and ClickHouse, which knows what was spent, is away.
            ValueError: no such endpoint in settings, or an amount that cannot be.
        """
        if endpoint not in self._scopes or endpoint == ALL:
            raise ValueError(f"no judge endpoint is named {endpoint!r}")
        key = str(uuid4())
        asked = {"most": _amount(most_micro_usd), "caps": self._caps, "reclaim": RECLAIM, **self._lease()}
        for _ in range(MOST_ROUNDS):
            word, *rest = self._run("reserve", id=key, scope=endpoint, **asked)
            if word == "closed":
                self._open()
            elif word == "reserved":
                return Reservation(id=key, endpoint=endpoint, most_micro_usd=most_micro_usd, epoch=rest[0])
            else:
                scope, cap, limit, resets, more = rest
                if not more:
                    resets_at = None if int(resets) < 0 else _moment(int(resets))
                    return Spent(scope=scope, cap=cast("CapName", cap), limit=int(limit), resets_at=resets_at)
        raise QueueUnavailable("the judges' budget does not come to rest in Redis: it is tried again")

    def sent(self, reservation: Reservation) -> bool:
        """Mark that the request goes out now; False = the reservation is gone and the request must not go out.

        Raises:
            QueueUnavailable: Redis is away: the request must not go out either.
        """
        return bool(self._run("sent", **_about(reservation), **self._lease()))

    def settle(self, reservation: Reservation, actual_micro_usd: int) -> Settled:
        """Charge what the call cost, also where that is more than was reserved; a second time does nothing.

        The call's row must be in the ledger before. If Redis is away the call stays charged at what was reserved.

        Raises:
            QueueUnavailable: Redis is away; may be tried again.
        """
        actual = _amount(actual_micro_usd)
        answer = self._run("settle", **_about(reservation), epoch=reservation.epoch, actual=actual)
        return cast("Settled", answer)

    def release(self, reservation: Reservation) -> bool:
        """Give room back for a call that never went out; False = it was settled, released or reclaimed before.

        Raises:
            QueueUnavailable: Redis is away; the lease will end by itself.
        """
        return bool(self._run("release", **_about(reservation)))

    def sweep(self) -> list[Lost]:
        """End leases that have run out, write lost calls into the ledger and give them, and put new caps in force.

        To be called every minute or so by one process; harmless when several do.

        Raises:
            QueueUnavailable, StoreUnavailable: what is left is done by the next one.
        """
        self.apply_overrides()
        fields = self.look().fields
        lost = [_lost(name, text) for name, text in fields.items() if name.startswith("lost|")]
        if lost:
            self._ledger.note_lost(lost)
            self._scripts.forget([f"lost|{one.id}" for one in lost])
        return lost

    def apply_overrides(self) -> None:
        """Put the caps in force that were set at run time; of two the newer ones stay.

        Raises:
            QueueUnavailable, StoreUnavailable: workers go on with what they had.
        """
        found = self._ledger.overrides()
        self._run("caps", version=found.version, caps=_caps(found))

    def look(self) -> Look:
        """Give what is counted now, after ending leases that have run out.

        Raises:
            QueueUnavailable: Redis is away.
        """
        is_open, now, _, noticed, *fields = self._run("state", reclaim=SWEEP)
        return Look(
            is_open=bool(is_open),
            now=_moment(int(now)),
            opens_at=_moment(int(noticed) + self._lease_ms) if int(noticed) and not is_open else None,
            fields=dict(zip(fields[::2], fields[1::2], strict=True)),
        )

    def close(self) -> None:
        """Close connections."""
        self._scripts.close()

    def _open(self) -> None:
        """Open with what the ledger knows, if it is time and nobody else is about to.

        Raises:
            QueueUnavailable: it is not.
        """
        token = str(uuid4())
        word, at, noticed = self._run("begin", token=token, lock_ms=round(LOCK_S * 1000))
        if word == "open":
            return
        if word == "taken":
            raise QueueUnavailable("another worker is just reading what the judges have spent: nothing is reserved yet")
        now = _moment(int(at))
        try:
            found = self._known(now, _moment(int(noticed) + self._lease_ms))
            self._ledger.note_opening(token, now)
        except Exception:
            self._scripts.unlock()
            raise
        if not self._run("open", token=token, read_at=int(at), **found):
            raise QueueUnavailable("reading what the judges have spent took too long: it is tried again")

    def _known(self, now: datetime, opens: datetime) -> dict[str, Any]:
        # The first time that there is a budget no call can be under way.
        if now < opens and self._ledger.opened_before():
            raise QueueUnavailable(
                "Redis has lost what the judges' budget had counted, and no paid call is made until it is counted anew "
                f"from ClickHouse: at {opens:%H:%M:%S} UTC, when no call can be under way any more"
            )
        found = self._ledger.overrides()
        return {"spent": self._spent(now), "version": found.version, "caps": _caps(found)}

    def _spent(self, now: datetime) -> list[tuple[str, str, int, int]]:
        found = []
        for scope in self._scopes:
            for period in PERIODS:
                # A call can have been noted when it was begun and paid one lease later.
                since = period_start(period, now) - timedelta(milliseconds=self._lease_ms)
                calls, micro_usd = self._ledger.spent_since(None if scope == ALL else scope, since)
                found.append((scope, period, max(0, micro_usd), max(0, calls)))
        return found

    def _lease(self) -> dict[str, int]:
        return {"lease_ms": self._lease_ms}

    def _run(self, step: str, **arguments: Any) -> Any:
        if self._clock is not None:
            arguments["now"] = round(self._clock.now().timestamp() * 1000)
        return self._scripts.run(step, arguments)


def root_of(name: str) -> str:
    """Give the key that everything lies under; in braces, so that a cluster keeps it in one place."""
    return f"{{alignment-monitor:budget:{name}}}"


def period_start(period: str, now: datetime) -> datetime:
    """Give the start of the hour, day or month, in UTC."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour if period == "hour" else hour.replace(hour=0, day=hour.day if period == "day" else 1)


def _about(reservation: Reservation) -> dict[str, Any]:
    return {"id": reservation.id, "scope": reservation.endpoint, "most": reservation.most_micro_usd}


def _amount(micro_usd: int) -> int:
    if not 0 <= micro_usd <= MOST_MICRO_USD:
        raise ValueError(f"an amount must lie in [0, {MOST_MICRO_USD}] millionths of a US dollar, got {micro_usd}")
    return micro_usd


def _caps(found: Overrides) -> dict[str, int]:
    return {f"{one.scope}|{one.cap}": -1 if one.value is None else one.value for one in found.caps}


def _lost(name: str, text: str) -> Lost:
    endpoint, micro_usd, at = text.split("|")
    return Lost(id=name.removeprefix("lost|"), endpoint=endpoint, micro_usd=int(micro_usd), at=_moment(int(at)))


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
