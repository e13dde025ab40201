"""The fake of the hint queue: in memory, and away when it is told to be."""

from collections import deque
from dataclasses import dataclass

from monitor.errors import QueueUnavailable


@dataclass(frozen=True, kw_only=True, slots=True)
class Hint:
    """One hint as a worker gets it."""

    window: int
    sample_ids: tuple[str, ...]
    again: bool


class FakeHintQueue:
    """An `AnyHintQueue` without Redis. A call does not block."""

    def __init__(self) -> None:
        """Start empty and reachable."""
        self.away = False
        """While True every call raises QueueUnavailable, as when Redis is down."""
        self._waiting: deque[Hint] = deque()

    def send(self, window: int, sample_ids: list[str], *, again: bool = False) -> None:
        """Put one hint in the queue."""
        self._answer()
        self._waiting.append(Hint(window=window, sample_ids=tuple(sample_ids), again=again))

    def depth(self) -> int:
        """Give the number of hints that wait."""
        self._answer()
        return len(self._waiting)

    def close(self) -> None:
        """Do nothing: there are no connections."""

    def take(self) -> Hint | None:
        """Take the hint that has waited longest, as a worker does; None when there is none."""
        return self._waiting.popleft() if self._waiting else None

    def flush(self) -> None:
        """Lose all hints, as FLUSHALL does and a restart without persistence."""
        self._waiting.clear()

    def _answer(self) -> None:
        if self.away:
            raise QueueUnavailable("the fake queue is away")
