"""Wrong input on the real path: each record fails alone, its neighbours are scored, the worker stays alive."""

import hashlib
import json
from typing import Any

import psutil
import pytest
from kafka import KafkaProducer

from monitor.intake import broker
from monitor.intake.batch import Dead, Position
from monitor.store.client import Store
from monitor.store.rows import dead_letter_row, to_columns
from tests.support.live import Live, wait_for

pytestmark = pytest.mark.integration

DAY_MS = 86_400_000
YEAR_1970_MS, YEAR_2100_MS = 5 * DAY_MS, 4_102_444_800_000 + 5 * DAY_MS


def conversation(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "conversation_id": name,
        "interaction_id": name,
        "messages": [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello! How can I help?"}],
        **changes,
    }


def raw(name: str, **changes: Any) -> bytes:
    return json.dumps(conversation(name, **changes)).encode()


DEAD: dict[str, bytes | None] = {
    "not JSON": b"this is not JSON",
    "empty value": b"",
    "null value": None,
    "wrong type": raw("w", messages="a text"),
    "missing field": json.dumps({"conversation_id": "m", "model": {"name": "x"}}).encode(),
    "empty conversation": raw("e", messages=[]),
    "no answer": raw("n", messages=[{"role": "user", "content": "Hello?"}]),
    "20 MB": raw("big", messages=[{"role": "assistant", "content": "x" * 20_000_000}]),
    "invalid UTF-8": b'{"conversation_id":"u","messages":[{"role":"assistant","content":"\xff\xfe"}]}',
    "depth bomb": b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a number with a million digits": b'{"conversation_id":"d","turn":' + b"1" * 1_000_000 + b',"messages":[]}',
    "not a number": b'{"conversation_id":"nan","feedback":NaN,"messages":[{"role":"assistant","content":"x"}]}',
    "duplicate keys": b'{"conversation_id":"a","conversation_id":"b","messages":[{"role":"assistant","content":"x"}]}',
    "UTF-16": json.dumps(conversation("u16")).encode("utf-16"),
}
NORMALISED: dict[str, tuple[bytes, str]] = {
    "lone-surrogate": (
        raw("lone-surrogate").replace(b"Hello! How", b"Hello \\ud800 How"),
        "surrogate",
    ),
    "nul": (raw("nul").replace(b"Hello! How", b"Hello \\u0000 How"), "nul"),
    "bom": (b"\xef\xbb\xbf" + raw("bom"), "bom"),
    "said-1970": (raw("said-1970", occurred_at="1970-01-01T00:00:00Z"), "occurred_at"),
    "said-2100": (raw("said-2100", occurred_at="2150-01-01T00:00:00Z"), "occurred_at"),
}


def sampled(store: Store, name: str) -> dict[str, Any] | None:
    rows = store.query("interaction", id=name)
    return rows[0] if rows else None


def scored(store: Store, name: str) -> bool:
    row = sampled(store, name)
    return row is not None and len(store.query("verdicts", window=row["window_s"], sample_id=row["sample_id"])) >= 8


def test_every_wrong_record_fails_alone(live: Live) -> None:
    ingest = live.child("workers.ingest")
    settings = live.settings()
    before = ledger(live)
    producer: KafkaProducer = broker.producer(settings.kafka)
    where: dict[str, tuple[int, int]] = {}
    count = 0

    def send(name: str, value: bytes | None, **options: Any) -> None:
        nonlocal count
        # One partition, so that neighbours really are neighbours.
        sent = producer.send(settings.kafka.topic, value=value, key=b"k", partition=0, **options).get(timeout=30)
        where[name] = (sent.partition, sent.offset)
        count += 1

    for number, (name, value) in enumerate(DEAD.items()):
        send(f"neighbour-{number}", raw(f"neighbour-{number}"))
        send(name, value)
    for name, (value, _) in NORMALISED.items():
        send(name, value)
    send("record in 1970", raw("stamped-1970"), timestamp_ms=YEAR_1970_MS)
    send("record in 2100", raw("stamped-2100"), timestamp_ms=YEAR_2100_MS)
    send("neighbour-last", raw("neighbour-last"))
    producer.close()

    with live.store() as store:
        names = [f"neighbour-{n}" for n in range(len(DEAD))] + ["neighbour-last", *NORMALISED]
        wait_for(lambda: all(scored(store, name) for name in names), "the neighbours' scores")
        for name, (_, mended) in NORMALISED.items():
            row = sampled(store, name)
            assert row is not None, name
            assert mended in row["normalised"], (name, row["normalised"])
        for name in (*DEAD, "record in 1970", "record in 2100"):
            found = store.query("dead_letter", partition=where[name][0], offset=where[name][1])
            assert len(found) == 1, name
            assert found[0]["reason"], name
            assert len(found[0]["evidence"].encode()) <= 70_000, name
    after = ledger(live)
    assert after["dead"] - before.get("dead", 0) == len(DEAD) + 2
    assert sum(after.values()) - sum(before.values()) == count
    assert psutil.pid_exists(ingest.pid), "the worker must live through all of it"
    assert live.child("workers.ingest").pid == ingest.pid


def ledger(live: Live) -> dict[str, int]:
    """Give records by outcome, all windows, without canaries."""
    counts: dict[str, int] = {}
    with live.store() as store:
        for row in store.query("ledger", since=0, until=2**32 - 1):
            if row["stratum"] != "_canary":
                counts[row["outcome"]] = counts.get(row["outcome"], 0) + row["n"]
    return counts


def test_a_dead_letter_is_listed_shown_and_stays_dead_while_it_cannot_be_read(live: Live) -> None:
    settings = live.settings()
    producer = broker.producer(settings.kafka)
    value = b"call me at ali.veli@example.com, this is not JSON"
    sent = producer.send(settings.kafka.topic, value=value, key=b"k").get(timeout=30)
    producer.close()
    position = [str(sent.partition), str(sent.offset)]
    listed = wait_for(
        lambda: [d for d in live.json("deadletters", "list") if [str(d["partition"]), str(d["offset"])] == position],
        "the dead letter",
    )
    assert listed[0]["reason"] == "not_json"
    shown = live.json("deadletters", "show", *position)
    assert "[EMAIL_1]" in shown["evidence"]
    assert "ali.veli" not in json.dumps(shown)
    retried = live.command("deadletters", "retry", *position)
    assert retried.returncode == 2
    assert "still unreadable" in retried.stdout
    assert live.command("deadletters", "show", "0", "999999999").returncode == 1


def test_a_dead_letter_that_can_be_read_by_now_is_sent_again_once(live: Live) -> None:
    """As after an upgrade: the record is fine for this version, but a former one had buried it."""
    settings = live.settings()
    producer = broker.producer(settings.kafka)
    value = raw("readable-by-now")
    sent = producer.send(settings.kafka.topic, value=value, key=b"k").get(timeout=30)
    producer.close()
    position = [str(sent.partition), str(sent.offset)]
    with live.store() as store:
        row = wait_for(lambda: sampled(store, "readable-by-now"), "the sample")
        buried = Dead(
            position=Position(
                topic=row["topic"], topic_id=row["topic_id"], partition=sent.partition, offset=sent.offset
            ),
            record_ms=sent.timestamp,
            window=row["window_s"],
            reason="unknown_format",
            detail="as an older version saw it",
            evidence="",
            size=len(value),
            sha256=hashlib.sha256(value).hexdigest(),
        )
        store.insert("dead_letters", to_columns([dead_letter_row(buried)]))
        done = live.command("deadletters", "retry", *position)
        assert done.returncode == 0, done.stdout + done.stderr
        again = wait_for(
            lambda: next(
                iter(r for r in [sampled(store, "readable-by-now")] if r and r["offset"] != sent.offset), None
            ),
            "the second sample",
        )
        assert again["offset"] > sent.offset
    assert live.json("deadletters", "show", *position)["status"] == "retried"
    assert "already retried" in live.command("deadletters", "retry", *position).stdout
