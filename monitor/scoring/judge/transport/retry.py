"""Trying again: when, how often, and how long to wait before."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from monitor.scoring.judge.call import JudgeUnavailable, Reply
from monitor.scoring.judge.settings import JudgeEndpoint

logger = logging.getLogger(__name__)


class TryAgain(Exception):  # noqa: N818 - not an error of ours: caught in this package
    """No answer was begun, and the same request may get one later."""

    def __init__(self, what: str, *, status: int = 0, wait_s: float | None = None, may_cost: bool = False) -> None:
        """Say what happened, for people; the HTTP status, where there is one; how long the endpoint asks to wait.

        `may_cost`: the request went out and nobody knows what became of it.
        """
        super().__init__(what)
        self.what, self.status, self.wait_s, self.may_cost = what, status, wait_s, may_cost


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long one call is tried.

    Waits are exponential with full jitter (Brooker, "Exponential Backoff And Jitter", 2015): uniform between nothing
    and `first_s * 2**n`, at most `longest_s`; on top of what the endpoint asks for, where it does.
    """

    tries: int
    deadline_s: float
    """No try begins later than this after the first."""
    first_s: float = 0.5
    longest_s: float = 30.0
    """An endpoint that asks for a longer wait is not waited for inside the call."""

    @classmethod
    def of(cls, endpoint: JudgeEndpoint) -> "Patience":
        """As the endpoint is set: a call ends within `timeout_s * (tries + 1)` of its first try."""
        return cls(tries=endpoint.tries, deadline_s=endpoint.timeout_s * endpoint.tries)

    def wait_s(self, number: int, asked_s: float | None) -> float:
        """Seconds to wait after try `number` (from 1)."""
        if asked_s is not None:
            # Those that were told the same time do not come back in the same instant.
            return asked_s + random.uniform(0, self.first_s)  # noqa: S311 - no secret
        return random.uniform(0, min(self.longest_s, self.first_s * 2 ** (number - 1)))  # noqa: S311 - no secret

    async def run(self, name: str, once: Callable[[], Awaitable[Reply]]) -> Reply:
        """Try until there is a reply.

        Raises:
            JudgeUnavailable: all tries ended in TryAgain.
            Exception: whatever else `once` raises, at once.
        """
        now = asyncio.get_running_loop().time
        number, may_cost, last = 0, False, now() + self.deadline_s
        while True:
            number += 1
            try:
                return await once()
            except JudgeUnavailable as error:
                # Turned away at once; what went before it may still be billed.
                raise JudgeUnavailable(str(error), may_cost=may_cost) from None
            except TryAgain as error:
                failed = error
            may_cost = may_cost or failed.may_cost
            wait = self.wait_s(number, failed.wait_s)
            if number >= self.tries or self.too_long(failed) or now() + wait >= last:
                said = f"judge {name}: {failed.what} ({number} of {self.tries} tries); the work stays due"
                raise JudgeUnavailable(said, may_cost=may_cost)
            logger.info("judge %s: %s; tried again in %.1f s", name, failed, wait)
            await asyncio.sleep(wait)

    def too_long(self, error: TryAgain) -> bool:
        """Whether the endpoint asks for a longer wait than a call may make."""
        return error.wait_s is not None and error.wait_s > self.longest_s


def asked_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read the seconds that the endpoint asks to wait: `retry-after-ms`, or Retry-After in seconds or as a date.

    RFC 9110, 10.2.3. None where it does not say, or says it in no known way; never negative.
    """
    exact = _number(headers.get("retry-after-ms"))
    if exact is not None:
        return exact / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return seconds
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < float("inf") else None
