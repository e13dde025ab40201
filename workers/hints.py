"""Hints from ingest to the queue: sent by a thread of their own, so that no state of Redis can hold up ingest (I5)."""

import logging
import queue
import threading
from collections.abc import Sequence

from monitor.config import Settings
from monitor.errors import QueueUnavailable
from monitor.intake.batch import Position, Sampled
from monitor.metrics import HINTS
from workers.celery_app import chunks
from workers.hint_queue import AnyHintQueue, HintQueue

log = logging.getLogger("hints")

MAX_WAITING = 100_000
"""Samples whose hints may wait here (about 15 MB); more are dropped, and `reconcile` finds them in ClickHouse."""
PAUSE_S = 5.0
"""After a failure so long nothing is tried."""
CLOSE_S = 2.0
"""Ending waits at most so long for what is queued."""

Batch = list[tuple[int, Position]]


class Hints:
    """Tells the queue of new work and shrugs when it cannot: a lost hint costs time, never work."""

    def __init__(self, settings: Settings, queue_: AnyHintQueue | None = None) -> None:
        """Connect to nothing yet; `queue_` stands in for the real queue."""
        self._queue = queue_ or HintQueue(settings)
        self._chunk = settings.scoring.chunk_size
        self._batches: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = 0
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def warm(self) -> None:
        """Begin to connect; returns at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hints", daemon=True)
            self._thread.start()

    def send(self, sampled: Sequence[Sampled]) -> None:
        """Hint that these samples are due; never blocks and never raises, whatever the queue does."""
        if not sampled:
            return
        self.warm()
        with self._lock:
            room = self._waiting + len(sampled) <= MAX_WAITING
            self._waiting += len(sampled) if room else 0
        if room:
            # Positions only: a queue that hangs must not keep the messages themselves in memory.
            self._batches.put([(one.window, one.position) for one in sampled])
        else:
            HINTS.labels(result="dropped").inc(-(-len(sampled) // self._chunk))

    def close(self) -> None:
        """Send what is queued, for `CLOSE_S` seconds at most, and give the connections back."""
        self._closing.set()
        if self._thread is None:
            return
        self._batches.put(None)
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            log.warning("gave up hints that the queue did not take; reconcile will find the work")
        else:
            self._queue.close()

    def _run(self) -> None:
        self._meet()
        while (batch := self._batches.get()) is not None:
            for window, ids in chunks(((w, str(position.sample_id)) for w, position in batch), self._chunk):
                self._send(window, ids)
            with self._lock:
                self._waiting -= len(batch)

    def _meet(self) -> None:
        """Have imports and the first connection behind us when the first batch comes."""
        try:
            self._queue.depth()
        except QueueUnavailable as error:
            log.warning("no queue yet; reconcile will find the work", extra={"why": str(error)})

    def _send(self, window: int, ids: list[str]) -> None:
        try:
            self._queue.send(window, ids)
        except QueueUnavailable as error:
            HINTS.labels(result="failed").inc()
            log.warning("no hint sent; reconcile will find the work", extra={"why": str(error)})
            self._closing.wait(PAUSE_S)
        else:
            HINTS.labels(result="sent").inc()
