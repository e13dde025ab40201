"""Hints to the Celery queue that there is work; they may be lost at any time (DESIGN §5, I5)."""

import logging
import time
from collections.abc import Sequence

from kombu.exceptions import OperationalError
from redis import RedisError

from monitor.config import Settings
from monitor.intake.batch import Sampled
from workers.celery_app import SCORE, chunks, make_app

log = logging.getLogger("hints")

SILENCE_S = 5.0
"""After a failure no hint is tried for so long: ingest must not wait for Redis."""


class Hints:
    """Sends hints and shrugs when it cannot: `reconcile` finds the work in ClickHouse."""

    def __init__(self, settings: Settings) -> None:
        """Connect lazily."""
        self._app = make_app(settings)
        # A worker waits for Redis for as long as it takes; ingest does not wait at all.
        self._app.conf.broker_transport_options |= {"max_retries": 0, "socket_timeout": 2.0}
        self._chunk = settings.scoring.chunk_size
        self._silent_until = 0.0

    def warm(self) -> None:
        """Connect once, so that the first batch does not wait for imports and the connection."""
        try:
            with self._app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, timeout=2)
        except (OperationalError, RedisError, OSError) as error:
            log.warning("no queue yet; reconcile will find the work", extra={"why": type(error).__name__})

    def send(self, sampled: Sequence[Sampled]) -> None:
        """Hint that these samples are due; blocks for the connect timeout at most."""
        if not sampled or time.monotonic() < self._silent_until:
            return
        try:
            for window, ids in chunks(((s.window, str(s.position.sample_id)) for s in sampled), self._chunk):
                self._app.send_task(SCORE, args=(window, ids), retry=False)
        except (OperationalError, RedisError, OSError) as error:
            self._silent_until = time.monotonic() + SILENCE_S
            log.warning("no hint sent; reconcile will find the work", extra={"why": type(error).__name__})

    def close(self) -> None:
        """Give the connections back."""
        self._app.close()
