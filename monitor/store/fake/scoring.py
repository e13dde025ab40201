"""The fake's queries that scoring asks: a function a block of queries.sql, with the block's name and parameters."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from monitor.intake.sampling import CANARY_STRATUM
from monitor.store.fake.database import FakeDatabase
from monitor.store.fake.reading import final, only, seconds, uuid_order, uuids
from monitor.store.fake.tables import Row
from monitor.store.rows import TABLES

_NOT_SCORED = {"window", "topic", "topic_id", "partition", "offset", "record_time", "stratum", "policy_id", "masked"}
_SCORED_FIELDS = [name for name in TABLES["samples"][0] if name not in _NOT_SCORED | {"probability", "hash"}]


def samples_by_id(database: FakeDatabase, window: int, ids: Iterable[UUID]) -> list[Row]:
    """Read the named samples of one window."""
    wanted = uuids(ids)
    found = [r for r in final(database, "samples") if seconds(r["window"]) == window and r["sample_id"] in wanted]
    return only(sorted(found, key=lambda r: uuid_order(r["sample_id"])), *_SCORED_FIELDS)


def terminal(database: FakeDatabase, window: int, ids: Iterable[UUID], scorers: Iterable[str]) -> list[Row]:
    """Read which scorers have a terminal row for which samples."""
    wanted, of = uuids(ids), set(scorers)
    found = {
        (r["sample_id"], r["scorer_id"])
        for r in database.tables["scores"].rows
        if seconds(r["window"]) == window and r["sample_id"] in wanted and r["scorer_id"] in of
    }
    return [{"sample_id": sample_id, "scorer_id": scorer_id} for sample_id, scorer_id in found]


def due(database: FakeDatabase, oldest_s: int, settled_ms: int, scorers: list[str], limit: int) -> list[Row]:
    """Find samples that lack a terminal row, in order of hash over probability inside a window."""
    first = database.now() - timedelta(seconds=oldest_s)
    last = database.now() - timedelta(milliseconds=settled_ms)
    done: dict[tuple[datetime, UUID], set[str]] = {}
    for row in database.tables["scores"].rows:
        if row["scorer_id"] in scorers:
            done.setdefault((row["window"], row["sample_id"]), set()).add(row["scorer_id"])
    waiting: dict[tuple[datetime, UUID], float] = {}
    for row in database.tables["samples"].rows:
        if first <= row["ingested_at"] <= last:
            waiting.setdefault((row["window"], row["sample_id"]), row["hash"] / row["probability"])
    found = [
        (-seconds(window), order, sample_id)
        for (window, sample_id), order in waiting.items()
        if len(done.get((window, sample_id), ())) < len(scorers)
    ]
    found.sort(key=lambda one: one[:2])
    return [{"window": -minus, "sample_id": sample_id} for minus, _, sample_id in found[:limit]]


def due_depth(database: FakeDatabase, recent_s: int, scorers: list[str]) -> list[Row]:
    """Count verdicts that are due; exact, where the server is nearly so."""
    first = database.now() - timedelta(seconds=recent_s)
    recent = {(r["window"], r["sample_id"]) for r in database.tables["samples"].rows if r["ingested_at"] >= first}
    windows = {window for window, _ in recent}
    done = {
        (r["sample_id"], r["scorer_id"])
        for r in database.tables["scores"].rows
        if r["window"] in windows and r["scorer_id"] in scorers
    }
    return [{"due": max(0, len(recent) * len(scorers) - len(done))}]


def verdicts(database: FakeDatabase, window: int, sample_id: UUID) -> list[Row]:
    """Read the visible terminal rows of one sample."""
    names = {r["scorer_id"]: r["name"] for r in final(database, "scorers")}
    (wanted,) = uuids([sample_id])
    found = [r for r in final(database, "scores") if (seconds(r["window"]), r["sample_id"]) == (window, wanted)]
    return [
        {
            "dimension": r["dimension"],
            "scorer_id": r["scorer_id"],
            "kind": r["scorer_kind"],
            "name": names.get(r["scorer_id"], ""),
            **only([r], "status", "value", "label", "reason", "scored_at")[0],
        }
        for r in sorted(found, key=lambda r: (r["dimension"], r["scorer_id"]))
    ]


def score_digests(database: FakeDatabase) -> list[Row]:
    """Read every visible terminal row."""
    found = final(database, "scores")
    names = ("sample_id", "dimension", "scorer_id", "status", "value", "reason")
    return [{"window": seconds(r["window"]), **only([r], *names)[0]} for r in found]


def scoring_deaths(database: FakeDatabase, window: int, ids: Iterable[UUID]) -> list[Row]:
    """Read attempts to score that led to no terminal row and were not voided."""
    wanted = uuids(ids)
    ended: dict[UUID, datetime] = {}
    for row in database.tables["scores"].rows:
        if seconds(row["window"]) == window and row["sample_id"] in wanted:
            ended[row["sample_id"]] = max(row["stored_at"], ended.get(row["sample_id"], row["stored_at"]))
    found: dict[UUID, list[int]] = {}
    for row in final(database, "attempts"):
        subject = row["subject"]
        open_attempt = row["stage"] == "score" and subject in wanted and not row["void"]
        if open_attempt and (subject not in ended or row["at"] > ended[subject]):
            found.setdefault(subject, []).append(row["span"])
    return [{"subject": subject, "n": len(spans), "span": min(spans)} for subject, spans in found.items()]


def embeddings(database: FakeDatabase, since: int, until: int, embedder: str, part: str, limit: int) -> list[Row]:
    """Read vectors of a span's samples, in order of hash over probability."""
    samples = {
        (r["window"], r["sample_id"]): r
        for r in final(database, "samples")
        if since <= seconds(r["window"]) < until and r["stratum"] != CANARY_STRATUM
    }
    found = [
        only([samples[key]], "sample_id", "probability", "hash")[0] | only([r], "scale", "vector")[0]
        for r in final(database, "embeddings")
        if (r["embedder"], r["part"]) == (embedder, part) and (key := (r["window"], r["sample_id"])) in samples
    ]
    found.sort(key=lambda r: (r["hash"] / r["probability"], uuid_order(r["sample_id"])))
    return found[:limit]


_FUNCTIONS = (samples_by_id, terminal, due, due_depth, verdicts, score_digests, scoring_deaths, embeddings)
QUERIES: Mapping[str, Callable[..., list[Row]]] = {function.__name__: function for function in _FUNCTIONS}
