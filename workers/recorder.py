"""One portion of records, settled: sifted, recorded, committed, hinted at, in this order (DESIGN §5, I1)."""

import logging
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from kafka import KafkaConsumer, OffsetAndMetadata
from kafka.errors import CommitFailedError, KafkaError

from monitor import metrics
from monitor.clock import Clock
from monitor.config import Settings
from monitor.intake.batch import Batch, Sampled, Sifter, entomb
from monitor.intake.sampling import window_of
from monitor.store import policies
from monitor.store.attempts import DEATHS
from monitor.store.client import Store
from monitor.store.events import EventKind, Journal
from monitor.store.record import record
from workers.careful import Portion
from workers.health import Health

log = logging.getLogger("ingest")

POLICY_REFRESH_S = 60.0


class Hinting(Protocol):
    """What tells the queue of new work; it never blocks and never raises."""

    def send(self, sampled: Sequence[Sampled]) -> None:
        """Hint that these samples are due."""
        ...


class Recorder:
    """Makes portions durable; every call may block for ClickHouse's and Kafka's timeouts."""

    def __init__(self, settings: Settings, *, clock: Clock, journal: Journal, health: Health) -> None:
        """Take what does not change."""
        self._settings, self._clock, self._journal, self._health = settings, clock, journal, health
        self._policies_at = 0.0
        self._newest_ms = 0
        self._sifter: Sifter | None = None

    def open(self, store: Store, consumer: KafkaConsumer, hints: Hinting) -> None:
        """Take the connections."""
        self._store, self._consumer, self._hints = store, consumer, hints

    def settle(self, portion: Portion, topic_id: UUID) -> None:
        """Record one portion, then commit it, then hint at it.

        Raises:
            StoreUnavailable: nothing is committed; the same portion can be settled again.
            StoreRejected: a dead letter or a ledger row itself is refused; nothing is committed.
        """
        if portion.known:
            self._pass_over(portion, topic_id)
            return
        batch = self._judge(portion, topic_id)
        kept = record(self._store, batch)
        self._newest_ms = max(self._newest_ms, self._newest(portion))
        refused = len(batch.sampled) - len(kept.sampled)
        if refused:
            detail = "ClickHouse refused samples; they became dead letters"
            self._journal.note(EventKind.SAMPLE_REFUSED, "warning", detail, n=refused)
        if portion.hopeless:
            self._tell(portion, topic_id, kept.dead[0].detail)
        self._commit(portion, topic_id)
        self._hints.send(kept.sampled)
        self._count(kept)

    def refresh_policies(self, store: Store) -> Sifter:
        """Read the policies again: every worker must know a new one before its window begins."""
        self._sifter = Sifter(
            sampling_key=self._settings.sampling.key.get_secret_value().encode(),
            pseudonym_key=self._settings.privacy.pseudonym_key.get_secret_value().encode(),
            policies=policies.ensure(store, self._settings.sampling.strata),
            max_message_bytes=self._settings.kafka.max_message_bytes,
        )
        self._policies_at = self._clock.monotonic()
        return self._sifter

    def _judge(self, portion: Portion, topic_id: UUID) -> Batch:
        if portion.hopeless:
            ((tp, (one,)),) = portion.records.items()
            detail = f"the ingest worker died {DEATHS} times while it read this record"
            return entomb(tp.topic, topic_id, tp.partition, one, detail)
        sifter = self._sifter
        known = window_of(self._newest(portion)) <= window_of(self._newest_ms)
        if sifter is None or not known or self._clock.monotonic() - self._policies_at > POLICY_REFRESH_S:
            sifter = self.refresh_policies(self._store)
        return sifter.sift([(tp.topic, topic_id, tp.partition, records) for tp, records in portion.records.items()])

    def _newest(self, portion: Portion) -> int:
        """Give the latest plausible stamp, in milliseconds.

        A policy starts after all windows in the ledger. So the first record of a window, which may be one of a producer
        whose clock is ahead, is decided by policies that were read just now; the others find it in the ledger.
        """
        limit = int((self._clock.now().timestamp() + policies.AHEAD_SECONDS) * 1000)
        stamps = (one.timestamp for records in portion.records.values() for one in records)
        return max((stamp for stamp in stamps if stamp <= limit), default=0)

    def _pass_over(self, portion: Portion, topic_id: UUID) -> None:
        """Commit what killed its workers and has its outcome: somebody moved the offset back past it."""
        self._tell(portion, topic_id, "a record that killed the worker was read again and passed over")
        self._commit(portion, topic_id)

    def _tell(self, portion: Portion, topic_id: UUID, detail: str) -> None:
        ((tp, (one,)),) = portion.records.items()
        self._journal.note(
            EventKind.CRASH_LOOP,
            "warning" if portion.known else "critical",
            detail,
            topic=tp.topic,
            topic_id=topic_id,
            partition=tp.partition,
            first_offset=one.offset,
            last_offset=one.offset,
            n=1,
        )
        # Now: the next record may kill the process, and the event with it.
        self._journal.flush(self._store)

    def _commit(self, portion: Portion, topic_id: UUID) -> None:
        mine = self._consumer.assignment()
        offsets = {
            # Kafka takes a commit of an earlier topic of this name: the id tells it from ours.
            tp: OffsetAndMetadata(records[-1].offset + 1, str(topic_id), -1)
            for tp, records in portion.records.items()
            if tp in mine
        }
        if not offsets:
            return
        try:
            self._consumer.commit(offsets)
        except CommitFailedError:
            metrics.COMMITS_REFUSED.inc()
            detail = "commit refused after a rebalance; the new owner reads these records again"
            self._journal.note(EventKind.COMMIT_REFUSED, "warning", detail, n=sum(map(len, portion.records.values())))
        except KafkaError as error:
            # The next commit covers this one; until then a restart would only record the same again.
            log.warning("commit failed", extra={"why": type(error).__name__})

    def _count(self, batch: Batch) -> None:
        self._health.count(consumed=batch.consumed, sampled=len(batch.sampled), dead=len(batch.dead), batches=1)
        metrics.CONSUMED.inc(batch.consumed)
        metrics.SAMPLED.inc(len(batch.sampled))
        metrics.BATCHES.inc()
        for one in batch.dead:
            metrics.DEAD.labels(reason=one.reason).inc()
