"""The clock as a seam: decisions take a `Clock`, so that tests say what time it is."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for what people read, monotonic time for waits."""

    def now(self) -> datetime:
        """Give the current time, in UTC."""
        ...

    def monotonic(self) -> float:
        """Give seconds that never go backwards."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Give the current time, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give seconds since an arbitrary start."""
        return time.monotonic()


class FixedClock:
    """A clock that stands still until it is told to move; the fake of the seam."""

    def __init__(self, start: datetime) -> None:
        """Start at `start`, which must know its time zone."""
        self._now = start.astimezone(UTC)
        self._seconds = 0.0

    def now(self) -> datetime:
        """Give the time that was set."""
        return self._now

    def monotonic(self) -> float:
        """Give the seconds that were advanced."""
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Move both clocks on."""
        self._now = datetime.fromtimestamp(self._now.timestamp() + seconds, UTC)
        self._seconds += seconds
