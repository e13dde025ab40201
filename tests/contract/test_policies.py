"""When a new sampling policy starts: never in a window of which records may have been decided already (I2)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from monitor.intake.batch import Batch, Cell, Position, Sampled
from monitor.intake.interaction import Interaction, Message
from monitor.intake.sampling import Policy, PolicyHistory, Stratum, next_window, window_of
from monitor.store import policies
from monitor.store.client import Store
from monitor.store.record import record
from monitor.store.rows import milliseconds

OLD, NEW = (Stratum(name="all", probability=0.1),), (Stratum(name="all", probability=0.2),)
HOUR = timedelta(hours=1)
TOPIC_ID = UUID(int=5)


def server_time(store: Store) -> datetime:
    return datetime.fromtimestamp(store.query("ping")[0]["now"], UTC)


def decided(store: Store, stamp: datetime, *, sample: bool = False) -> None:
    """Record one offset of this record time."""
    window = window_of(milliseconds(stamp))
    cell = Cell(
        topic="t",
        topic_id=TOPIC_ID,
        partition=0,
        window=window,
        stratum="all",
        outcome="sampled_out",
        offsets=[1],
    )
    one = Sampled(
        position=Position(topic="t", topic_id=TOPIC_ID, partition=0, offset=1),
        record_ms=milliseconds(stamp),
        window=window,
        stratum="all",
        policy_id="p",
        probability=0.1,
        hash64=1,
        interaction=Interaction(
            interaction_id="i",
            conversation_id="c",
            turn=0,
            occurred_at=stamp,
            messages=(Message(role="assistant", content="Evet."),),
        ),
        masked={},
    )
    if sample:
        record(store, Batch(sampled=[one], dead=[], cells=[replace(cell, outcome="sampled")]))
    else:
        record(store, Batch(sampled=[], dead=[], cells=[cell]))


def at(history: PolicyHistory, stamp: datetime) -> tuple[Stratum, ...]:
    return history.at(window_of(milliseconds(stamp))).strata


def start_of_new(store: Store) -> datetime:
    history = policies.ensure(store, NEW)
    assert history.latest.strata == NEW
    return history.latest.effective_from


def test_the_first_policy_covers_all_time_and_is_written_once(store: Store) -> None:
    history = policies.ensure(store, OLD)
    assert at(history, datetime(1990, 1, 1, tzinfo=UTC)) == OLD
    policies.ensure(store, OLD)
    assert len(policies.load(store)) == 1


def test_a_change_starts_at_the_next_window_of_the_servers_clock(store: Store) -> None:
    policies.ensure(store, OLD)
    before = next_window(server_time(store))
    start = start_of_new(store)
    assert before <= start <= next_window(server_time(store))
    assert at(policies.ensure(store, NEW), start - HOUR) == OLD
    assert at(policies.ensure(store, NEW), start) == NEW


@pytest.mark.parametrize("hours", [1, 2, 23])
def test_a_window_that_a_producers_fast_clock_opened_keeps_its_policy(store: Store, hours: int) -> None:
    policies.ensure(store, OLD)
    ahead = server_time(store) + hours * HOUR
    decided(store, ahead)
    start_of_new(store)
    history = PolicyHistory(policies.load(store))
    assert at(history, ahead) == OLD
    assert at(history, ahead + HOUR) == NEW


def test_a_stamp_at_the_end_of_its_window_gives_workers_notice_too(store: Store) -> None:
    """A minute later records of the next window come in, and a worker may not have read the policies again yet."""
    policies.ensure(store, OLD)
    edge = next_window(server_time(store)) + 2 * HOUR
    decided(store, edge - timedelta(seconds=30), sample=True)
    assert start_of_new(store) == edge + HOUR


def test_one_absurd_stamp_does_not_freeze_the_policies(store: Store) -> None:
    policies.ensure(store, OLD)
    now = server_time(store)
    decided(store, now + 25 * HOUR, sample=True)
    decided(store, datetime(2099, 12, 31, tzinfo=UTC), sample=True)
    assert start_of_new(store) <= next_window(now + timedelta(seconds=60))


def test_old_windows_do_not_put_a_change_off(store: Store) -> None:
    policies.ensure(store, OLD)
    now = server_time(store)
    decided(store, now - 50 * HOUR, sample=True)
    assert start_of_new(store) <= next_window(now + timedelta(seconds=60))


def test_a_start_that_was_chosen_is_never_moved(store: Store) -> None:
    """Records that come in meanwhile, of that window and later ones, are decided by the new policy already."""
    policies.ensure(store, OLD)
    start = start_of_new(store)
    decided(store, start + 3 * HOUR, sample=True)
    assert start_of_new(store) == start
    assert [p.effective_from for p in policies.load(store)] == [policies.BEGINNING, start]


def test_of_two_changes_for_one_window_the_later_made_counts(store: Store) -> None:
    policies.ensure(store, OLD)
    decided(store, server_time(store) + 3 * HOUR)
    start = start_of_new(store)
    third = (Stratum(name="all", probability=0.3),)
    history = policies.ensure(store, third)
    assert history.latest.effective_from == start
    assert at(history, start) == third
    assert Policy(effective_from=start, strata=NEW) in policies.load(store), "nothing is taken out of the history"
