"""Measures one consuming loop, from its first delivery to its last."""

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What one loop did."""

    messages: int
    """Delivered after the first delivery: the ones that `seconds` covers."""
    delivered: int
    seconds: float
    """From the first delivery to the last; joining the group is over by then."""
    cpu_seconds: float
    """Of this process, over the same span."""
    memory_mb: dict[str, float]
    """Resident memory in MiB, by the number of messages after which it was read."""
    peak_mb: float

    @property
    def per_second(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def cpu_us(self) -> float:
        """Microseconds of processor time a message, all threads."""
        return self.cpu_seconds / self.messages * 1e6


class Meter:
    """Told of each delivery by the loop; pure bookkeeping, a few microseconds a batch."""

    def __init__(self, target: int, *, memory_at: Sequence[int] = ()) -> None:
        self._target = target
        self._marks = sorted(memory_at)
        self._process = psutil.Process()
        self._first: tuple[float, float] | None = None
        self._last = (0.0, 0.0)
        self._before = 0
        self._delivered = 0
        self._memory: dict[str, float] = {}

    @property
    def delivered(self) -> int:
        """Messages so far."""
        return self._delivered

    @property
    def full(self) -> bool:
        """Whether the target was reached."""
        return self._delivered >= self._target

    def note(self, count: int) -> None:
        """Count a delivery; the loop has finished with all those before it."""
        if not count:
            return
        self._last = (time.perf_counter(), time.process_time())
        if self._first is None:
            self._first, self._before = self._last, count
        self._delivered += count
        while self._marks and self._delivered >= self._marks[0]:
            self._memory[str(self._marks.pop(0))] = round(self._process.memory_info().rss / MIB, 1)

    def reading(self) -> Reading:
        """Give what was measured.

        Raises:
            ValueError: there were no two deliveries to measure between.
        """
        if self._first is None or self._last[0] <= self._first[0]:
            raise ValueError("nothing was delivered after the first batch")
        unit = 1 if sys.platform == "darwin" else 1024
        return Reading(
            messages=self._delivered - self._before,
            delivered=self._delivered,
            seconds=self._last[0] - self._first[0],
            cpu_seconds=self._last[1] - self._first[1],
            memory_mb=self._memory,
            peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB, 1),
        )
