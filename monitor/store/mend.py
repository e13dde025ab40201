"""Reads again from Kafka what the ledger has no outcome for, and records it as ingest would have (DESIGN §5).

Every decision is a pure function of the record and the policy in force at its time (I2), and the ledger is a set
union: so this can be run twice, and beside a running ingest. What our group has not committed yet is left to ingest.
Nothing is committed and no hint is sent: `reconcile` finds the new samples by their time of ingest.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kafka import TopicPartition

from monitor.clock import Clock
from monitor.config import Settings
from monitor.errors import InputError
from monitor.intake.batch import Record, Sifter
from monitor.intake.broker_log import Fetched, Log
from monitor.intake.holes import Hole, HoleKind, cells_of, window_by
from monitor.intake.sampling import PolicyHistory, hasher, window_of
from monitor.names import PREFIX
from monitor.store import policies
from monitor.store.client import Store
from monitor.store.events import EventKind, Journal
from monitor.store.gaps import LogView, PartitionGaps, find_gaps, look
from monitor.store.ledger import OffsetRange, subtract
from monitor.store.record import record
from monitor.store.rows import milliseconds, to_columns

MAX_BATCH_BYTES = 32 * 1024 * 1024
JUMP = 10_000
"""A shorter way to the next wanted offset is read through: cheaper than a new fetch."""
SAMPLES_COMPARED = 50


@dataclass(kw_only=True)
class Mended:
    """What became of the gaps of one partition."""

    partition: int
    recorded: int = 0
    lost: int = 0
    absent: int = 0

    @property
    def closed(self) -> int:
        """Offsets that have an outcome now."""
        return self.recorded + self.lost + self.absent


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a run came to."""

    partitions: list[Mended]
    left: list[PartitionGaps]
    """Partitions of the current incarnation that still have gaps: Kafka did not give these offsets."""


def mend(
    store: Store,
    log: Log,
    settings: Settings,
    *,
    clock: Clock,
    journal: Journal,
    step: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Close the gaps of the topic's current incarnation, as far as Kafka still has the records.

    Durable batch by batch; `step` is told how many offsets have been closed.

    Raises:
        InputError: there is no such topic, ingest has never run here, or the sampling key is another one.
        BrokerUnavailable: Kafka does not answer; what was closed stays closed.
        StoreUnavailable: ClickHouse does not answer; likewise.
        StoreRejected: a dead letter or a ledger row is refused.
    """
    topic = settings.kafka.topic
    view = view_of(log, topic)
    done: dict[int, Mended] = {}
    closed = -1
    while True:
        found = [one for one in find_gaps(store, topic, view, former=False) if one.gaps]
        before, closed = closed, sum(one.closed for one in done.values())
        if not found or closed == before:
            return Outcome(partitions=[one for one in done.values() if one.closed], left=found)
        sifter = _sifter(store, settings)
        for one in found:
            work = _Partition(store, log, sifter, settings, view, one, clock=clock, step=step)
            try:
                work.run()
            finally:
                _note(journal, store, view, topic, work)
            _add(done.setdefault(one.partition, Mended(partition=one.partition)), work.mended)


def view_of(log: Log, topic: str) -> LogView:
    """Ask Kafka; to be done before the ledger is read.

    Raises:
        InputError: there is no such topic.
        BrokerUnavailable: Kafka does not answer.
    """
    view = look(log)
    if view is None:
        raise InputError(f"Kafka has no topic {topic!r}; check {PREFIX}KAFKA__TOPIC")
    return view


def _sifter(store: Store, settings: Settings) -> Sifter:
    """Make the sifter of the worker: its policies as they are recorded, never as this process's settings say."""
    history = policies.load(store)
    if not history:
        raise InputError("no sampling policy is recorded: start the ingest worker once, it writes the first one")
    key = settings.sampling.key.get_secret_value().encode()
    hash64 = hasher(key)
    rows = store.query("sample_hashes", topic=settings.kafka.topic, limit=SAMPLES_COMPARED)
    if rows and not any(hash64(row["conversation_id"].encode()) == row["hash"] for row in rows):
        raise InputError(
            f"{PREFIX}SAMPLING__KEY is not the key that the recorded samples were chosen with; "
            "run this with the environment of the ingest worker"
        )
    return Sifter(
        sampling_key=key,
        pseudonym_key=settings.privacy.pseudonym_key.get_secret_value().encode(),
        policies=PolicyHistory(history),
        max_message_bytes=settings.kafka.max_message_bytes,
    )


class _Partition:
    """The mending of one partition, in order of offset."""

    def __init__(
        self,
        store: Store,
        log: Log,
        sifter: Sifter,
        settings: Settings,
        view: LogView,
        gaps: PartitionGaps,
        *,
        clock: Clock,
        step: Callable[[int], None],
    ) -> None:
        self._store, self._log, self._sifter, self._clock, self._step = store, log, sifter, clock, step
        self._tp = TopicPartition(settings.kafka.topic, gaps.partition)
        self._topic_id = view.topic_id
        self._limit = settings.ingest.max_records
        self._log_start = view.partitions[gaps.partition].log_start
        self._wanted = [gap.range for gap in gaps.gaps if gap.readable]
        self._gone = [gap.range for gap in gaps.gaps if not gap.readable]
        # What lacks a window yet: the next record that is read will tell.
        self._waiting: list[tuple[HoleKind, OffsetRange]] = [("lost", one) for one in self._gone]
        self._holes: list[Hole] = []
        self._records: list[Record] = []
        self._bytes = 0
        self.mended = Mended(partition=gaps.partition)
        self.seen: list[OffsetRange] = [gap.range for gap in gaps.gaps]

    def run(self) -> None:
        """Read and record until nothing is wanted or Kafka gives nothing more."""
        position: int | None = self._log_start if self._waiting else self._wanted[0].first
        while position is not None:
            fetched = self._log.fetch(self._tp.partition, position)
            if fetched.next_offset <= position:
                # Not known to be absent: it stays a gap.
                break
            self._take(position, fetched)
            position = self._after(fetched.next_offset)
            if len(self._records) >= self._limit or self._bytes >= MAX_BATCH_BYTES:
                self._write()
        now = window_of(milliseconds(self._clock.now()))
        self._holes += [self._hole(kind, one, now) for kind, one in self._waiting]
        self._waiting = []
        self._write()

    def _take(self, position: int, fetched: Fetched) -> None:
        """Keep what is wanted of one answer, and what it says about offsets without a record."""
        answered = OffsetRange(position, fetched.next_offset - 1)
        wanted = [part for one in self._wanted if (part := _overlap(one, answered)) is not None]
        records = list(_inside(fetched.records, wanted))
        there = [OffsetRange(one.offset, one.offset) for one in records]
        absent = [hole for one in wanted for hole in subtract(one, there)]
        if absent:
            # Asked now: retention may have come by since the gap was found.
            start = self._log.log_start(self._tp.partition)
            self._waiting += [
                ("lost" if part.last < start else "absent", part) for hole in absent for part in hole.cut(start)
            ]
        self._file(fetched.records)
        self._records += records
        self._bytes += sum(len(one.value) for one in records if one.value is not None)

    def _file(self, records: Sequence[Record]) -> None:
        """Give each waiting hole the window of the first record after it."""
        offsets = [one.offset for one in records]
        waiting, self._waiting = self._waiting, []
        for kind, one in waiting:
            following = bisect_right(offsets, one.last)
            if following < len(offsets):
                self._holes.append(self._hole(kind, one, window_by(records[following])))
            else:
                self._waiting.append((kind, one))

    def _hole(self, kind: HoleKind, one: OffsetRange, window: int) -> Hole:
        return Hole(tp=self._tp, first=one.first, last=one.last, kind=kind, window=window)

    def _after(self, offset: int) -> int | None:
        """Say where to read on."""
        self._wanted = [one for one in self._wanted if one.last >= offset]
        if self._wanted:
            start = self._wanted[0].first
            return start if start > offset + JUMP else offset
        return offset if self._waiting else None

    def _write(self) -> None:
        """Make durable what was read, in the order of ingest: samples, dead letters, ledger."""
        batch = self._sifter.sift([(self._tp.topic, self._topic_id, self._tp.partition, self._records)])
        record(self._store, batch)
        self.mended.recorded += len(self._records)
        for cell in cells_of(self._holes, self._topic_id):
            self._store.insert("offset_ledger_in", to_columns([cell]))
        lost = sum(hole.size for hole in self._holes if hole.kind == "lost")
        absent = sum(hole.size for hole in self._holes if hole.kind == "absent")
        self.mended.lost += lost
        self.mended.absent += absent
        self._step(len(self._records) + lost + absent)
        self._records, self._holes, self._bytes = [], [], 0


def _inside(records: Iterable[Record], ranges: Sequence[OffsetRange]) -> Iterator[Record]:
    ends = [one.last for one in ranges]
    for one in records:
        at = bisect_right(ends, one.offset - 1)
        if at < len(ranges) and ranges[at].first <= one.offset:
            yield one


def _overlap(one: OffsetRange, other: OffsetRange) -> OffsetRange | None:
    first, last = max(one.first, other.first), min(one.last, other.last)
    return OffsetRange(first, last) if first <= last else None


def _add(total: Mended, more: Mended) -> None:
    total.recorded += more.recorded
    total.lost += more.lost
    total.absent += more.absent


def _note(journal: Journal, store: Store, view: LogView, topic: str, work: _Partition) -> None:
    """Leave a row of what was closed, and a loud one of what Kafka had dropped."""
    mended = work.mended
    where = {
        "partition": mended.partition,
        "first_offset": work.seen[0].first,
        "last_offset": work.seen[-1].last,
    }
    if mended.closed:
        detail = f"{mended.recorded} recorded, {mended.lost} lost, {mended.absent} absent"
        journal.note(
            EventKind.GAP_MENDED, "info", detail, topic=topic, topic_id=view.topic_id, n=mended.closed, **where
        )
    if mended.lost:
        detail = "Kafka dropped records of a gap before they were read"
        journal.note(
            EventKind.RETENTION_LOSS, "critical", detail, topic=topic, topic_id=view.topic_id, n=mended.lost, **where
        )
    journal.flush(store)
