"""The constitutions that were ever in force here: a row a version, told apart by its hash (DESIGN §3)."""

from dataclasses import dataclass
from datetime import datetime

from monitor.scoring.constitution.model import Constitution
from monitor.store.client import Store
from monitor.store.rows import VERSION_BASE, ConstitutionRow, milliseconds, to_columns, utc


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """A version as it was recorded."""

    sha256: str
    name: str
    version: str
    body: str
    """Canonical JSON, whose sha256 is the one above."""
    first_seen: datetime
    """By the server's clock, UTC."""

    def constitution(self) -> Constitution:
        """Read the body back.

        Raises:
            pydantic.ValidationError: it was written by a version of this program that knew other fields.
        """
        return Constitution.model_validate_json(self.body)


def row(constitution: Constitution, now: datetime) -> ConstitutionRow:
    """Write a constitution as a row."""
    first_seen = milliseconds(now)
    return ConstitutionRow(
        sha256=constitution.sha256,
        name=constitution.name,
        version=constitution.version,
        body=constitution.body,
        first_seen=first_seen,
        # Of rows with one key the largest stays, and that is to be the first.
        rank=VERSION_BASE - first_seen,
    )


def record(store: Store, constitution: Constitution) -> bool:
    """Write a version down, once; say whether it was new. Durable when this returns.

    Of processes that start together several may write it: the row that was seen first stays.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    sha256 = constitution.sha256
    if any(known["sha256"] == sha256 for known in store.query("constitution_hashes")):
        return False
    now = utc(store.query("ping")[0]["now"])
    store.insert("constitutions", to_columns([row(constitution, now)]))
    return True


def recorded(store: Store) -> list[Recorded]:
    """Give all versions, in the order in which they were first seen.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    return [
        Recorded(
            sha256=found["sha256"],
            name=found["name"],
            version=found["version"],
            body=found["body"],
            first_seen=utc(found["first_seen_ms"] / 1000),
        )
        for found in store.query("constitutions")
    ]
