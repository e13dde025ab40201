"""Records that nobody should send, between good ones: each fails only itself, and nothing waits for it (I7)."""

import hashlib
import json
import signal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from monitor.config import Settings
from monitor.intake.batch import EVIDENCE_BYTES, KILLS_WORKER, Position
from monitor.intake.sampling import window_of
from monitor.intake.wire.jsontext import MAX_DEPTH
from monitor.store.client import Row, Store
from tests.support import watch
from tests.support.faults import FULL, Message, environment, ingest_all, recorded, send, worker
from tests.support.fragile_ingest import MARK
from tests.support.live import SAMPLE_ALL, settings_from, wait_for
from tests.support.oracle import Produced, check
from workers.stack.supervisor import Stack

pytestmark = pytest.mark.integration
MEGABYTE = 1024 * 1024
KILLERS = 3 if FULL else 1
MAX_STARTS = 8
"""For each record that kills."""


def good(name: str, **more: Any) -> bytes:
    """Give a record that can be read, with these members beside the usual ones."""
    usual = {
        "conversation_id": name,
        "interaction_id": name,
        "occurred_at": "2026-11-23T10:00:00Z",
        "messages": [{"role": "assistant", "content": f"Yanıt {name}."}],
    }
    return json.dumps(usual | more).encode()


def plain(name: str) -> str:
    return good(name).decode()


def nested(depth: int) -> bytes:
    return good("x", attributes={"a": "HERE"}).replace(b'"HERE"', b"[" * depth + b"]" * depth)


DEAD: dict[str, tuple[bytes | None, str]] = {
    "depth bomb": (nested(100_000), "too_deep"),
    "depth bomb without an end": (b'{"messages":' + b"[" * 1_000_000, "too_deep"),
    "just too deep": (nested(MAX_DEPTH), "too_deep"),
    "a million digits": (good("x", turn=0).replace(b'"turn": 0', b'"turn": ' + b"9" * 1_000_000), "bad_number"),
    "NaN": (good("x", feedback=float("nan")), "bad_number"),
    "Infinity": (good("x", feedback=float("inf")), "bad_number"),
    "1e999": (good("x", feedback=0).replace(b'"feedback": 0', b'"feedback": 1e999'), "bad_number"),
    "duplicate member": (b'{"messages":[],' + good("x")[1:], "duplicate_key"),
    "duplicate member inside": (
        good("x").replace(b'{"role"', b'{"role": "user", "role"'),
        "duplicate_key",
    ),
    "bad UTF-8": (good("x").replace(b"Yan", b"Yan\xff\xfe\x80"), "not_utf8"),
    "overlong UTF-8": (good("x").replace(b"Yan", b"\xc0\xaf"), "not_utf8"),
    "surrogate in UTF-8": (good("x").replace(b"Yan", b"\xed\xa0\x80"), "not_utf8"),
    "UTF-16": (plain("x").encode("utf-16"), "not_utf8"),
    "UTF-16 without a mark": (plain("x").encode("utf-16-le"), "not_utf8"),
    "UTF-32": (plain("x").encode("utf-32"), "not_utf8"),
    "no value": (None, "null_value"),
    "empty value": (b"", "not_json"),
    "space": (b" \n\t ", "not_json"),
    "cut": (good("x")[:-7], "not_json"),
    "two documents": (good("x") + good("y"), "not_json"),
    "a number": (b"17", "not_object"),
    "a list": (b"[" + good("x") + b"]", "not_object"),
    "a megabyte of no encoding": (b"\xff" * MEGABYTE, "not_utf8"),
    "a megabyte of emoji, cut": ("🙂".encode() * (MEGABYTE // 4) + b"\xf0", "not_utf8"),
    "20 MB": (good("x", attributes={"a": "b" * 20 * MEGABYTE}), "too_large"),
    "no messages": (good("x", messages=[]), "no_messages"),
    "messages of numbers": (good("x", messages=[1, 2]), "wrong_type"),
    "messages as text": (good("x", messages="hello"), "wrong_type"),
    "a role as number": (good("x", messages=[{"role": 1, "content": "a"}]), "wrong_type"),
    "a conversation id as list": (good("x", conversation_id=["a"]), "wrong_type"),
    "an interaction id as object": (good("x", interaction_id={}), "wrong_type"),
    "a turn as text": (good("x", turn="first"), "wrong_type"),
    "a turn below zero": (good("x", turn=-1), "bad_number"),
    "a turn beyond 32 bits": (good("x", turn=2**40), "bad_number"),
    "usage as text": (good("x", usage="much"), "wrong_type"),
    "tokens as list": (good("x", usage={"input_tokens": [1]}), "wrong_type"),
    "a model's name as list": (good("x", model={"name": ["m"]}), "wrong_type"),
    "attributes as list": (good("x", attributes=[1]), "wrong_type"),
    "feedback as list": (good("x", feedback=[1]), "wrong_type"),
    "a tenant as object": (good("x", tenant={"a": 1}), "wrong_type"),
    "a locale as list": (good("x", locale=["tr"]), "wrong_type"),
    "a user as list": (good("x", user_id=[1]), "wrong_type"),
}
"""Values that can never be read, and why."""

MENDED: dict[str, tuple[bytes, str]] = {
    "lone surrogate": (good("a").replace(b"Yan", b"\\ud83d Yan"), "surrogate"),
    "NUL": (good("b").replace(b"Yan", b"\\u0000Yan"), "nul"),
    "raw NUL": (good("c").replace(b"Yan", b"\0Yan"), "nul"),
    "BOM": (b"\xef\xbb\xbf" + good("d"), "bom"),
    "an absurd time": (good("e", occurred_at="9999-12-31T23:59:59Z"), "occurred_at"),
    "an id of 100,000 characters": (good("f", interaction_id="i" * 100_000), "long_id"),
}
"""Values that are read all the same, with a note of what was done to them."""

DEEP = "👩\u200d👩\u200d👧\u200d👦\u202e\u2066".encode()
KEPT: dict[str, Message] = {
    "deep unicode": Message(
        value=good("g", tenant="e" + "\u0301" * 200).replace(b"Yan", "👩‍👩‍👧‍👦\u202e\u2066".encode() * 20_000)
    ),
    "a key of a megabyte": Message(value=good("h"), key=b"k" * MEGABYTE),
    "a key of no encoding": Message(value=good("i"), key=b"\xff\xfe\x00"),
    "10,000 headers": Message(value=good("j"), headers=tuple((f"h{n}", b"x" * 20) for n in range(10_000))),
    "a header of no encoding": Message(value=good("k"), headers=(("am-locale", b"\xff\xfe"), ("", b""))),
}
"""Records that are odd and must be kept as they are."""


def test_each_poison_record_fails_only_itself(servers: Stack, tmp_path: Path) -> None:
    variables = environment(servers, "poison", SAMPLING__STRATA=SAMPLE_ALL, INGEST__MAX_RECORDS="1000")
    settings = settings_from(variables)
    odd = [
        *(Message(value=value, key=b"k", partition=0) for value, _ in DEAD.values()),
        *(Message(value=value, partition=0) for value, _ in MENDED.values()),
        *(Message(value=one.value, key=one.key, headers=one.headers, partition=0) for one in KEPT.values()),
    ]
    records: list[Message] = []
    for n, one in enumerate(odd):
        records += [Message(value=good(f"before-{n}"), partition=0), one]
    records.append(Message(value=good("last"), partition=0))
    produced = send(settings, records)
    at = {name: produced[2 * n + 1] for n, name in enumerate([*DEAD, *MENDED, *KEPT])}

    ingest_all(tmp_path, variables, len(records))

    with Store.connect(settings.clickhouse) as store:
        check(store, settings, produced)
        (topic_id,) = {row["topic_id"] for row in store.query("ledger_offsets", topic=settings.kafka.topic)}
        for name, (value, reason) in DEAD.items():
            (letter,) = store.query("dead_letter", partition=0, offset=at[name].offset)
            assert letter["reason"] == reason, name
            assert letter["size"] == len(value or b""), name
            assert text(letter["sha256"]) == hashlib.sha256(value or b"").hexdigest(), name
            assert len(letter["evidence"].encode()) <= EVIDENCE_BYTES, name
            assert letter["status"] == "open"
        assert len(store.query("dead_letters", reason="", status="", limit=1000)) == len(DEAD)
        for name, (_, note) in MENDED.items():
            assert sample(store, settings, topic_id, at[name])["normalised"] == [note], name
        for name in KEPT:
            assert sample(store, settings, topic_id, at[name])["normalised"] == [], name
    assert watch.events(settings, "crash_loop") == []


def sample(store: Store, settings: Settings, topic_id: UUID, one: Produced) -> Row:
    """Give the sample that was made of a record."""
    place = Position(topic=settings.kafka.topic, topic_id=topic_id, partition=one.partition, offset=one.offset)
    (row,) = store.query("samples_by_id", window=window_of(one.timestamp), ids=[place.sample_id])
    return row


def text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def dies(folder: Path, variables: dict[str, str], count: int) -> bool:
    """Start the fragile worker and tell whether it died; if not, all was recorded and it was stopped."""
    settings = settings_from(variables)
    with worker(folder, variables, "tests.support.fragile_ingest") as running:
        ended = running.process.poll
        wait_for(lambda: ended() is not None or recorded(settings) >= count, "a death, or all recorded", seconds=30)
        if ended() is None:
            assert running.stop() == 0, running.said()
            return False
        assert running.process.returncode == -signal.SIGKILL, running.said()
        return True


def test_a_record_that_kills_the_process_is_stepped_over_after_a_few_deaths(servers: Stack, tmp_path: Path) -> None:
    variables = environment(servers, "fragile", KAFKA__SESSION_TIMEOUT_MS="1500")
    settings = settings_from(variables)
    records = [Message(value=good(f"n-{n}"), key=str(n).encode()) for n in range(40)]
    for n in range(KILLERS):
        records.insert(15 + 2 * n, Message(value=MARK + b" %d" % n, key=b"%d" % n))
    produced = send(settings, records)
    killers = {(one.partition, one.offset): one.value or b"" for one in produced if MARK in (one.value or b"")}

    starts = 1
    while dies(tmp_path, variables, len(records)):
        starts += 1
        assert starts <= MAX_STARTS * KILLERS, "the record kills one process after another"
    assert starts > 1, "nothing died: the test proves nothing"

    with Store.connect(settings.clickhouse) as store:
        check(store, settings, produced)
        letters = store.query("dead_letters", reason=KILLS_WORKER, status="open", limit=10)
    assert {(one["partition"], one["offset"]): text(one["sha256"]) for one in letters} == {
        where: hashlib.sha256(value).hexdigest() for where, value in killers.items()
    }
    told = watch.events(settings, "crash_loop")
    assert {(one["partition"], one["first_offset"]) for one in told} == killers.keys()
    assert {one["severity"] for one in told} == {"critical"}
