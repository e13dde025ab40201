"""What a call costs is rounded up, and what it can cost at most is more than any tokenizer can make of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.scoring.judge.budget.model import ALL, MOST_MICRO_USD, limits, micro, settings_caps
from monitor.scoring.judge.budget.prices import (
    OVERHEAD_TOKENS,
    cost,
    most_of_a_call,
    most_of_a_try,
    most_tokens,
)
from monitor.scoring.judge.call import Prompt, Usage
from monitor.scoring.judge.settings import Budget, JudgeEndpoint, Price

CHEAP = Price(input=0.15, output=0.6, cached=0.075)
PRICES = st.builds(
    Price,
    input=st.floats(0, 100),
    output=st.floats(0, 100),
    cached=st.none() | st.floats(0, 100),
)
TEXTS = st.text(max_size=60)


def endpoint(price: Price | None, **more: Any) -> JudgeEndpoint:
    return JudgeEndpoint(name="one", model="m", price=price, **more)


@pytest.mark.parametrize(
    ("price", "usage", "expected"),
    [
        (CHEAP, Usage(), 0),
        (CHEAP, Usage(input=1_000_000), 150_000),
        (CHEAP, Usage(output=1_000_000), 600_000),
        (CHEAP, Usage(input=1_000_000, cached=1_000_000), 75_000),
        (Price(input=0.15, output=0.6), Usage(input=1_000_000, cached=1_000_000), 150_000),
        # 0.15 of a millionth is one whole one.
        (CHEAP, Usage(input=1), 1),
        (CHEAP, Usage(input=20), 3),
        (CHEAP, Usage(input=21), 4),
        # In binary floating point 0.1 * 30 is a little more than 3.
        (Price(input=0.1, output=0), Usage(input=30), 3),
        (Price(input=0, output=0), Usage(input=10**12, output=10**12), 0),
    ],
)
def test_a_cost_is_exact_in_tenths_and_rounded_up_once(price: Price, usage: Usage, expected: int) -> None:
    assert cost(price, usage) == expected


@pytest.mark.parametrize(
    "usage", [Usage(input=-5, output=-5, cached=-5), Usage(input=0, cached=10**9), Usage(input=-1, cached=1)]
)
def test_counts_that_cannot_be_neither_earn_money_nor_lower_the_cost_below_none(usage: Usage) -> None:
    assert cost(CHEAP, usage) == 0


def test_more_cached_than_was_sent_is_all_of_it() -> None:
    assert cost(CHEAP, Usage(input=1_000_000, cached=5_000_000)) == 75_000


def test_an_endpoint_that_counts_absurdly_cannot_break_the_counters() -> None:
    assert cost(CHEAP, Usage(input=10**40)) == MOST_MICRO_USD


@pytest.mark.parametrize(
    ("text", "bytes_at_least"),
    [("", 0), ("abc", 3), ("ığüşöç", 12), ("🦜", 4), ("\ufdfa", 33), ("\U0001d160", 12), ("\udcff", 3)],
)
def test_a_text_has_at_most_as_many_tokens_as_its_longest_normal_form_has_bytes(text: str, bytes_at_least: int) -> None:
    assert most_tokens(text) >= bytes_at_least


@given(TEXTS, TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=3), PRICES, st.floats(0, 1), st.integers(0, 700))
def test_no_count_that_a_tokenizer_can_come_to_costs_more_than_the_bound(
    system: str, user: str, schema: dict[str, str], price: Price, cached: float, output: int
) -> None:
    prompt = Prompt(system=system, user=user, schema=schema)
    one = endpoint(price)
    sent = len((system + user + str(schema)).encode("utf-8", "surrogatepass")) + OVERHEAD_TOKENS
    used = Usage(input=sent, output=output, cached=int(sent * cached))
    assert cost(price, used) <= most_of_a_try(one, prompt) <= most_of_a_call(one, prompt)


def test_all_tries_of_a_call_are_reserved_for_since_a_timeout_may_be_billed() -> None:
    prompt = Prompt(system="s", user="u", schema={})
    one = endpoint(Price(input=1, output=1), tries=4, max_tokens=700)
    assert most_of_a_try(one, prompt) == 1 + 1 + 4 + OVERHEAD_TOKENS + 700
    assert most_of_a_call(one, prompt) == 4 * most_of_a_try(one, prompt)


def test_an_endpoint_without_a_price_has_no_bound() -> None:
    with pytest.raises(ValueError, match="one has no price"):
        most_of_a_try(endpoint(None), Prompt(system="", user="", schema={}))


@pytest.mark.parametrize(
    ("dollars", "expected"), [(0, 0), (20, 20_000_000), (0.1, 100_000), (0.0000019, 1), (float("inf"), 10**15)]
)
def test_a_cap_is_rounded_down_to_whole_millionths(dollars: float, expected: int) -> None:
    assert micro(dollars) == expected


def test_only_caps_that_are_set_are_caps_and_zero_is_one() -> None:
    assert limits(Budget()) == {}
    assert limits(Budget(usd_day=0, calls_month=0)) == {"usd_day": 0, "calls_month": 0}
    found = settings_caps(Budget(usd_day=1.5), {"one": Budget(calls_hour=7)})
    assert found == {f"{ALL}|usd_day": 1_500_000, "one|calls_hour": 7}
