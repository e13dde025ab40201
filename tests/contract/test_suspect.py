"""Suspect work on the real engine: who kills is found, given up after few deaths, and costs its neighbours nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from monitor.clock import FixedClock
from monitor.errors import StoreUnavailable
from monitor.intake.interaction import Interaction
from monitor.scoring.verdict import Result, Verdict
from monitor.store.attempts import DEATHS
from monitor.store.client import Store
from monitor.store.events import Journal
from monitor.store.record import record
from monitor.store.suspect import Caution
from tests.contract.test_store import WINDOW, YES, FixedScorer, batch, position

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Death(BaseException):
    """The end of the process, as far as a test can have one without losing itself: nobody catches it."""


class TimeIsUp(Exception):  # noqa: N818 - as Celery's
    """A task's time limit."""


class Deadly(FixedScorer):
    """Kills its process when it sees one of some conversations."""

    def __init__(self, *, kills: set[str], by: type[BaseException] = Death) -> None:
        super().__init__("deadly", Verdict(value=1.0, label="yes", reason="survived"))
        self.kills, self.by = kills, by
        self.deaths = 0
        self.seen: list[int] = []

    def score(self, batch: list[Interaction]) -> list[Result]:
        self.seen.append(len(batch))
        if self.kills & {one.conversation_id for one in batch}:
            self.deaths += 1
            raise self.by
        return super().score(batch)


def ids(count: int) -> list[UUID]:
    return [position(offset).sample_id for offset in range(count)]


def process(store: Store, scorer: Deadly, *more: FixedScorer, clock: FixedClock | None = None) -> Caution:
    """Give what a worker process has; after a death another one is started."""
    return Caution(store, (*more, scorer), journal=Journal("test"), clock=clock or FixedClock(NOON))


def deliver(store: Store, scorer: Deadly, count: int, *more: FixedScorer) -> int:
    """Deliver the same hint until no process dies of it, and give the number of deliveries."""
    for delivery in range(1, 50):
        try:
            process(store, scorer, *more).score(WINDOW, ids(count))
        except Death:
            continue
        return delivery
    raise AssertionError("there is no end to it")


def outcomes(store: Store) -> dict[tuple[UUID, str], str]:
    return {(row["sample_id"], row["dimension"]): row["status"] for row in store.query("score_digests")}


def test_who_kills_is_closed_as_error_after_few_deaths_and_all_others_are_scored(store: Store) -> None:
    record(store, batch(range(20)))
    scorer = Deadly(kills={"c-7"})
    deliveries = deliver(store, scorer, 20, YES)
    assert scorer.deaths == DEATHS == deliveries - 1
    found = outcomes(store)
    assert len(found) == 20 * 2
    assert {sample for (sample, _), status in found.items() if status == "error"} == {position(7).sample_id}
    (event,) = store.query("events", since=0, kind="scoring_death", limit=10)
    assert (event["severity"], event["n"]) == ("critical", 1)
    assert str(position(7).sample_id) in event["detail"]


def test_two_that_kill_need_no_more_deaths_than_one_after_the_other(store: Store) -> None:
    record(store, batch(range(20)))
    scorer = Deadly(kills={"c-3", "c-12"})
    deliver(store, scorer, 20)
    assert scorer.deaths <= 2 * DEATHS
    assert list(outcomes(store).values()).count("error") == 2


def test_neighbours_are_scored_before_the_one_that_killed_is_tried_again(store: Store) -> None:
    record(store, batch(range(10)))
    scorer = Deadly(kills={"c-0"})
    for _ in range(2):
        with pytest.raises(Death):
            process(store, scorer).score(WINDOW, ids(10))
    with pytest.raises(Death):
        process(store, scorer).score(WINDOW, ids(10))
    assert len(outcomes(store)) == 9


def test_what_nobody_died_of_is_scored_together_and_is_forgotten(store: Store) -> None:
    """Attempts that led to an outcome count for nothing, when another scorer comes to it later."""
    record(store, batch(range(10)))
    scorer = Deadly(kills=set())
    for more in ((), (YES,), (YES, FixedScorer("no", Verdict(value=0.0, label="no", reason="")))):
        process(store, scorer, *more).score(WINDOW, ids(10))
    assert scorer.seen == [10]
    assert set(outcomes(store).values()) == {"scored"}
    assert store.query("scoring_deaths", window=WINDOW, ids=ids(10)) == []


def test_a_time_limit_counts_as_a_death_and_passes(store: Store) -> None:
    record(store, batch(range(4)))
    scorer = Deadly(kills={"c-2"}, by=TimeIsUp)
    for _ in range(DEATHS):
        with pytest.raises(TimeIsUp):
            process(store, scorer).score(WINDOW, ids(4), deadly=(TimeIsUp,))
    process(store, scorer).score(WINDOW, ids(4), deadly=(TimeIsUp,))
    found = outcomes(store)
    assert found[position(2).sample_id, "deadly"] == "error"
    assert list(found.values()).count("scored") == 3


def test_nobody_is_begun_alone_when_patience_is_over(store: Store) -> None:
    """A time limit must hit who hangs, not who comes last after many slow ones."""
    record(store, batch(range(10)))
    clock = FixedClock(NOON)
    scorer = Deadly(kills={"c-0"})
    with pytest.raises(Death):
        process(store, scorer).score(WINDOW, ids(10))

    class Slow(FixedScorer):
        def score(self, batch: list[Interaction]) -> list[Result]:
            clock.advance(15)
            return super().score(batch)

    scorer.kills = set()
    written = process(store, scorer, Slow("slow", Verdict(value=0.0, label="", reason="")), clock=clock).score(
        WINDOW, ids(10)
    )
    assert written == 2 * 3, "40 s are over after three samples of 15 s"


def test_an_outage_of_clickhouse_is_nobodys_death(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    record(store, batch(range(4)))
    insert = Store.insert
    away = False

    class Outage(Deadly):
        """ClickHouse goes away while it scores."""

        def score(self, batch: list[Interaction]) -> list[Result]:
            nonlocal away
            away = len(self.seen) < DEATHS
            return super().score(batch)

    def refuse(self: Store, table: str, columns: Sequence[Sequence[Any]]) -> None:
        if away:
            raise StoreUnavailable("made up")
        insert(self, table, columns)

    monkeypatch.setattr(Store, "insert", refuse)
    scorer = Outage(kills=set())
    caution = process(store, scorer)
    for _ in range(DEATHS):
        with pytest.raises(StoreUnavailable):
            caution.score(WINDOW, ids(4))
        away = False
    assert caution.score(WINDOW, ids(4)) == 4
    assert set(outcomes(store).values()) == {"scored"}
    assert scorer.seen == [4] * (DEATHS + 1), "never alone: nobody is suspected"
