"""What the ledger says of a topic: which offsets have an outcome, which have none, which have two (DESIGN §5).

Everything is counted as bitmaps in ClickHouse; offsets come to Python as ranges. A partition whose number of offsets
fits its first and last one costs one query, however long it is. Only where they differ are chunks counted (about
0.05 s a million offsets), and only chunks that are not whole are looked at offset by offset.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from monitor.store.client import Row, Store

CHUNK = 1_000_000
"""Offsets that are counted together."""
CHUNKS_COUNTED, CHUNKS_READ = 50, 5
"""How many chunks one query counts, and how many it looks at offset by offset."""
MOST_RANGES = 10_000
"""So many ranges of a kind are told of one partition; the counts beside them are always exact."""
ALL = "all"


@dataclass(frozen=True, slots=True, order=True)
class OffsetRange:
    """Consecutive offsets, both ends included."""

    first: int
    last: int

    def __len__(self) -> int:
        """How many offsets."""
        return self.last - self.first + 1

    def cut(self, at: int) -> tuple["OffsetRange", ...]:
        """Give the part below `at` and the part from there on, as far as there are such parts."""
        if self.first < at <= self.last:
            return OffsetRange(self.first, at - 1), OffsetRange(at, self.last)
        return (self,)

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PartitionLedger:
    """The ledger of one partition of one incarnation of a topic."""

    topic: str
    topic_id: UUID
    partition: int
    first: int
    last: int
    """The smallest and the largest offset that has an outcome."""
    recorded: int
    """How many different offsets have an outcome."""
    outcomes: dict[str, int]
    """How many offsets have which outcome."""
    lost: tuple[OffsetRange, ...]
    """What Kafka dropped before it was read."""
    missing: tuple[OffsetRange, ...]
    """Between first and last, without an outcome; the first `MOST_RANGES` of them."""
    doubled: int
    """How many outcomes are one too many: offsets summed over all cells, less different offsets."""
    doubled_ranges: tuple[OffsetRange, ...] = field(default=())

    @property
    def missing_count(self) -> int:
        """How many offsets between first and last have no outcome; exact."""
        return self.last - self.first + 1 - self.recorded


def topics(store: Store) -> list[str]:
    """Give the topics that have a ledger."""
    return [row["topic"] for row in store.query("ledger_topics")]


def places(store: Store, topic: str) -> list[tuple[UUID, int]]:
    """Give the incarnations and partitions that have a ledger: the incarnation that was read last first."""
    return [(row["topic_id"], row["partition"]) for row in store.query("ledger_partitions", topic=topic)]


def coverage(store: Store, topic: str, *, only: UUID | None = None) -> list[PartitionLedger]:
    """Read the ledger of a topic, or of one incarnation of it, in the order of `places`.

    Blocks for one query a partition, and longer for those that are not whole.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    return [
        _partition(store, topic, topic_id, partition)
        for topic_id, partition in places(store, topic)
        if only in {None, topic_id}
    ]


def subtract(whole: OffsetRange, runs: Iterable[OffsetRange]) -> Iterator[OffsetRange]:
    """Give what is left of `whole` without `runs`, which are in order and do not overlap."""
    expected = whole.first
    for run in runs:
        if run.first > whole.last:
            break
        if run.first > expected:
            yield OffsetRange(expected, run.first - 1)
        expected = max(expected, run.last + 1)
    if expected <= whole.last:
        yield OffsetRange(expected, whole.last)


def _partition(store: Store, topic: str, topic_id: UUID, partition: int) -> PartitionLedger:
    where = {"topic": topic, "topic_id": topic_id, "partition": partition}
    rows = {row["outcome"]: row for row in store.query("ledger_coverage", **where)}
    everything = rows[ALL]
    whole = _span(everything)
    doubled = everything["in_cells"] - everything["n"]
    missing = subtract(whole, _runs(store, where, everything, ()))
    lost = _runs(store, where, rows["lost"], ("lost",)) if "lost" in rows else iter(())
    return PartitionLedger(
        topic=topic,
        topic_id=topic_id,
        partition=partition,
        first=whole.first,
        last=whole.last,
        recorded=everything["n"],
        outcomes={name: row["n"] for name, row in sorted(rows.items()) if name != ALL},
        lost=tuple(islice(lost, MOST_RANGES)),
        missing=tuple(islice(missing, MOST_RANGES)),
        doubled=doubled,
        doubled_ranges=tuple(_doubled(store, where)) if doubled else (),
    )


def _runs(store: Store, where: Row, counted: Row, outcomes: Sequence[str]) -> Iterator[OffsetRange]:
    """Give the runs of recorded offsets in order; lazy, so that who has seen enough costs no more queries."""
    span = _span(counted)
    if counted["n"] == len(span):
        yield span
        return
    chunks = range(span.first // CHUNK * CHUNK, span.last + 1, CHUNK)
    open_run: OffsetRange | None = None
    for start in range(0, len(chunks), CHUNKS_COUNTED):
        part = list(chunks[start : start + CHUNKS_COUNTED])
        for run in _runs_of_chunks(store, where, part, outcomes):
            if open_run is not None and open_run.last + 1 == run.first:
                open_run = OffsetRange(open_run.first, run.last)
                continue
            if open_run is not None:
                yield open_run
            open_run = run
    if open_run is not None:
        yield open_run


def _runs_of_chunks(store: Store, where: Row, chunks: list[int], outcomes: Sequence[str]) -> Iterator[OffsetRange]:
    options = {**where, "outcomes": list(outcomes), "size": CHUNK}
    counts = {row["chunk"]: row["n"] for row in store.query("ledger_chunks", chunks=chunks, **options)}
    broken = [chunk for chunk, n in counts.items() if n < CHUNK]
    read: dict[int, list[OffsetRange]] = {}
    for chunk in chunks:
        if counts.get(chunk) == CHUNK:
            yield OffsetRange(chunk, chunk + CHUNK - 1)
        elif chunk in counts:
            if chunk not in read:
                todo = broken[broken.index(chunk) :][:CHUNKS_READ]
                rows = store.query("ledger_runs", chunks=todo, **options)
                read = {one: _ranges(row) for one, row in zip(todo, rows, strict=True)}
            yield from read[chunk]


def _doubled(store: Store, where: Row) -> list[OffsetRange]:
    rows = store.query("ledger_doubled", limit=MOST_RANGES, **where)
    return _ranges(rows[0]) if rows else []


def _ranges(row: Row) -> list[OffsetRange]:
    return [OffsetRange(first, last) for first, last in zip(row["firsts"], row["lasts"], strict=True)]


def _span(row: Row) -> OffsetRange:
    return OffsetRange(row["first_offset"], row["last_offset"])
