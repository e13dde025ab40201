"""A circuit breaker: an endpoint that keeps failing is left alone for a while, then tried with one call."""

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from monitor.clock import Clock
from monitor.scoring.judge.call import JudgeUnavailable

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Passage:
    """One try that was let through; say how it went, or nothing where that says nothing of the endpoint."""

    _epoch: int
    _probe: bool
    _went: bool | None = None

    def fine(self) -> None:
        """Say that the endpoint works."""
        self._went = True

    def failed(self) -> None:
        """Say that the endpoint does not work."""
        self._went = False


class Breaker:
    """Closed, open or half-open, for one endpoint in one process. Never waits; one event loop only.

    It opens after `failures` in a row, or when `share` of the last `window` tries failed, for `pause_s`; then one try
    is let through, and its end closes the circuit or opens it again. What was begun before the state changed counts
    no more.
    """

    def __init__(
        self,
        *,
        name: str,
        clock: Clock,
        failures: int = 5,
        window: int = 20,
        share: float = 0.5,
        pause_s: float = 30.0,
    ) -> None:
        self._name, self._clock = name, clock
        self._failures, self._share, self._pause_s = failures, share, pause_s
        self._recent: deque[bool] = deque(maxlen=window)
        self._in_a_row = 0
        self._until: float | None = None
        self._probing = False
        self._epoch = 0

    @contextmanager
    def passage(self) -> Iterator[Passage]:
        """Let one try through.

        Raises:
            JudgeUnavailable: the circuit is open, or half-open with its one try under way.
        """
        self._refuse_while_open()
        passage = Passage(_epoch=self._epoch, _probe=self._until is not None)
        self._probing = passage._probe  # noqa: SLF001 - the class beside it
        try:
            yield passage
        finally:
            self._note(passage._epoch, passage._went)  # noqa: SLF001 - as above

    def rest(self, seconds: float) -> None:
        """Open for so long, because the endpoint asked for it."""
        self._open(seconds)

    def _refuse_while_open(self) -> None:
        if self._until is None:
            return
        left = self._until - self._clock.monotonic()
        if left > 0:
            raise JudgeUnavailable(f"judge {self._name}: its endpoint failed and is left alone for {left:.0f} s more")
        if self._probing:
            raise JudgeUnavailable(f"judge {self._name}: its endpoint failed and is being tried with another call")

    def _note(self, epoch: int, went: bool | None) -> None:
        if epoch != self._epoch:
            return
        if self._until is not None:
            self._probing = False
            if went is True:
                self._close()
            elif went is False:
                self._open(self._pause_s)
        elif went is not None:
            self._recent.append(went)
            self._in_a_row = 0 if went else self._in_a_row + 1
            full = len(self._recent) == self._recent.maxlen
            if self._in_a_row >= self._failures or (
                full and self._recent.count(False) >= self._share * len(self._recent)
            ):
                self._open(self._pause_s)

    def _open(self, seconds: float) -> None:
        logger.warning("judge %s: its endpoint is left alone for %.0f s", self._name, seconds)
        self._until = self._clock.monotonic() + seconds
        self._change()

    def _close(self) -> None:
        logger.info("judge %s: its endpoint works again", self._name)
        self._until = None
        self._change()

    def _change(self) -> None:
        self._epoch += 1
        self._probing = False
        self._in_a_row = 0
        self._recent.clear()
