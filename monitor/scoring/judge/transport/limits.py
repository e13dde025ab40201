"""How many calls an endpoint gets at once: at most what is set, fewer after it said that there are too many."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that one call holds, from its first try to its end."""

    epoch: int


class Slots:
    """Places in the order of asking; halved by a 429, one more after as many good calls as there are places.

    Additive increase, multiplicative decrease (Chiu and Jain 1989). For one event loop.
    """

    def __init__(self, most: int) -> None:
        self.limit = most
        """How many may be held now."""
        self._most, self._busy, self._good, self._epoch = most, 0, 0, 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Slot]:
        """Wait for a place and hold it."""
        await self._take()
        try:
            yield Slot(self._epoch)
        finally:
            self._busy -= 1
            self._grant()

    def too_many(self, slot: Slot) -> None:
        """Halve; once for all calls that were under way together, which are refused together."""
        if slot.epoch == self._epoch:
            self.limit = max(1, self.limit // 2)
            self._epoch, self._good = self._epoch + 1, 0

    def fine(self) -> None:
        """Note a call that was answered."""
        self._good += 1
        if self.limit < self._most and self._good >= self.limit:
            self.limit, self._good = self.limit + 1, 0
            self._grant()

    async def _take(self) -> None:
        if self._busy < self.limit and not self._waiting:
            self._busy += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                # Granted and cancelled in the same turn of the loop: the place goes to the next.
                self._busy -= 1
                self._grant()
            else:
                self._waiting.remove(place)
            raise

    def _grant(self) -> None:
        while self._waiting and self._busy < self.limit:
            place = self._waiting.popleft()
            if not place.done():
                self._busy += 1
                place.set_result(None)
