"""The sampling decision: pure, keyed, uniform, and by the policy of the record's own time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.intake.sampling import (
    TWO_64,
    Policy,
    PolicyHistory,
    Stratum,
    hasher,
    next_window,
    stratifier,
    window_of,
)

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
ALL = Stratum(name="all", probability=0.5)


def policy(*strata: Stratum, start: datetime = START) -> Policy:
    return Policy(effective_from=start, strata=strata or (ALL,))


def test_the_same_key_gives_the_same_hash_and_another_key_another() -> None:
    assert hasher(b"k" * 16)(b"c-1") == hasher(b"k" * 16)(b"c-1")
    assert hasher(b"k" * 16)(b"c-1") != hasher(b"j" * 16)(b"c-1")


def test_the_hash_is_uniform() -> None:
    hash64 = hasher(b"k" * 16)
    n = 40_000
    below = [sum(hash64(b"c-%d" % i) < p * TWO_64 for i in range(n)) / n for p in (0.01, 0.1, 0.5)]
    assert below == pytest.approx([0.01, 0.1, 0.5], abs=0.01)


@given(st.floats(min_value=1e-9, max_value=1.0), st.floats(min_value=1e-9, max_value=1.0), st.integers(0, TWO_64 - 1))
def test_a_higher_probability_never_drops_what_a_lower_one_kept(p: float, q: float, hash64: int) -> None:
    low, high = sorted((p, q))
    kept_low = hash64 < Stratum(name="s", probability=low).threshold
    kept_high = hash64 < Stratum(name="s", probability=high).threshold
    assert kept_high or not kept_low


def test_probability_one_keeps_even_the_largest_hash() -> None:
    assert Stratum(name="s", probability=1.0).threshold > TWO_64 - 1


def test_the_first_stratum_that_fits_wins() -> None:
    stratum_of = stratifier(
        policy(
            Stratum(name="tr-pushback", when={"locale": ("tr",), "trigger": ("pushback",)}, probability=1.0),
            Stratum(name="pushback", when={"trigger": ("pushback",)}, probability=0.5),
            Stratum(name="rest", probability=0.1),
        )
    )
    assert stratum_of(b'{"locale":"tr","m":"Emin misin?"}', ()).name == "tr-pushback"
    assert stratum_of(b'{"locale":"en","m":"Are you sure?"}', ()).name == "pushback"
    assert stratum_of(b'{"locale":"tr","m":"Merhaba"}', ()).name == "rest"


def test_a_header_wins_over_the_body_and_text_in_quotes_is_no_field() -> None:
    stratum_of = stratifier(
        policy(Stratum(name="tr", when={"locale": ("tr",)}, probability=1.0), Stratum(name="rest", probability=0.1))
    )
    assert stratum_of(b'{"locale":"en"}', (("am-locale", b"tr"),)).name == "tr"
    # What a user types is escaped inside the JSON and cannot steer the stratum.
    assert stratum_of(b'{"content":"\\"locale\\":\\"tr\\"","locale":"en"}', ()).name == "rest"


@pytest.mark.parametrize("text", ["Yanılıyorsun bence", "That\u2019s wrong", "YOU ARE WRONG"])
def test_a_trigger_is_found_in_utf8_and_in_escaped_json(text: str) -> None:
    stratum_of = stratifier(
        policy(Stratum(name="p", when={"trigger": ("pushback",)}, probability=1.0), Stratum(name="r", probability=0.1))
    )
    escaped = text.encode("ascii", "backslashreplace")
    escaped = text.replace("ı", "\\u0131").replace("\u2019", "\\u2019").encode()
    assert stratum_of(text.encode(), ()).name == "p"
    assert stratum_of(escaped, ()).name == "p"


def test_a_record_gets_the_policy_of_its_own_time_whenever_it_is_read() -> None:
    old = policy(Stratum(name="old", probability=0.1), start=datetime.fromtimestamp(0, UTC))
    new = policy(Stratum(name="new", probability=0.9), start=START)
    history = PolicyHistory([old, new])
    edge = int(START.timestamp())
    assert history.at(edge - 3600).strata[0].name == "old"
    assert history.at(edge).strata[0].name == "new"
    assert PolicyHistory([new]).at(0).strata[0].name == "new", "the earliest policy covers the time before it"


def test_of_two_policies_that_start_alike_the_later_made_counts() -> None:
    first, second = policy(Stratum(name="first", probability=0.1)), policy(Stratum(name="second", probability=0.1))
    assert PolicyHistory([first, second]).latest.strata[0].name == "second"
    assert PolicyHistory([second, first]).latest.strata[0].name == "first"


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2090, 1, 1)))  # noqa: DTZ001 - made aware below
def test_a_new_policy_starts_on_an_edge_that_every_worker_will_have_heard_of(naive: datetime) -> None:
    now = naive.replace(tzinfo=UTC)
    start = next_window(now)
    assert int(start.timestamp()) % 3600 == 0
    assert timedelta(seconds=119) <= start - now <= timedelta(seconds=3600 + 120)


def test_windows_are_hours_of_record_time() -> None:
    ms = int(START.timestamp() * 1000)
    assert window_of(ms) == window_of(ms + 3_599_999) == int(START.timestamp())
    assert window_of(ms + 3_600_000) == int(START.timestamp()) + 3600


@pytest.mark.parametrize(
    ("strata", "message"),
    [
        ((Stratum(name="a", when={"locale": ("tr",)}, probability=0.5),), "no `when`"),
        ((ALL, Stratum(name="b", probability=0.5)), "not the last"),
        ((Stratum(name="a", when={"locale": ("tr",)}, probability=0.5), Stratum(name="a", probability=0.5)), "differ"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(strata: tuple[Stratum, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        policy(*strata)


@pytest.mark.parametrize("probability", [0.0, -0.1, 1.1, float("nan")])
def test_a_probability_outside_zero_to_one_is_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        Stratum(name="s", probability=probability)


def test_a_name_that_could_pass_for_one_of_ours_is_refused() -> None:
    with pytest.raises(ValueError, match="name"):
        Stratum(name="_canary", probability=0.5)
