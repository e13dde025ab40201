"""The fake's queries that ingest asks: a function a block of queries.sql, with the block's name and parameters."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from uuid import UUID

from monitor.store.fake.database import FakeDatabase
from monitor.store.fake.reading import final, only, seconds, uuid_order, uuids
from monitor.store.fake.tables import Row
from monitor.store.rows import TABLES

_DEAD_FIELDS = ("topic", "partition", "offset", "topic_id", "record_time", "reason", "detail")
_EVENT_FIELDS = [name for name in TABLES["events"][0] if name != "event_id"]


def ping(database: FakeDatabase) -> list[Row]:
    """Say what time it is."""
    return [{"version": "fake", "now": database.now().replace(tzinfo=UTC).timestamp()}]


def policies(database: FakeDatabase) -> list[Row]:
    """Read all policies in the order in which they were made."""
    found = sorted(final(database, "policies"), key=lambda r: (r["created_at"], r["effective_from"], r["policy_id"]))
    return only(found, "body")


def constitutions(database: FakeDatabase) -> list[Row]:
    """Read every constitution that was ever in force, in the order in which they were first seen."""
    found = sorted(final(database, "constitutions"), key=lambda row: (row["first_seen"], row["sha256"]))
    return [
        {
            **{name: row[name] for name in ("sha256", "name", "version", "body")},
            "first_seen_ms": round(row["first_seen"].replace(tzinfo=UTC).timestamp() * 1000),
        }
        for row in found
    ]


def constitution_hashes(database: FakeDatabase) -> list[Row]:
    """Read the hashes of all constitutions that were ever in force."""
    return [{"sha256": name} for name in sorted({row["sha256"] for row in final(database, "constitutions")})]


def sample_digests(database: FakeDatabase, topic: str) -> list[Row]:
    """Read what the sampler decided."""
    found = [r for r in final(database, "samples") if r["topic"] == topic]
    return [
        {**row, "answer": json.loads(sample["messages"])[-1]["content"]}
        for row, sample in zip(only(found, "sample_id", "probability", "hash"), found, strict=True)
    ]


def ledger(database: FakeDatabase, since: int, until: int) -> list[Row]:
    """Count outcomes by stratum."""
    counts: dict[tuple[str, str], int] = {}
    for (_, _, _, window, stratum, outcome), offsets in database.ledger.cells.items():
        if since <= seconds(window) < until:
            counts[stratum, outcome] = counts.get((stratum, outcome), 0) + len(offsets)
    return [{"stratum": stratum, "outcome": outcome, "n": n} for (stratum, outcome), n in counts.items()]


def ledger_offsets(database: FakeDatabase, topic: str) -> list[Row]:
    """Read every offset of a topic with its outcome."""
    return [
        {
            "topic_id": topic_id,
            "partition": partition,
            "window": seconds(window),
            "stratum": stratum,
            "outcome": outcome,
            "offsets": sorted(offsets),
        }
        for (name, topic_id, partition, window, stratum, outcome), offsets in database.ledger.cells.items()
        if name == topic
    ]


def ledger_edges(database: FakeDatabase, topic: str) -> list[Row]:
    """Read the offset after the last recorded one, by incarnation and partition."""
    edges: dict[tuple[UUID, int], int] = {}
    for (name, topic_id, partition, *_), offsets in database.ledger.cells.items():
        if name == topic:
            edges[topic_id, partition] = max(edges.get((topic_id, partition), 0), max(offsets) + 1)
    return [
        {"topic_id": topic_id, "partition": partition, "next_offset": n} for (topic_id, partition), n in edges.items()
    ]


def recorded_between(
    database: FakeDatabase, topic: str, topic_id: UUID, partition: int, first: int, last: int
) -> list[Row]:
    """Read the offsets of a range that have an outcome."""
    where = (topic, *uuids([topic_id]), partition)
    cells = (held for key, held in database.ledger.cells.items() if key[:3] == where)
    return [{"offsets": sorted({offset for held in cells for offset in held if first <= offset <= last})}]


def attempts(database: FakeDatabase, stage: str, subjects: Iterable[UUID]) -> list[Row]:
    """Read earlier attempts that did not end well."""
    wanted = uuids(subjects)
    found: dict[UUID, list[Row]] = {}
    for row in final(database, "attempts"):
        if row["stage"] == stage and row["subject"] in wanted and not row["void"]:
            found.setdefault(row["subject"], []).append(row)
    return [
        {
            "subject": subject,
            "n": len(rows),
            "span": min(row["span"] for row in rows),
            "until": max(row["until"] for row in rows),
        }
        for subject, rows in found.items()
    ]


def dead_letters(database: FakeDatabase, reason: str, status: str, limit: int) -> list[Row]:
    """Read dead letters, newest first."""
    found = [
        r
        for r in final(database, "dead_letters")
        if (not reason or r["reason"] == reason) and (not status or r["status"] == status)
    ]
    found.sort(key=lambda r: (r["topic"], r["partition"], -r["offset"]))
    found.sort(key=lambda r: r["updated_at"], reverse=True)
    return only(found[:limit], *_DEAD_FIELDS, "size", "sha256", "status", "updated_at")


def events(database: FakeDatabase, since: int, kind: str, limit: int) -> list[Row]:
    """Read what befell the pipeline, newest first."""
    found = [
        r for r in final(database, "events") if seconds(r["stored_at"]) >= since and (not kind or r["kind"] == kind)
    ]
    found.sort(key=lambda r: uuid_order(r["event_id"]))
    found.sort(key=lambda r: r["at"], reverse=True)
    return only(found[:limit], *_EVENT_FIELDS)


def newest_window(database: FakeDatabase, since: int, until: int) -> list[Row]:
    """Read the newest window that has an outcome and the newest time of a sampled record, of windows in a span."""
    windows = [seconds(key[3]) for key in database.ledger.cells]
    stamps = [
        row["record_time"].replace(tzinfo=UTC).timestamp()
        for row in database.tables["samples"].rows
        if since <= seconds(row["window"]) < until
    ]
    newest = max((window for window in windows if since <= window < until), default=0)
    return [{"window": newest, "stamp": max(stamps, default=0.0)}]


_FUNCTIONS = (
    ping,
    policies,
    constitutions,
    constitution_hashes,
    newest_window,
    sample_digests,
    ledger,
    ledger_offsets,
    ledger_edges,
    recorded_between,
    attempts,
    dead_letters,
    events,
)
QUERIES: Mapping[str, Callable[..., list[Row]]] = {function.__name__: function for function in _FUNCTIONS}
