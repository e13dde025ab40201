"""The ledger as people ask it: what is recorded, what is missing, what stands twice, on the real engine."""

import uuid
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.intake.batch import Cell
from monitor.report.ledger import Span, ledger_counts
from monitor.store import ledger
from monitor.store.client import Store
from monitor.store.ledger import OffsetRange, PartitionLedger, coverage
from monitor.store.rows import to_columns
from tests.contract.conftest import Server, database

WINDOW = 1_795_420_800
TOPIC_ID = UUID(int=5)
MILLION = 1_000_000


@pytest.fixture(scope="module")
def store(server: Server) -> Iterator[Store]:
    with database(server) as settings, Store.connect(settings) as opened:
        yield opened


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """Give each test a topic of its own."""
    return str(request.node.name)


def write(store: Store, topic: str, outcome: Any, offsets: Iterable[int], **more: Any) -> None:
    """Write one cell."""
    fields: dict[str, Any] = {"topic_id": TOPIC_ID, "partition": 0, "window": WINDOW, "stratum": "all", **more}
    store.insert("offset_ledger_in", to_columns([Cell(topic=topic, outcome=outcome, offsets=list(offsets), **fields)]))


def ranges(*pairs: tuple[int, int]) -> tuple[OffsetRange, ...]:
    return tuple(OffsetRange(first, last) for first, last in pairs)


def only(store: Store, topic: str) -> PartitionLedger:
    (found,) = coverage(store, topic)
    return found


def test_three_holes_in_five_million_offsets_are_named_exactly(store: Store, topic: str) -> None:
    """One lies across the edge of two chunks, one is a single offset, one leaves a single offset after it."""
    holes = (range(999_998, 1_000_003), range(2_500_000, 2_500_001), range(4_000_100, 4_999_999))
    missing = {offset for hole in holes for offset in hole}
    # Out of order and interleaved, as three consumers and a replay would write it.
    for start in (3 * MILLION, 0, 4 * MILLION, MILLION, 2 * MILLION):
        chunk = [offset for offset in range(start, start + MILLION) if offset not in missing]
        write(store, topic, "sampled_out", [o for o in chunk if o % 10])
        write(store, topic, "sampled", [o for o in chunk if not o % 10], stratum="rest")
    found = only(store, topic)
    assert found.missing == ranges(*((hole[0], hole[-1]) for hole in holes))
    assert found.missing_count == len(missing)
    assert (found.first, found.last, found.recorded) == (0, 4_999_999, 5 * MILLION - len(missing))
    assert found.outcomes["sampled"] + found.outcomes["sampled_out"] == found.recorded
    assert (found.doubled, found.doubled_ranges, found.lost) == (0, (), ())


def test_a_whole_partition_costs_one_query_and_begins_where_it_begins(
    store: Store, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, topic, "sampled_out", range(700, 90_000))
    asked: list[str] = []
    query = store.query

    def spy(name: str, **parameters: Any) -> Any:
        asked.append(name)
        return query(name, **parameters)

    monkeypatch.setattr(store, "query", spy)
    found = only(store, topic)
    assert asked == ["ledger_partitions", "ledger_coverage"]
    assert (found.first, found.last, found.missing) == (700, 89_999, ())


def test_incarnations_and_partitions_are_never_merged(store: Store, topic: str) -> None:
    later = UUID(int=1)
    write(store, topic, "sampled", range(10))
    write(store, topic, "sampled", range(5, 8), partition=1)
    write(store, topic, "sampled", (*range(3), 9), topic_id=later, window=WINDOW + 3600)
    found = [(one.topic_id, one.partition, one.recorded, one.missing) for one in coverage(store, topic)]
    assert found == [
        (later, 0, 4, ranges((3, 8))),
        (TOPIC_ID, 0, 10, ()),
        (TOPIC_ID, 1, 3, ()),
    ]


def test_lost_and_absent_offsets_are_no_holes_and_no_traffic(store: Store, topic: str) -> None:
    before = ledger_counts(store, Span(since=WINDOW, until=WINDOW + 3600))
    write(store, topic, "lost", (*range(10), 15), stratum="")
    write(store, topic, "sampled_out", range(10, 15), stratum=topic)
    write(store, topic, "absent", range(16, 20), stratum="")
    found = only(store, topic)
    assert (found.missing, found.lost) == ((), ranges((0, 9), (15, 15)))
    assert found.outcomes == {"absent": 4, "lost": 11, "sampled_out": 5}
    counts = ledger_counts(store, Span(since=WINDOW, until=WINDOW + 3600))
    assert counts.strata[topic] == (0, 5)
    assert counts.strata.keys() - before.strata.keys() == {topic}, "what was never read has no stratum"
    assert counts.consumed - before.consumed == 5
    assert counts.lost - before.lost == 11


def test_an_offset_with_two_outcomes_is_told_apart_from_one_that_was_written_twice(store: Store, topic: str) -> None:
    write(store, topic, "sampled_out", range(1000))
    write(store, topic, "sampled_out", range(500))
    assert only(store, topic).doubled == 0
    write(store, topic, "dead", (7, 8, 9, 100), stratum="")
    write(store, topic, "sampled_out", (9, 500), window=WINDOW + 3600)
    write(store, topic, "sampled_out", (700,), stratum="other")
    found = only(store, topic)
    assert found.doubled == 7
    assert found.doubled_ranges == ranges((7, 9), (100, 100), (500, 500), (700, 700))
    assert found.recorded == 1000


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(
        st.tuples(
            st.sampled_from(("sampled", "sampled_out", "dead", "lost")),
            st.sampled_from((WINDOW, WINDOW + 3600)),
            st.sets(st.integers(0, 130), min_size=1, max_size=120),
        ),
        min_size=1,
        max_size=5,
    ),
    at=st.sampled_from((0, 2**40)),
)
def test_any_ledger_reads_as_counting_by_hand_would(
    store: Store, monkeypatch: pytest.MonkeyPatch, cells: list[tuple[str, int, set[int]]], at: int
) -> None:
    monkeypatch.setattr(ledger, "CHUNK", 16)
    monkeypatch.setattr(ledger, "CHUNKS_COUNTED", 3)
    monkeypatch.setattr(ledger, "CHUNKS_READ", 2)
    topic = f"any-{uuid.uuid4()}"
    merged: dict[tuple[str, int], set[int]] = {}
    for outcome, window, offsets in cells:
        there = {at + one for one in offsets}
        write(store, topic, outcome, there, window=window)
        merged.setdefault((outcome, window), set()).update(there)
    every = set().union(*merged.values())
    lost = set().union(*(offsets for (outcome, _), offsets in merged.items() if outcome == "lost"))
    twice = {one for one in every if sum(one in offsets for offsets in merged.values()) > 1}

    found = only(store, topic)
    assert (found.first, found.last, found.recorded) == (min(every), max(every), len(every))
    assert offsets_of(found.missing) == set(range(min(every), max(every) + 1)) - every
    assert offsets_of(found.lost) == lost
    assert offsets_of(found.doubled_ranges) == twice
    assert found.doubled == sum(len(offsets) for offsets in merged.values()) - len(every)
    assert found.missing == joined(found.missing), "ranges that touch are one range"
    assert found.lost == joined(found.lost)


def test_a_topic_without_a_ledger_has_no_partitions(store: Store, topic: str) -> None:
    assert coverage(store, topic) == []
    assert topic not in ledger.topics(store)
    write(store, topic, "sampled", [1])
    assert topic in ledger.topics(store)


def offsets_of(found: tuple[OffsetRange, ...]) -> set[int]:
    return {offset for one in found for offset in range(one.first, one.last + 1)}


def joined(found: tuple[OffsetRange, ...]) -> tuple[OffsetRange, ...]:
    made: list[OffsetRange] = []
    for one in sorted(found):
        if made and made[-1].last + 1 == one.first:
            made[-1] = OffsetRange(made[-1].first, one.last)
        else:
            made.append(one)
    return tuple(made)
