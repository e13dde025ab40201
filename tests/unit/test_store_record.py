"""Recording a batch: the order that makes a commit safe, and a refused row that fails alone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest

from monitor.errors import StoreRejected, StoreUnavailable
from monitor.intake.batch import Batch, Cell, Dead, Outcome, Position, Sampled
from monitor.intake.interaction import Interaction, Message
from monitor.store.client import Store
from monitor.store.record import ALL_REFUSED, TOO_MANY_PARTITIONS, record
from monitor.store.rows import TABLES

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
TOPIC_ID = UUID(int=1)


class FakeStore:
    """Keeps what it is given and refuses samples whose text says so."""

    def __init__(self, *, refuse: str = "refuse me", code: int = 27, down: str = "") -> None:
        self.inserts: list[tuple[str, list[dict[str, Any]]]] = []
        self._refuse, self._code, self._down = refuse, code, down

    def insert(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        if table == self._down:
            raise StoreUnavailable("away")
        names = TABLES[table][0]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        if any(self._refuse in str(row) for row in rows):
            raise StoreRejected("refused", code=self._code)
        self.inserts.append((table, rows))

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [row for name, rows in self.inserts if name == table for row in rows]


def position(offset: int) -> Position:
    return Position(topic="t", topic_id=TOPIC_ID, partition=0, offset=offset)


def sampled(offset: int, text: str = "fine") -> Sampled:
    interaction = Interaction(
        interaction_id=str(offset),
        conversation_id=str(offset),
        turn=0,
        occurred_at=NOW,
        messages=(Message(role="assistant", content=text),),
    )
    return Sampled(
        position=position(offset),
        record_ms=0,
        window=0,
        stratum="all",
        policy_id="p",
        probability=1.0,
        hash64=0,
        interaction=interaction,
        masked={},
    )


def batch(samples: list[Sampled], dead: list[Dead] | None = None) -> Batch:
    dead = dead or []
    outcomes: dict[Outcome, list[int]] = {
        "sampled": [one.position.offset for one in samples],
        "dead": [one.position.offset for one in dead],
    }
    cells = [
        Cell(topic="t", topic_id=TOPIC_ID, partition=0, window=0, stratum="", outcome=outcome, offsets=offsets)
        for outcome, offsets in outcomes.items()
        if offsets
    ]
    return Batch(sampled=samples, dead=dead, cells=cells)


def dead(offset: int, detail: str = "d") -> Dead:
    return Dead(
        position=position(offset),
        record_ms=0,
        window=0,
        reason="r",
        detail=detail,
        evidence="",
        size=0,
        sha256="0" * 64,
    )


def run(store: FakeStore, given: Batch) -> Batch:
    return record(cast("Store", store), given)


def test_samples_come_before_dead_letters_and_the_ledger_comes_last() -> None:
    store = FakeStore()
    run(store, batch([sampled(1)], [dead(2)]))
    assert [table for table, _ in store.inserts] == ["samples", "dead_letters", "offset_ledger_in"]


@pytest.mark.parametrize("bad", [[0], [6], [3], [0, 1], [0, 3, 6], list(range(7))])
def test_a_refused_sample_becomes_a_dead_letter_and_its_neighbours_are_kept(bad: list[int]) -> None:
    store = FakeStore()
    done = run(store, batch([sampled(i, "refuse me" if i in bad else "fine") for i in range(7)]))
    assert sorted(row["offset"] for row in store.rows("samples")) == [i for i in range(7) if i not in bad]
    assert sorted(row["offset"] for row in store.rows("dead_letters")) == bad
    ledger = {
        outcome: sorted(
            o for row in store.rows("offset_ledger_in") if row["outcome"] == outcome for o in row["offsets"]
        )
        for outcome in ("sampled", "dead")
    }
    assert ledger == {"sampled": [i for i in range(7) if i not in bad], "dead": bad}
    assert done.consumed == 7
    assert len(done.sampled) + len(done.dead) == 7


@pytest.mark.parametrize("table", ["samples", "dead_letters", "offset_ledger_in"])
def test_an_outage_at_any_step_raises_so_that_nothing_is_committed(table: str) -> None:
    with pytest.raises(StoreUnavailable):
        run(FakeStore(down=table), batch([sampled(1)], [dead(2)]))


def test_where_every_sample_is_refused_the_fault_is_not_theirs_and_none_is_buried() -> None:
    store = FakeStore()
    with pytest.raises(StoreRejected):
        run(store, batch([sampled(i, "refuse me") for i in range(ALL_REFUSED)]))
    assert store.rows("dead_letters") == store.rows("offset_ledger_in") == []


def test_a_dead_letter_that_is_refused_stops_the_commit() -> None:
    with pytest.raises(StoreRejected):
        run(FakeStore(), batch([], [dead(1, "refuse me")]))


def test_too_many_partitions_in_one_row_means_that_the_server_is_behind() -> None:
    store = FakeStore(code=TOO_MANY_PARTITIONS)
    with pytest.raises(StoreUnavailable):
        run(store, batch([sampled(1, "refuse me")]))
    assert store.rows("dead_letters") == []
