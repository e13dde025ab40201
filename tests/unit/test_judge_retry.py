"""When a judge's endpoint is asked again, and when it is left alone."""

import asyncio
from datetime import UTC, datetime

import pytest

from monitor.clock import FixedClock
from monitor.scoring.judge.call import JudgeUnavailable
from monitor.scoring.judge.transport.breaker import Breaker
from monitor.scoring.judge.transport.limits import Slot, Slots
from monitor.scoring.judge.transport.retry import Patience, asked_wait

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:09 GMT"}, 9.0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:09 -0000"}, 9.0),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "Mon, 99 Nov 99999 12:00:09 GMT"}, None),
    ],
)
def test_the_wait_that_is_asked_for_is_read_in_each_form(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers, NOW) == seconds


def test_waits_grow_up_to_a_limit_and_are_spread_from_nothing_on() -> None:
    patience = Patience(tries=9, deadline_s=99, first_s=1, longest_s=5)
    for number, most in ((1, 1), (2, 2), (3, 4), (4, 5), (9, 5)):
        waits = [patience.wait_s(number, None) for _ in range(400)]
        assert 0 <= min(waits) < most / 10
        assert most * 0.9 < max(waits) <= most


def test_what_is_asked_for_is_never_cut_short_and_never_the_same_for_two() -> None:
    waits = [Patience(tries=3, deadline_s=99).wait_s(1, 4.0) for _ in range(100)]
    assert min(waits) >= 4
    assert len(set(waits)) > 1


def made(clock: FixedClock, **settings: float) -> Breaker:
    return Breaker(name="first", clock=clock, **{"failures": 3, "window": 10, "pause_s": 30, **settings})  # type: ignore[arg-type]


def went(breaker: Breaker, *ends: str) -> None:
    for end in ends:
        with breaker.passage() as passage:
            if end != "neither":
                getattr(passage, end)()


def refuses(breaker: Breaker) -> bool:
    try:
        went(breaker, "neither")
    except JudgeUnavailable:
        return True
    return False


def test_failures_in_a_row_open_the_circuit_and_a_good_one_between_starts_anew() -> None:
    breaker = made(FixedClock(NOW))
    went(breaker, "failed", "failed", "fine", "failed", "failed", "neither")
    assert not refuses(breaker)
    went(breaker, "failed")
    assert refuses(breaker)


def test_a_share_of_failures_opens_it_though_they_never_follow_each_other() -> None:
    breaker = made(FixedClock(NOW))
    went(breaker, *["fine", "failed"] * 4, "fine")
    assert not refuses(breaker)
    went(breaker, "failed")
    assert refuses(breaker)


@pytest.mark.parametrize(("end", "open_after"), [("fine", False), ("failed", True), ("neither", False)])
def test_after_the_pause_one_try_decides(end: str, open_after: bool) -> None:
    clock = FixedClock(NOW)
    breaker = made(clock)
    went(breaker, "failed", "failed", "failed")
    clock.advance(29.9)
    assert refuses(breaker)
    clock.advance(0.1)
    with breaker.passage() as probe:
        assert refuses(breaker)
        if end != "neither":
            getattr(probe, end)()
    assert refuses(breaker) == open_after


def test_a_try_that_began_before_the_circuit_opened_does_not_close_it() -> None:
    breaker = made(FixedClock(NOW))
    with breaker.passage() as old:
        went(breaker, "failed", "failed", "failed")
        old.fine()
    assert refuses(breaker)


def test_a_refused_round_halves_the_places_once_and_good_calls_bring_them_back() -> None:
    async def run() -> list[int]:
        slots, limits = Slots(8), []
        async with slots.one() as first, slots.one() as second:
            slots.too_many(first)
            slots.too_many(second)
            limits.append(slots.limit)
        for _ in range(4 + 5):
            slots.fine()
        limits.append(slots.limit)
        for _ in range(9):
            async with slots.one() as later:
                slots.too_many(later)
        return [*limits, slots.limit]

    assert asyncio.run(run()) == [4, 6, 1]


def test_places_are_given_in_order_and_survive_those_who_leave() -> None:
    async def run() -> list[int]:
        slots, order = Slots(1), list[int]()

        async def call(number: int) -> None:
            async with slots.one() as slot:
                assert isinstance(slot, Slot)
                order.append(number)

        async with slots.one():
            calls = [asyncio.create_task(call(number)) for number in range(5)]
            await asyncio.sleep(0)
            calls[1].cancel()
            await asyncio.sleep(0)
        # The first has its place granted by now, and has not run yet.
        calls[0].cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await call(5)
        return order

    assert asyncio.run(run()) == [2, 3, 4, 5]
