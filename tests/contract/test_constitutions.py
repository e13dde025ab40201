"""Constitutions as they are kept: each version once, with the moment it was first seen; the same from the fake."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from monitor.errors import StoreUnavailable
from monitor.scoring.constitution import Constitution, load
from monitor.store import constitutions
from monitor.store.client import Store
from monitor.store.fake import FakeDatabase, FakeStore
from monitor.store.rows import to_columns

FIRST = load()
SECOND = FIRST.model_copy(update={"version": "ikinci sürüm “ğ”"})


@pytest.fixture(params=["server", "fake"])
def place(request: pytest.FixtureRequest, store: Store) -> Iterator[Store]:
    """Give a store on a real engine, and one on the fake that ships."""
    if request.param == "server":
        yield store
    else:
        with FakeStore() as fake:
            yield fake


def write(store: Store, constitution: Constitution, at: datetime) -> None:
    """Write a row as a process does that looked before another one wrote."""
    store.insert("constitutions", to_columns([constitutions.row(constitution, at)]))


def test_nothing_is_recorded_at_first(place: Store) -> None:
    assert constitutions.recorded(place) == []


def test_a_version_is_recorded_once_and_comes_back_whole(place: Store) -> None:
    before = datetime.now(UTC)
    assert constitutions.record(place, FIRST)
    assert not constitutions.record(place, FIRST)
    (found,) = constitutions.recorded(place)
    assert found.constitution() == FIRST
    assert (found.sha256, found.name, found.version) == (FIRST.sha256, FIRST.name, FIRST.version)
    assert hashlib.sha256(found.body.encode()).hexdigest() == found.sha256
    assert abs(found.first_seen - before) < timedelta(minutes=5)


def test_each_version_is_kept_in_the_order_of_its_first_sight(place: Store) -> None:
    now = datetime(2026, 11, 23, 10, 0, 0, 123_000, tzinfo=UTC)
    write(place, SECOND, now)
    write(place, FIRST, now - timedelta(milliseconds=1))
    found = constitutions.recorded(place)
    assert [one.version for one in found] == [FIRST.version, SECOND.version]
    assert [one.first_seen for one in found] == [now - timedelta(milliseconds=1), now]


def test_of_processes_that_start_together_the_first_sight_stays(place: Store) -> None:
    now = datetime(2026, 11, 23, 10, tzinfo=UTC)
    for minutes in (5, 0, 9):
        write(place, FIRST, now + timedelta(minutes=minutes))
    (found,) = constitutions.recorded(place)
    assert found.first_seen == now
    assert not constitutions.record(place, FIRST)


def test_a_version_that_comes_back_keeps_its_first_sight(place: Store) -> None:
    for one in (FIRST, SECOND, FIRST):
        constitutions.record(place, one)
    assert {one.sha256 for one in constitutions.recorded(place)} == {FIRST.sha256, SECOND.sha256}


def test_without_a_server_the_caller_is_told_to_wait() -> None:
    database = FakeDatabase()
    database.away()
    with FakeStore(database) as store, pytest.raises(StoreUnavailable):
        constitutions.record(store, FIRST)
