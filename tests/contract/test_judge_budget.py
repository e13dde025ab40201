"""Caps of what judges may cost, on a real Valkey: money, calls, hours, days, months; tests say what time it is."""

import calendar
from datetime import UTC, datetime, timedelta

import pytest

from monitor.scoring.judge.budget.budget import SharedBudget, root_of
from monitor.scoring.judge.budget.model import ALL, Override, Overrides, Reservation, Spent
from monitor.scoring.judge.budget.scripts import Scripts
from monitor.scoring.judge.settings import Budget
from tests.support.judge_budget import LEASE_S, World, pay, refused, taken
from workers.stack.layout import HOST


def test_what_is_reserved_counts_until_it_is_settled_for_less(world: World) -> None:
    budget = world.budget(Budget(usd_day=0.001))
    first = taken(budget.reserve("a", 600))
    assert refused(budget.reserve("b", 600)).cap == "usd_day"
    assert budget.sent(first)
    assert budget.settle(first, 400) == "settled"
    second = taken(budget.reserve("b", 600))
    assert isinstance(budget.reserve("a", 1), Spent)
    assert budget.release(second)
    assert isinstance(budget.reserve("a", 600), Reservation)


def test_a_second_settling_and_a_late_release_change_nothing(world: World) -> None:
    budget = world.budget(Budget(usd_day=1))
    one = taken(budget.reserve("a", 100))
    assert budget.sent(one)
    assert budget.settle(one, 70) == "settled"
    assert budget.settle(one, 70) == "nothing"
    assert not budget.release(one)
    assert not budget.sent(one)
    line = world.lines(budget)[ALL, "usd_day"]
    assert (line.spent, line.reserved) == (70, 0)


def test_the_cap_of_one_endpoint_leaves_the_others_room(world: World) -> None:
    budget = world.budget(Budget(calls_day=3), a=Budget(calls_day=1))
    pay(budget, "a", 5)
    stopped = refused(budget.reserve("a", 5))
    assert (stopped.scope, stopped.cap, stopped.limit) == ("a", "calls_day", 1)
    pay(budget, "b", 5)
    pay(budget, "b", 5)
    assert refused(budget.reserve("b", 5)).scope == ALL


@pytest.mark.parametrize("cap", ["usd_hour", "usd_day", "usd_month", "calls_hour", "calls_day", "calls_month"])
def test_a_zero_cap_lets_nothing_through_and_no_waiting_helps(world: World, cap: str) -> None:
    budget = world.budget(Budget(**{cap: 0}))
    stopped = refused(budget.reserve("a", 1))
    assert (stopped.cap, stopped.limit, stopped.resets_at) == (cap, 0, None)
    assert world.lines(budget)[ALL, cap].spent_out


def test_a_call_that_costs_nothing_passes_a_zero_cap_of_money(world: World) -> None:
    assert pay(world.budget(Budget(usd_day=0)), "a", 0) == "settled"


def test_without_caps_nothing_is_refused_and_all_is_counted(world: World) -> None:
    budget = world.budget()
    for _ in range(5):
        pay(budget, "a", 10**12)
    found = world.lines(budget)
    assert found[ALL, "usd_month"].spent == 5 * 10**12
    assert found["a", "calls_month"].spent == 5
    assert found["b", "calls_month"].spent == 0
    assert found[ALL, "usd_month"].left is None


def test_parts_of_a_cent_add_up_exactly(world: World) -> None:
    budget = world.budget(Budget(usd_day=0.0001))
    for _ in range(100):
        pay(budget, "a", 1)
    assert refused(budget.reserve("a", 1)).limit == 100


def test_what_cost_more_than_was_reserved_is_charged_in_full_and_shows(world: World) -> None:
    budget = world.budget(Budget(usd_day=0.001))
    assert pay(budget, "a", 100, 5_000) == "settled"
    line = world.lines(budget)[ALL, "usd_day"]
    assert (line.spent, line.overrun, line.left, line.spent_out) == (5_000, 4_900, 0, True)
    assert isinstance(budget.reserve("a", 1), Spent)


@pytest.mark.parametrize("amount", [-1, 2**60])
def test_an_amount_that_cannot_be_is_refused(world: World, amount: int) -> None:
    budget = world.budget()
    one = taken(budget.reserve("a", 1))
    with pytest.raises(ValueError, match="an amount must lie in"):
        budget.reserve("a", amount)
    with pytest.raises(ValueError, match="an amount must lie in"):
        budget.settle(one, amount)


@pytest.mark.parametrize("name", ["c", ALL, "a|b", ""])
def test_an_endpoint_that_settings_do_not_name_cannot_spend(world: World, name: str) -> None:
    with pytest.raises(ValueError, match="no judge endpoint"):
        world.budget().reserve(name, 1)


@pytest.mark.parametrize(
    ("cap", "last", "then"),
    [
        ("calls_hour", (2026, 11, 23, 12, 59, 59, 999_000), (2026, 11, 23, 13)),
        ("calls_day", (2026, 11, 23, 23, 59, 59, 999_000), (2026, 11, 24)),
        ("calls_month", (2026, 11, 30, 23, 59, 59, 999_000), (2026, 12, 1)),
        ("calls_month", (2026, 12, 31, 23, 59, 59, 999_000), (2027, 1, 1)),
        ("calls_month", (2028, 2, 29, 23, 59, 59, 999_000), (2028, 3, 1)),
        ("calls_month", (2100, 2, 28, 23, 59, 59, 999_000), (2100, 3, 1)),
    ],
)
def test_a_cap_is_counted_anew_at_the_edge_in_utc_and_not_a_millisecond_before(
    world: World, cap: str, last: tuple[int, ...], then: tuple[int, ...]
) -> None:
    budget = world.budget(Budget(**{cap: 1}))
    world.to(*last)
    pay(budget, "a", 1)
    edge = datetime(*then, tzinfo=UTC)  # type: ignore[arg-type,misc]
    assert refused(budget.reserve("a", 1)).resets_at == edge
    assert world.lines(budget)[ALL, cap].resets_at == edge
    world.to(*then)
    assert isinstance(budget.reserve("a", 1), Reservation)


def test_every_month_ends_when_the_calendar_says_so(world: World) -> None:
    budget = world.budget(Budget(calls_month=1))
    for n in range(12 * 6):
        year, month = 2026 + (11 + n) // 12, (11 + n) % 12 + 1
        world.to(year, month, calendar.monthrange(year, month)[1], 23, 59)
        pay(budget, "a", 1)
        after = world.clock.now() + timedelta(minutes=1)
        assert refused(budget.reserve("a", 1)).resets_at == after


def test_a_call_under_way_at_an_edge_counts_in_both_hours_until_it_is_settled_in_the_second(world: World) -> None:
    budget = world.budget(Budget(calls_hour=1))
    world.to(2026, 11, 23, 12, 59, 59)
    one = taken(budget.reserve("a", 1))
    assert budget.sent(one)
    world.to(2026, 11, 23, 13, 0, 1)
    assert isinstance(budget.reserve("a", 1), Spent)
    assert budget.settle(one, 1) == "settled"
    assert isinstance(budget.reserve("a", 1), Spent)


def test_a_clock_that_is_set_back_over_an_edge_gives_no_cap_anew(world: World) -> None:
    budget = world.budget(Budget(calls_hour=1))
    world.to(2026, 11, 23, 13, 0, 1)
    pay(budget, "a", 1)
    world.to(2026, 11, 23, 12, 59, 59)
    assert isinstance(budget.reserve("a", 1), Spent)
    world.to(2026, 11, 23, 13, 0, 2)
    assert isinstance(budget.reserve("a", 1), Spent)


def test_of_several_caps_the_one_is_named_that_lasts_longest(world: World) -> None:
    budget = world.budget(Budget(calls_hour=1, calls_month=1), a=Budget(calls_day=1))
    pay(budget, "a", 1)
    assert refused(budget.reserve("a", 1)).cap == "calls_month"


def test_caps_set_at_run_time_win_for_all_workers_at_once_and_older_ones_do_not_come_back(world: World) -> None:
    budget, worker = world.budget(Budget(calls_day=1)), world.budget(Budget(calls_day=1))
    pay(worker, "a", 1)
    assert isinstance(worker.reserve("a", 1), Spent)
    old = world.ledger.caps = Overrides(version=1, caps=(Override(scope=ALL, cap="calls_day", value=2),))
    budget.apply_overrides()
    assert not world.lines(budget)[ALL, "calls_day"].spent_out, "the refusal was of the cap of before"
    pay(worker, "a", 1)
    assert refused(worker.reserve("a", 1)).limit == 2
    new = world.ledger.caps = Overrides(version=2, caps=(Override(scope=ALL, cap="calls_day", value=None),))
    budget.apply_overrides()
    world.ledger.caps = old
    budget.apply_overrides()
    pay(worker, "a", 1)
    world.ledger.caps = new
    world.forget()
    world.ledger.openings.clear()
    pay(worker, "a", 1)
    pay(worker, "a", 1)


def test_going_back_to_settings_takes_a_cap_away_that_was_set(world: World) -> None:
    budget = world.budget(Budget(calls_day=1))
    world.ledger.caps = Overrides(version=1, caps=(Override(scope="a", cap="calls_hour", value=0),))
    assert isinstance(budget.reserve("a", 1), Spent)
    world.ledger.caps = Overrides(version=2)
    budget.sweep()
    assert isinstance(budget.reserve("a", 1), Reservation)


def test_what_is_left_but_too_little_for_a_call_is_spent_out_until_a_call_fits(world: World) -> None:
    budget = world.budget(Budget(usd_day=0.001))
    pay(budget, "a", 950)
    assert not world.lines(budget)[ALL, "usd_day"].spent_out
    assert isinstance(budget.reserve("a", 100), Spent)
    line = world.lines(budget)[ALL, "usd_day"]
    assert (line.left, line.spent_out) == (50, True)
    pay(budget, "a", 50, 20)
    assert not world.lines(budget)[ALL, "usd_day"].spent_out


def test_the_server_s_clock_counts_where_no_test_sets_one(world: World) -> None:
    found = SharedBudget(
        Scripts(f"redis://{HOST}:{world.server.port}/0", root_of(world.name)),
        world.ledger,
        budget=Budget(calls_month=1),
        budgets={"a": Budget()},
        lease_s=LEASE_S,
    )
    world.made.append(found)
    pay(found, "a", 1)
    seconds, micros = (int(part) for part in world.server.ask("TIME"))
    assert abs(found.look().now.timestamp() - seconds - micros / 1e6) < 60
    assert isinstance(found.reserve("a", 1), Spent)
