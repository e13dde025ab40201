"""Files of conversations become records: ours as they are, labelled rows as ours, rubbish untouched."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.config import KafkaSettings
from monitor.demo import sample_path
from monitor.errors import InputError
from monitor.intake import broker
from monitor.intake.replay import count_lines, line_of, read_lines, send

MESSAGES = [{"role": "user", "content": "Merhaba"}, {"role": "assistant", "content": "Merhaba!"}]


def encoded(row: Any) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode()


def test_a_labelled_row_becomes_a_message_of_ours() -> None:
    line = line_of(encoded({"id": "r-1", "lang": "tr", "model": "m-1", "messages": MESSAGES, "label_refusal": None}))
    sent = json.loads(line.value)
    assert next(iter(sent)) == "conversation_id", "first, so that an unsampled record is never parsed"
    assert (sent["conversation_id"], sent["interaction_id"], sent["turn"]) == ("r-1", "r-1", 0)
    assert (sent["locale"], sent["model"], sent["messages"]) == ("tr", "m-1", MESSAGES)
    assert "label_refusal" not in sent, "the truth must not travel with the question"
    assert line.key == b"r-1"


def test_a_message_of_ours_is_sent_byte_for_byte() -> None:
    raw = b'{ "conversation_id" : "c-1",  "messages": [] }'
    assert line_of(raw).value == raw
    assert line_of(raw).key == b"c-1"


def test_a_row_of_the_shipped_sample_gives_the_record_inside_without_its_truth() -> None:
    lines = list(read_lines(sample_path()))
    assert len(lines) == count_lines([sample_path()]) == 2000
    assert all(line.key for line in lines)
    assert not any(b'"truth"' in line.value for line in lines)


@pytest.mark.parametrize("raw", [b"not json", b"[1, 2]", b'"text"', b"\xff\xfe", b"{" * 100_000])
def test_what_is_no_object_is_passed_on_as_it_is(raw: bytes) -> None:
    assert line_of(raw).value == raw


def test_a_lone_surrogate_in_a_labelled_row_reaches_the_decoder() -> None:
    raw = b'{"id":"s","messages":[{"role":"assistant","content":"\\ud800"}]}'
    assert b"\\ud800" in line_of(raw).value


class FakeProducer:
    """Takes records at once and remembers them."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def send(self, _topic: str, *, value: bytes, key: bytes | None, headers: list[tuple[str, bytes]]) -> "FakeProducer":
        assert key is None or isinstance(key, bytes)
        assert headers == []
        self.values.append(value)
        return self

    def add_callback(self, taken: Callable[[Any], None]) -> None:
        taken(SimpleNamespace(partition=0, offset=len(self.values) - 1))

    def add_errback(self, _refused: object) -> None: ...

    def flush(self, timeout: float) -> None: ...

    def close(self, timeout: float) -> None: ...


@pytest.mark.parametrize(
    ("rate", "speed", "waits"),
    [(10.0, None, [0.0, 0.1, 0.2]), (None, 60.0, [0.0, 1.0, 2.0]), (None, None, [])],
)
def test_a_replay_keeps_the_rate_or_the_pace_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, rate: float | None, speed: float | None, waits: list[float]
) -> None:
    producer = FakeProducer()
    monkeypatch.setattr(broker, "producer", lambda _settings: producer)
    monkeypatch.setattr("monitor.intake.replay.time.monotonic", lambda: 1000.0)
    lines = [
        line_of(encoded({"conversation_id": "c", "occurred_at": f"2026-11-01T10:0{minute}:00Z", "messages": MESSAGES}))
        for minute in range(3)
    ]
    slept: list[float] = []
    sent = send(KafkaSettings(), lines, rate=rate, speed=speed, sleep=slept.append)
    assert slept == pytest.approx(waits)
    assert (sent.count, sent.failed, sent.next_offsets) == (3, 0, {0: 3})


def test_blank_lines_are_skipped_and_gzip_is_read(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl.gz"
    file.write_bytes(gzip.compress(b'\n{"id":"1","messages":[]}\r\n\n{"id":"2","messages":[]}'))
    assert [json.loads(line.value)["interaction_id"] for line in read_lines(file)] == ["1", "2"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(gzip.compress(b'{"id":"1"}\n' * 1000)[:40])
    plain = tmp_path / "plain.jsonl.gz"
    plain.write_text("not gzip")
    for path in (torn, plain, tmp_path / "missing.jsonl", tmp_path):
        with pytest.raises(InputError, match=path.name):
            list(read_lines(path))
