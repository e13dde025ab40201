"""The clock seam: what decisions rely on, the same from the fake that ships and from the machine's clocks."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

import pytest

from monitor.clock import Clock, FixedClock, SystemClock

STEP_S = 0.05


class Case(NamedTuple):
    """A clock, and what lets time go by for it."""

    clock: Clock
    wait: Callable[[float], None]


@pytest.fixture(params=["fake", "system"])
def case(request: pytest.FixtureRequest) -> Case:
    if request.param == "system":
        return Case(SystemClock(), time.sleep)
    fixed = FixedClock(datetime(2026, 11, 23, 13, 30, tzinfo=timezone(timedelta(hours=3))))
    return Case(fixed, fixed.advance)


def test_now_is_told_in_utc(case: Case) -> None:
    now = case.clock.now()
    assert now.tzinfo is UTC
    assert now.utcoffset() == timedelta(0)


def test_both_clocks_go_on_by_what_was_waited(case: Case) -> None:
    """The monotonic one by no less; wall time can be set by others, so it is only held to move with it."""
    now, seconds = case.clock.now(), case.clock.monotonic()
    case.wait(STEP_S)
    assert case.clock.monotonic() - seconds >= STEP_S
    assert case.clock.now() > now


def test_the_monotonic_clock_never_goes_back(case: Case) -> None:
    seen = []
    for _ in range(50):
        seen.append(case.clock.monotonic())
        case.wait(0.0001)
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]


def test_the_fake_stands_still_until_it_is_told_to_move_and_then_moves_by_exactly_that() -> None:
    start = datetime(2026, 11, 23, 10, 59, 59, 500_000, tzinfo=UTC)
    clock = FixedClock(start)
    assert (clock.now(), clock.monotonic()) == (start, 0.0)
    assert (clock.now(), clock.monotonic()) == (start, 0.0)
    clock.advance(0.75)
    assert (clock.now(), clock.monotonic()) == (start + timedelta(seconds=0.75), 0.75)
    clock.advance(3600)
    assert (clock.now(), clock.monotonic()) == (start + timedelta(hours=1, seconds=0.75), 3600.75)
