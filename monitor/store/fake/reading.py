"""What the fake's queries share: reading tables, and the server's ways with times and ids."""

from calendar import timegm
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from monitor.store.fake.database import FakeDatabase
from monitor.store.fake.tables import Row

_LOW_64 = 2**64 - 1


def final(database: FakeDatabase, table: str) -> list[Row]:
    """Read a table with FINAL."""
    return list(database.tables[table].final())


def only(rows: Iterable[Row], *names: str) -> list[Row]:
    """Give these columns of the rows."""
    return [{name: row[name] for name in names} for row in rows]


def uuids(ids: Iterable[UUID | str]) -> set[UUID]:
    """Read ids as the server does, which takes text too."""
    return {one if isinstance(one, UUID) else UUID(one) for one in ids}


def seconds(moment: datetime) -> int:
    """Give seconds since 1970 of a moment as the client gives it: UTC without a zone."""
    return timegm(moment.timetuple())


def uuid_order(one: UUID) -> tuple[int, int]:
    """Give what the server sorts ids by: their second half comes first."""
    return one.int & _LOW_64, one.int >> 64
