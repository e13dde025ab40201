"""What befell the pipeline, as rows: noted at once, written as soon as ClickHouse takes them."""

import logging
from collections import deque
from enum import StrEnum
from typing import Literal
from uuid import UUID, uuid4

from monitor.clock import Clock, SystemClock
from monitor.errors import StoreRejected, StoreUnavailable
from monitor.metrics import EVENTS
from monitor.store.client import Store
from monitor.store.rows import EventRow, milliseconds, to_columns

log = logging.getLogger("events")

Severity = Literal["info", "warning", "critical"]
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.CRITICAL}
KEPT = 1000
"""Events held while ClickHouse is away; the oldest go first, and their number is told."""
NO_TOPIC = UUID(int=0)


class EventKind(StrEnum):
    """Every kind of event; `docs/runbooks/` has a page for each that asks for a person."""

    RETENTION_LOSS = "retention_loss"
    """Kafka dropped records before they were read."""
    TOPIC_RECREATED = "topic_recreated"
    """The topic is another incarnation; it is read from its beginning."""
    PARTITIONS_LOST = "partitions_lost"
    """A batch was given up because another member may have its partitions."""
    COMMIT_REFUSED = "commit_refused"
    """Kafka refused a commit after a rebalance; the new owner reads those records again."""
    STORE_AWAY = "store_away"
    """ClickHouse did not take a batch for a while; ingest waited."""
    STORE_REFUSED = "store_refused"
    """ClickHouse refused a dead letter or a ledger row; ingest stands still until a person acts."""
    SAMPLE_REFUSED = "sample_refused"
    """ClickHouse refused samples for what they are; they became dead letters."""
    CRASH_LOOP = "crash_loop"
    """A record that killed the process again and again became a dead letter."""
    BACK_PRESSURE = "back_pressure"
    """Ingest waits because too much work is due, or goes on again."""
    DRAINED = "drained"
    """A worker stopped cleanly."""
    FOUND_DUE = "found_due"
    """Due work whose hint was lost was hinted at again."""
    EXPIRED = "expired"
    """Verdicts that were due for too long were closed as expired."""
    SCORING_DEATH = "scoring_death"
    """A sample that killed its worker again and again was closed as error."""
    GAP_FOUND = "gap_found"
    """Committed offsets have no outcome, or offsets have two."""
    BUDGET_SPENT = "budget_spent"
    """A cap of the judges' budget is reached; what is due waits, in its order."""
    JUDGE_AWAY = "judge_away"
    """A judge's endpoint does not answer; what is due waits."""
    JUDGE_REFUSED = "judge_refused"
    """A judge's endpoint refuses the key, the model or the address; what is due waits for a person."""
    JUDGE_LOST = "judge_lost"
    """Calls went out whose workers died before the answer was written; the budget charges them in full."""
    INJECTION = "injection"
    """An attack that we planted ourselves turned a judge's label: one in the traffic could too."""
    GAP_MENDED = "gap_mended"
    """Offsets without an outcome were read again from Kafka and recorded."""


class Journal:
    """Notes events for one process: a log line and a metric at once, a row when ClickHouse takes it."""

    def __init__(self, process: str, clock: Clock | None = None) -> None:
        """Name the process that the events are of."""
        self._process = process
        self._clock = clock or SystemClock()
        self._waiting: deque[EventRow] = deque(maxlen=KEPT)
        self._forgotten = 0

    def note(
        self,
        kind: EventKind,
        severity: Severity,
        detail: str,
        *,
        topic: str = "",
        topic_id: UUID = NO_TOPIC,
        partition: int = -1,
        first_offset: int = 0,
        last_offset: int = 0,
        n: int = 0,
    ) -> None:
        """Log, count and remember an event; never blocks and never raises. `detail` holds no conversation text."""
        fields = {"partition": partition, "first_offset": first_offset, "last_offset": last_offset, "n": n}
        log.log(_LEVELS[severity], "%s: %s", kind.value, detail, extra=fields)
        EVENTS.labels(kind=kind.value, severity=severity).inc()
        self._forgotten += len(self._waiting) == KEPT
        self._waiting.append(
            EventRow(
                event_id=uuid4(),
                at=milliseconds(self._clock.now()),
                kind=kind.value,
                severity=severity,
                process=self._process,
                topic=topic,
                topic_id=topic_id,
                detail=detail,
                **fields,
            )
        )

    def flush(self, store: Store) -> bool:
        """Write what was noted; True when nothing is left. What ClickHouse does not take now is tried again later."""
        if not self._waiting:
            return True
        rows = list(self._waiting)
        try:
            store.insert("events", to_columns(rows))
        except (StoreUnavailable, StoreRejected) as error:
            log.warning("events not written yet", extra={"waiting": len(rows), "why": str(error)})
            return False
        self._waiting.clear()
        if self._forgotten:
            log.error("events were forgotten while ClickHouse was away", extra={"n": self._forgotten})
            self._forgotten = 0
        return True
