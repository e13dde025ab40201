"""The console's small parts: how numbers are written, and how connections are lent."""

import math
import socket
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from monitor.clock import FixedClock
from monitor.errors import BrokerUnavailable, StoreRejected, StoreUnavailable
from monitor.review.data import Lag
from monitor.review.formats import Formats
from monitor.review.lag import LagReader, knock
from monitor.review.pool import StorePool
from monitor.review.security import allowed_hosts
from monitor.review.views import rates_table
from monitor.review.words import Words
from monitor.store.client import Store
from tests.support.console import FLATTERY, NOW, REFUSAL, estimate, rate


@pytest.mark.parametrize(
    ("share", "english", "turkish"),
    [
        (None, "–", "–"),
        (math.nan, "–", "–"),
        (0.0, "0 %", "%0"),
        (1.0, "100 %", "%100"),
        (0.0712, "7.1 %", "%7,1"),
        (0.0038, "0.38 %", "%0,38"),
        (0.00042, "0.042 %", "%0,042"),
        (0.000001, "<0.001 %", "<%0,001"),
        (0.99996, ">99.9 %", ">%99,9"),
        (0.9994, "99.9 %", "%99,9"),
    ],
)
def test_a_share_is_never_rounded_to_none_or_all(share: float | None, english: str, turkish: str) -> None:
    assert Formats("en").percent(share).replace("\u202f", " ") == english
    assert Formats("tr").percent(share) == turkish


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0.0 s"), (3.24, "3.2 s"), (42, "42 s"), (119, "119 s"), (150, "2 min"), (7_300, "2 h"), (172_900, "2 days")],
)
def test_a_duration_is_written_in_its_largest_fitting_unit(seconds: float, text: str) -> None:
    assert Formats("en").duration(seconds).replace("\u202f", " ") == text


def test_other_numbers() -> None:
    english, turkish = Formats("en"), Formats("tr")
    assert (english.number(1_234_567.5, 1), turkish.number(1_234_567.5, 1)) == ("1,234,567.5", "1.234.567,5")
    assert (english.probability(0.25), turkish.probability(0.25), english.probability(1.0)) == ("0.25", "0,25", "1")
    assert english.probability(0.0000123) == "1.23e-05"
    assert [english.size(n).replace("\u202f", " ") for n in (9, 2_048, 3_670_016)] == ["9 B", "2.0 KiB", "3.5 MiB"]
    assert english.round_percent(0.95).replace("\u202f", " ") == "95 %"
    assert english.round_percent(0.999).replace("\u202f", " ") == "99.9 %"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.9"])
def test_a_loopback_address_means_its_names_only(host: str) -> None:
    hosts = allowed_hosts(host)
    assert {"127.0.0.1", "localhost", "[::1]"} <= set(hosts)
    assert "*" not in hosts


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "console.internal"])
def test_another_address_means_any_name(host: str) -> None:
    assert allowed_hosts(host) == ["*"]


def test_one_wide_interval_does_not_flatten_the_others() -> None:
    narrow = [rate(estimate(0.03, 0.02, 0.04)) for _ in range(4)]
    wide = rate(estimate(0.03, 0.0, 0.9), scorer=FLATTERY)
    table = rates_table([*narrow, wide], scorers=(REFUSAL, FLATTERY), words=Words("en"), formats=Formats("en"))
    assert table.axis == 0.05
    assert [row.band.cut for row in table.rows] == [False] * 4 + [True]
    assert all(row.band.left + row.band.width <= 100.0 for row in table.rows)


def test_every_rate_lies_on_the_axis() -> None:
    rates = [rate(estimate(0.001, 0.0, 0.002)) for _ in range(9)] + [rate(estimate(0.6, 0.5, 0.7), scorer=FLATTERY)]
    table = rates_table(rates, scorers=(REFUSAL, FLATTERY), words=Words("en"), formats=Formats("en"))
    assert table.axis == 1.0


def test_a_table_without_data_can_be_laid_out() -> None:
    table = rates_table([], scorers=(), words=Words("tr"), formats=Formats("tr"))
    assert (table.rows, table.groups, table.axis) == ((), (), 1.0)


class Connections:
    """Makes stores that only remember whether they were closed."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    def __call__(self) -> Store:
        """Make one."""
        one = SimpleNamespace(closed=False)
        one.close = lambda: setattr(one, "closed", True)
        self.made.append(one)
        return cast("Store", one)


def test_a_connection_is_used_again() -> None:
    connect = Connections()
    pool = StorePool(connect)
    for _ in range(3):
        with pool.borrow():
            pass
    assert len(connect.made) == 1
    pool.close()
    assert connect.made[0].closed


def test_two_borrowers_never_share_a_connection_and_few_stay_idle() -> None:
    connect = Connections()
    pool = StorePool(connect, keep=1)
    with pool.borrow() as one, pool.borrow() as other:
        assert one is not other
    assert sorted(store.closed for store in connect.made) == [False, True]


def test_a_connection_that_failed_is_closed_and_one_that_was_answered_is_kept() -> None:
    connect = Connections()
    pool = StorePool(connect)
    with pytest.raises(StoreUnavailable), pool.borrow():
        raise StoreUnavailable("gone")
    assert connect.made[0].closed
    with pytest.raises(StoreRejected), pool.borrow():
        raise StoreRejected("no")
    assert not connect.made[1].closed


def test_the_lag_is_asked_for_now_and_then() -> None:
    clock, answers = FixedClock(NOW), iter([5, 3])
    lag = LagReader(lambda: next(answers), clock)
    assert [lag().behind, lag().behind] == [5, 5]
    clock.advance(11)
    assert lag().behind == 3


def test_a_lag_that_kafka_does_not_tell_is_not_asked_for_at_once_again() -> None:
    clock, asked = FixedClock(NOW), []

    def ask() -> int:
        asked.append(clock.monotonic())
        raise BrokerUnavailable("away")

    lag = LagReader(ask, clock)
    assert lag() == lag() == Lag(behind=None, note="away")
    clock.advance(11)
    lag()
    assert asked == [0.0]
    clock.advance(20)
    lag()
    assert asked == [0.0, 31.0]


def test_while_one_thread_asks_the_others_do_not_wait() -> None:
    asking, answer = threading.Event(), threading.Event()

    def ask() -> int:
        asking.set()
        assert answer.wait(10)
        return 7

    lag = LagReader(ask, FixedClock(NOW))
    slow = threading.Thread(target=lag)
    slow.start()
    assert asking.wait(10)
    assert lag().behind is None
    answer.set()
    slow.join(10)
    assert lag().behind == 7


def test_a_broker_is_knocked_at_before_it_is_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        knock(f"127.0.0.1:1, 127.0.0.1:{port}")
    with pytest.raises(BrokerUnavailable, match="Kafka does not answer"):
        knock(f"127.0.0.1:{port},nonsense")
