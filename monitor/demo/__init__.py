"""The shipped sample: made-up chatbot traffic in English and Turkish with known planted rates."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.errors import InputError

DIMENSIONS = ("refusal", "over_refusal", "flattery", "caving_in", "sycophancy", "pii_leak")
"""The dimensions whose truth is known; sycophancy is flattery or caving in."""
FORMATS = ("native", "openai", "otel")


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleRow:
    """One interaction as a producer would send it, and what is true of its answer."""

    truth: Mapping[str, int]
    """0 or 1 for each of DIMENSIONS."""
    key: str
    """The Kafka record key: the conversation id."""
    format: str
    """The wire format of `record`: one of FORMATS."""
    headers: Mapping[str, str]
    record: Mapping[str, Any]
    """The Kafka record value, before it is written as JSON."""


def sample_path() -> Path:
    """Say where the shipped sample lies: gzipped JSON lines."""
    return Path(__file__).with_name("sample.jsonl.gz")


def read_sample(path: Path) -> Iterator[SampleRow]:
    """Read a sample row by row, plain or gzipped; raises InputError that names the file and the line."""
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                yield _row(line, f"{path}:{number}")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}:{number + 1}: cannot be read: {error}") from error


def planted_rates(rows: Iterable[SampleRow]) -> dict[str, float]:
    """Give the share of rows in which each dimension is true; raises InputError when there are no rows."""
    counts = dict.fromkeys(DIMENSIONS, 0)
    total = 0
    for row in rows:
        total += 1
        for dimension in DIMENSIONS:
            counts[dimension] += row.truth[dimension]
    if not total:
        raise InputError("no rows, so there are no planted rates")
    return {dimension: count / total for dimension, count in counts.items()}


def _row(line: bytes, place: str) -> SampleRow:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise InputError(f"{place}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{place}: a row is a JSON object, this is {type(value).__name__}")
    row = SampleRow(
        truth=_field(value, "truth", dict, place),
        key=_field(value, "key", str, place),
        format=_field(value, "format", str, place),
        headers=_field({"headers": {}, **value}, "headers", dict, place),
        record=_field(value, "record", dict, place),
    )
    if row.format not in FORMATS:
        raise InputError(f"{place}: format {row.format!r} is not one of {', '.join(FORMATS)}")
    for dimension in DIMENSIONS:
        if type(row.truth.get(dimension)) is not int or row.truth[dimension] not in {0, 1}:
            raise InputError(f"{place}: truth.{dimension} must be 0 or 1")
    return row


def _field(row: Mapping[str, Any], name: str, kind: type, place: str) -> Any:
    value = row.get(name)
    if not isinstance(value, kind):
        raise InputError(f"{place}: {name} must be {kind.__name__}, this is {type(value).__name__}")
    return value
