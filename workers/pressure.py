"""Back-pressure: ingest waits while too much work is due, so that Kafka holds what nobody could score in time."""

from functools import cached_property

from monitor.clock import Clock
from monitor.errors import StoreUnavailable
from monitor.metrics import DUE
from monitor.store.client import Store

LOOK_EVERY_S = 30.0
RECENT_S = 24 * 3600
RELEASE = 0.8
"""Ingest goes on when the depth is below this share of the limit, not at the limit: no flapping."""


class Pressure:
    """Watches the due depth, at most every `LOOK_EVERY_S` seconds."""

    def __init__(self, *, limit: int, scorers: tuple[str, ...], clock: Clock, every_s: float = LOOK_EVERY_S) -> None:
        """Take the limit in verdicts (0 = none) and the names of the enabled scorers (none = all)."""
        self._limit, self._names = limit, scorers
        self._clock, self._every_s = clock, every_s
        self._next_look = clock.monotonic()
        self.high = False
        self.due = 0

    @cached_property
    def _ids(self) -> list[str]:
        from monitor.scoring.registry import enabled_scorers  # noqa: PLC0415 - only who has a limit loads the scorers

        return [one.identity.id for one in enabled_scorers(self._names)]

    def look(self, store: Store) -> bool:
        """Say whether to wait; keeps its last answer while ClickHouse is away."""
        if not self._limit or self._clock.monotonic() < self._next_look:
            return self.high
        self._next_look = self._clock.monotonic() + self._every_s
        try:
            self.due = store.query("due_depth", recent_s=RECENT_S, scorers=self._ids)[0]["due"]
        except StoreUnavailable:
            return self.high
        DUE.set(self.due)
        self.high = self.due > self._limit * (RELEASE if self.high else 1.0)
        return self.high
