"""The lag for a page: asked of Kafka now and then, and never for long."""

import socket
import threading
from collections.abc import Callable

from monitor.clock import Clock
from monitor.errors import BrokerUnavailable
from monitor.review.data import Lag

FRESH_S = 10.0
"""Asking means connecting; a page that is reloaded does not do so each time."""
UNKNOWN_S = 30.0
"""Asking in vain takes longest: so it is done less often."""
KNOCK_S = 1.0


class LagReader:
    """Keeps the last answer; while one thread asks, the others get that."""

    def __init__(self, ask: Callable[[], int], clock: Clock) -> None:
        """Take `ask`, which gives the lag or raises BrokerUnavailable."""
        self._ask = ask
        self._clock = clock
        self._known: tuple[float, Lag] | None = None
        self._asking = threading.Lock()

    def __call__(self) -> Lag:
        """Give the lag; blocks as long as `ask` does, in one thread at a time."""
        if self._known:
            at, lag = self._known
            if self._clock.monotonic() - at < (UNKNOWN_S if lag.behind is None else FRESH_S):
                return lag
        if not self._asking.acquire(blocking=False):
            return self._known[1] if self._known else Lag(behind=None, note="Kafka is being asked")
        try:
            try:
                lag = Lag(behind=self._ask())
            except BrokerUnavailable as error:
                lag = Lag(behind=None, note=str(error))
            self._known = (self._clock.monotonic(), lag)
            return lag
        finally:
            self._asking.release()


def knock(bootstrap_servers: str) -> None:
    """Return if one of the brokers takes a connection: the Kafka client itself waits ten seconds to say no.

    Raises:
        BrokerUnavailable: none does within `KNOCK_S` seconds each.
    """
    for server in bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()
        except (OSError, ValueError):
            continue
        return
    raise BrokerUnavailable(f"Kafka does not answer at {bootstrap_servers}")
