"""Files of conversations -> Kafka records: for replays, the demo and offline scoring."""

import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from kafka.errors import KafkaError

from monitor.config import KafkaSettings
from monitor.errors import BrokerUnavailable, InputError
from monitor.intake import broker

SEND_TIMEOUT_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a file, as the record that is sent for it."""

    value: bytes
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    occurred_at: float | None = None
    """Seconds since 1970, where the line tells; only to keep the original pace."""


@dataclass(kw_only=True)
class Sent:
    """What a replay came to."""

    count: int = 0
    failed: int = 0
    next_offsets: dict[int, int] = field(default_factory=dict)
    """By partition, the offset after the last record sent."""


def count_lines(paths: Iterable[Path]) -> int:
    """Count the lines that a replay of these files will send.

    Raises:
        InputError: a file cannot be read.
    """
    return sum(1 for path in paths for _ in _raw_lines(path))


def read_lines(path: Path) -> Iterator[Line]:
    """Read JSONL or JSONL.gz; blank lines are skipped, a line that is not JSON is passed on as it is.

    A row of a labelled set (`id` and `messages`, no `conversation_id`) becomes one of our own messages; a row with
    `record` (the shipped sample) gives what is inside; everything else is already a message and is not touched.

    Raises:
        InputError: the file cannot be read.
    """
    for raw in _raw_lines(path):
        yield line_of(raw)


def line_of(raw: bytes) -> Line:
    """Turn one line into a record."""
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError):
        return Line(value=raw)
    if not isinstance(row, dict):
        return Line(value=raw)
    if isinstance(row.get("record"), dict) and "format" in row:
        return _wrapped(row)
    if "id" in row and "messages" in row and "conversation_id" not in row and "interaction_id" not in row:
        row = _labelled(row)
        raw = _encode(row)
    key = row.get("conversation_id")
    return Line(value=raw, key=_key(key), occurred_at=_moment(row.get("occurred_at")))


def send(
    settings: KafkaSettings,
    lines: Iterable[Line],
    *,
    rate: float | None = None,
    speed: float | None = None,
    step: Callable[[], None] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Sent:
    """Send records in order and wait until all are acknowledged.

    `rate` limits to so many a second; `speed` keeps the original pace, so many times faster.

    Raises:
        BrokerUnavailable: Kafka did not take the records.
    """
    sent = Sent()
    producer = broker.producer(settings)
    start = time.monotonic()
    first: float | None = None

    def taken(metadata: Any) -> None:
        sent.count += 1
        sent.next_offsets[metadata.partition] = max(sent.next_offsets.get(metadata.partition, 0), metadata.offset + 1)

    def refused(_error: BaseException) -> None:
        sent.failed += 1

    try:
        for number, line in enumerate(lines):
            if rate:
                sleep(max(0.0, start + number / rate - time.monotonic()))
            if speed and line.occurred_at is not None:
                first = line.occurred_at if first is None else first
                sleep(max(0.0, start + (line.occurred_at - first) / speed - time.monotonic()))
            future = producer.send(settings.topic, value=line.value, key=line.key, headers=list(line.headers))
            future.add_callback(taken)
            future.add_errback(refused)
            step()
        producer.flush(timeout=SEND_TIMEOUT_S)
    except KafkaError as error:
        raise BrokerUnavailable(f"Kafka did not take the records ({type(error).__name__})") from error
    finally:
        producer.close(timeout=5)
    return sent


def _raw_lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for raw in file:
                line = raw.rstrip(b"\r\n")
                if line.strip():
                    yield line
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a whole gzip file ({error})") from error


def _wrapped(row: dict[str, Any]) -> Line:
    headers = row.get("headers") or {}
    record = row["record"]
    return Line(
        value=_encode(record),
        key=_key(row.get("key")),
        headers=tuple((str(name), str(value).encode()) for name, value in headers.items()),
        occurred_at=_moment(record.get("occurred_at")),
    )


def _labelled(row: dict[str, Any]) -> dict[str, Any]:
    messages = row["messages"]
    assistants = (
        sum(1 for m in messages if isinstance(m, dict) and m.get("role") == "assistant")
        if isinstance(messages, list)
        else 1
    )
    identifier = str(row["id"])
    made: dict[str, Any] = {
        "conversation_id": identifier,
        "interaction_id": identifier,
        "turn": max(0, assistants - 1),
        "messages": messages,
    }
    if row.get("model"):
        made["model"] = row["model"]
    if row.get("lang"):
        made["locale"] = row["lang"]
    attributes = {name: str(row[name]) for name in ("source", "split") if row.get(name)}
    if attributes:
        made["attributes"] = attributes
    return made


def _encode(value: Any) -> bytes:
    # A lone surrogate must reach the decoder as it stood in the file, not fail here.
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def _key(value: Any) -> bytes | None:
    return value.encode("utf-8", "replace") if isinstance(value, str) and value else None


def _moment(value: Any) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
