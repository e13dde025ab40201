"""What the judges' budget does when leases end, when workers die and when Redis forgets or is away."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import QueueUnavailable, StoreUnavailable
from monitor.scoring.judge.budget.budget import SharedBudget, lease_s, root_of
from monitor.scoring.judge.budget.model import ALL, Lost, Overrides, Reservation, Spent
from monitor.scoring.judge.budget.scripts import Scripts
from monitor.scoring.judge.settings import Budget, JudgeEndpoint, JudgingSettings, Price
from tests.support.judge_budget import LEASE_S, Memory, World, pay, taken
from tests.support.valkey import valkey


def test_a_lease_that_ends_gives_back_what_was_not_sent(world: World) -> None:
    budget = world.budget(Budget(calls_day=1))
    one = taken(budget.reserve("a", 1))
    world.clock.advance(LEASE_S - 0.001)
    assert isinstance(budget.reserve("a", 1), Spent)
    world.clock.advance(0.001)
    assert not budget.sent(one), "it must not go out any more"
    assert isinstance(budget.reserve("a", 1), Reservation)
    assert not world.ledger.lost


def test_a_lease_that_ends_charges_what_was_sent_at_the_most_it_can_have_cost(world: World) -> None:
    budget = world.budget(Budget(usd_day=1))
    one = taken(budget.reserve("a", 300))
    world.clock.advance(LEASE_S - 1)
    assert budget.sent(one), "sending begins the lease anew"
    sent_at = world.clock.now()
    world.clock.advance(LEASE_S - 1)
    assert budget.sweep() == []
    world.clock.advance(1)
    (lost,) = budget.sweep()
    assert lost == Lost(id=one.id, endpoint="a", micro_usd=300, at=sent_at + timedelta(seconds=LEASE_S))
    assert world.ledger.lost == {one.id: lost}
    assert budget.sweep() == []
    line = world.lines(budget)[ALL, "usd_day"]
    assert (line.spent, line.reserved) == (300, 0)


def test_a_lost_call_stays_to_be_told_while_the_ledger_is_away(world: World) -> None:
    budget = world.budget()
    assert budget.sent(taken(budget.reserve("a", 300)))
    world.clock.advance(LEASE_S)
    world.ledger.away = True
    with pytest.raises(StoreUnavailable):
        budget.sweep()
    world.ledger.away = False
    assert len(budget.sweep()) == 1


def test_who_settles_after_the_lease_pays_no_less_and_the_rest_of_what_was_more(world: World) -> None:
    budget = world.budget(Budget(usd_day=1))
    cheap, dear = taken(budget.reserve("a", 300)), taken(budget.reserve("a", 300))
    assert budget.sent(cheap)
    assert budget.sent(dear)
    world.clock.advance(LEASE_S)
    budget.sweep()
    assert budget.settle(cheap, 10) == "late"
    assert budget.settle(dear, 1_000) == "late"
    assert budget.settle(dear, 1_000) == "nothing"
    line, calls = (world.lines(budget)[ALL, name] for name in ("usd_month", "calls_month"))
    assert (line.spent, line.overrun, calls.spent) == (1_300, 700, 2)


def test_a_lost_call_of_an_hour_that_is_over_is_not_charged_to_this_one(world: World) -> None:
    budget = world.budget(Budget(usd_hour=1, usd_day=1))
    assert budget.sent(taken(budget.reserve("a", 300)))
    world.to(2026, 11, 23, 18)
    found = world.lines(budget)
    assert (found[ALL, "usd_hour"].spent, found[ALL, "usd_day"].spent) == (0, 300)


def test_many_leases_that_end_at_once_make_room_for_one_that_needs_all_of_it(world: World) -> None:
    budget = world.budget(Budget(usd_day=0.000075))
    for _ in range(75):
        budget.reserve("a", 1)
    world.clock.advance(LEASE_S)
    assert isinstance(budget.reserve("a", 75), Reservation)
    assert world.lines(budget)[ALL, "usd_day"].reserved == 75


def test_the_very_first_opening_does_not_wait(world: World) -> None:
    assert isinstance(world.budget().reserve("a", 1), Reservation)
    assert len(world.ledger.openings) == 1


def test_lost_memory_is_counted_anew_from_the_ledger_when_no_call_can_be_under_way(world: World) -> None:
    budget = world.budget(Budget(usd_day=0.001))
    pay(budget, "a", 700)
    world.ledger.paid.append(("a", world.clock.now(), 700))
    world.forget()
    with pytest.raises(QueueUnavailable, match=r"at 12:31:40 UTC"):
        budget.reserve("a", 1)
    world.clock.advance(LEASE_S - 0.001)
    with pytest.raises(QueueUnavailable):
        budget.reserve("a", 1)
    # What was on its way meanwhile.
    world.ledger.paid.append(("b", world.clock.now(), 200))
    world.clock.advance(0.001)
    assert isinstance(budget.reserve("a", 101), Spent)
    assert isinstance(budget.reserve("a", 100), Reservation)


def test_a_call_noted_just_before_an_hour_is_taken_to_be_paid_in_it_when_counting_begins_anew(world: World) -> None:
    budget = world.budget(Budget(calls_hour=1))
    world.ledger.openings.append("before")
    world.ledger.paid.append(("a", datetime(2026, 11, 23, 12, 59, 0, tzinfo=UTC), 1))
    world.to(2026, 11, 23, 13, 30)
    with pytest.raises(QueueUnavailable):
        budget.reserve("a", 1)
    world.clock.advance(LEASE_S)
    assert isinstance(budget.reserve("a", 1), Spent)


def test_a_call_that_was_reserved_before_memory_was_lost_does_not_go_out(world: World) -> None:
    budget = world.budget()
    one = taken(budget.reserve("a", 1))
    world.forget()
    assert not budget.sent(one)
    assert budget.settle(one, 1) == "nothing"
    assert not budget.release(one)


def test_a_call_that_took_longer_than_memory_did_to_come_back_is_charged_once(world: World) -> None:
    budget = world.budget()
    one = taken(budget.reserve("a", 50))
    assert budget.sent(one)
    world.forget()
    with pytest.raises(QueueUnavailable):
        budget.reserve("a", 1)
    world.clock.advance(LEASE_S)
    budget.release(taken(budget.reserve("b", 1)))
    assert [budget.settle(one, 40), budget.settle(one, 40)] == ["late", "nothing"]
    assert world.lines(budget)["a", "usd_month"].spent == 40


@pytest.mark.parametrize("suffix", ["", ":due"])
def test_a_part_of_memory_that_was_evicted_counts_as_all_of_it(world: World, suffix: str) -> None:
    budget = world.budget()
    taken(budget.reserve("a", 1))
    world.server.ask("DEL", root_of(world.name) + suffix)
    with pytest.raises(QueueUnavailable, match="lost"):
        budget.reserve("a", 1)


def test_a_snapshot_that_is_read_back_is_lost_memory(tmp_path: Path) -> None:
    with valkey(tmp_path) as server:
        world = World(server=server)
        budget = world.budget(Budget(calls_day=2))
        pay(budget, "a", 1)
        server.ask("SAVE")
        pay(budget, "a", 1)
        world.ledger.paid += [("a", world.clock.now(), 1)] * 2
        server.kill()
        with pytest.raises(QueueUnavailable, match="does not answer"):
            budget.reserve("a", 1)
        server.start()
        with pytest.raises(QueueUnavailable, match="lost"):
            budget.reserve("a", 1)
        world.clock.advance(LEASE_S)
        assert isinstance(budget.reserve("a", 1), Spent)
        budget.close()


def test_while_the_ledger_is_away_too_nothing_is_reserved_and_nobody_is_locked_out(world: World) -> None:
    budget, other = world.budget(), world.budget()
    world.ledger.away = True
    with pytest.raises(StoreUnavailable):
        budget.reserve("a", 1)
    world.ledger.away = False
    assert isinstance(other.reserve("a", 1), Reservation)


def test_while_one_worker_reads_the_ledger_the_others_do_not(world: World) -> None:
    budget, other = world.budget(), world.budget()
    found: list[Any] = []
    original = world.ledger.overrides

    def slow() -> Overrides:
        with pytest.raises(QueueUnavailable, match="another worker"):
            other.reserve("a", 1)
        found.append(1)
        return original()

    world.ledger.overrides = slow  # type: ignore[method-assign]
    assert isinstance(budget.reserve("a", 1), Reservation)
    assert found == [1]
    assert len(world.ledger.openings) == 1


def test_before_memory_is_open_people_see_what_the_ledger_knows(world: World) -> None:
    budget = world.budget(Budget(usd_day=1))
    world.ledger.paid.append(("a", world.clock.now(), 123))
    assert world.lines(budget)["a", "usd_month"].spent == 123
    assert not budget.look().is_open


def test_a_lease_is_longer_than_a_call_with_all_its_tries() -> None:
    slow = JudgeEndpoint(name="a", model="m", timeout_s=100, tries=3, price=Price(input=0, output=0))
    assert lease_s(JudgingSettings(endpoints=(slow,))) > 3 * 100
    assert lease_s(JudgingSettings()) > 0


@pytest.mark.parametrize("call", ["reserve", "sent", "settle", "release", "look", "sweep"])
def test_without_redis_nothing_is_promised_and_no_address_is_told(call: str) -> None:
    away = SharedBudget(
        Scripts("redis://:geheim@127.0.0.1:1/0", "x"), Memory(), budget=Budget(), budgets={"a": Budget()}, lease_s=1
    )
    one = Reservation(id=str(uuid.uuid4()), endpoint="a", most_micro_usd=1, epoch="e")
    calls: dict[str, Callable[[], object]] = {
        "reserve": lambda: away.reserve("a", 1),
        "sent": lambda: away.sent(one),
        "settle": lambda: away.settle(one, 1),
        "release": lambda: away.release(one),
        "look": away.look,
        "sweep": away.sweep,
    }
    with pytest.raises(QueueUnavailable, match="no paid call is made") as caught:
        calls[call]()
    assert "geheim" not in str(caught.value)
    away.close()
