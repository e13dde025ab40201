"""The rollup misses nothing: whatever changes a window's numbers makes it be computed again, and nothing else does."""

import pytest

from monitor.config import ClickHouseSettings
from monitor.intake.sampling import CANARY_STRATUM
from monitor.report.rates import rates
from monitor.report.rollup import LOOK_BACK_DAYS, MARGIN_S, rollup
from monitor.store.client import Store
from monitor.store.record import record
from monitor.store.rows import sample_columns, to_columns
from tests.contract.test_store import SPAN, batch, cell, due, sampled, score
from tests.support.live import wait_for
from workers.celery_app import TASK_TIME_LIMIT_S

MARGIN = 0.3
"""Seconds; short, so that a test need not wait for long."""


def quiet(store: Store) -> None:
    """Roll up until a run has nothing to do."""
    wait_for(lambda: rollup(store, margin_s=MARGIN) == 0, "the rollup to come to rest", seconds=20)


def populations(store: Store) -> set[float]:
    return {row["population"] for row in store.query("estimate_rows") if not row["segment"]}


def test_with_nothing_new_it_comes_to_rest_and_says_what_rates_says(store: Store) -> None:
    record(store, batch(range(30), range(30, 60)))
    score(store, due(store))
    quiet(store)
    assert rollup(store, margin_s=MARGIN) == 0
    written = {row["scorer_id"]: row for row in store.query("estimate_rows") if not row["segment"]}
    found = {one.scorer_id: one.estimate for one in rates(store, SPAN)}
    assert written.keys() == found.keys()
    for scorer, estimate in found.items():
        assert written[scorer]["rate"] == (None if estimate.rate is None else pytest.approx(estimate.rate))
        assert written[scorer]["population"] == estimate.n_population == 60


def test_a_score_that_comes_late_counts(store: Store) -> None:
    record(store, batch(range(20)))
    ids = due(store)
    score(store, ids[:10])
    quiet(store)
    score(store, ids[10:])
    assert rollup(store, margin_s=MARGIN) > 0
    assert {row["due"] for row in store.query("estimate_rows") if not row["segment"]} == {0}


def test_a_sample_that_comes_late_counts_even_before_it_is_scored(store: Store) -> None:
    record(store, batch(range(10)))
    score(store, due(store))
    quiet(store)
    record(store, batch(range(10, 15)))
    assert rollup(store, margin_s=MARGIN) > 0
    assert {row["due"] for row in store.query("estimate_rows") if not row["segment"]} == {5}


def test_a_sample_that_the_ledger_knew_before_it_came_counts_in_its_segment(store: Store) -> None:
    record(store, batch(range(10)))
    store.insert("offset_ledger_in", to_columns([cell("sampled", list(range(10, 15)))]))
    score(store, due(store))
    quiet(store)
    store.insert("samples", sample_columns([sampled(offset) for offset in range(10, 15)]))
    assert rollup(store, margin_s=MARGIN) > 0
    by_tenant = [row for row in store.query("estimate_rows") if "tenant" in row["segment"]]
    assert {row["sampled"] for row in by_tenant} == {15}


def test_records_that_were_not_sampled_count_without_any_new_sample(store: Store) -> None:
    record(store, batch(range(10)))
    score(store, due(store))
    quiet(store)
    record(store, batch(range(0), range(10, 90)))
    assert rollup(store, margin_s=MARGIN) > 0
    assert populations(store) == {90}
    quiet(store)


def test_canaries_and_dead_letters_change_no_population_and_wake_nobody(store: Store) -> None:
    record(store, batch(range(10)))
    score(store, due(store))
    quiet(store)
    store.insert("offset_ledger_in", to_columns([cell("sampled", [500], stratum=CANARY_STRATUM)]))
    record(store, batch(range(0), dead=range(600, 605)))
    assert rollup(store, margin_s=MARGIN) == 0
    assert populations(store) == {10}


def test_rows_stored_shortly_before_the_estimates_may_have_been_missed_and_are_looked_at_again(store: Store) -> None:
    record(store, batch(range(10)))
    score(store, due(store))
    first = rollup(store, margin_s=60)
    assert first > 0
    assert rollup(store, margin_s=60) == first
    quiet(store)


def test_a_window_without_any_score_has_nothing_to_estimate(store: Store) -> None:
    record(store, batch(range(10)))
    assert rollup(store) == 0
    assert store.query("estimate_rows") == []


def test_a_run_that_died_before_it_wrote_is_made_up_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    record(store, batch(range(10)))
    score(store, due(store))

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(Store, "insert", die)
        with pytest.raises(Killed):
            rollup(store)
    quiet(store)
    assert populations(store) == {10}


def test_the_margin_and_the_look_back_are_long_enough_for_what_they_are_for() -> None:
    settings = ClickHouseSettings()
    assert TASK_TIME_LIMIT_S + settings.timeout_s <= MARGIN_S
    assert LOOK_BACK_DAYS * 24 >= 168 + 24
