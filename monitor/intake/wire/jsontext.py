"""Bytes to a JSON value that is safe to work on: bounded depth and numbers, one meaning, storable text.

The standard library's parser is used and not pydantic's faster one: it accepts lone surrogates, which are
mended here, and lets duplicate members be seen, of which the other silently keeps the last.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from monitor.intake.wire.malformed import Reason, WireError

MAX_DEPTH = 64
MAX_INTEGER_DIGITS = 64

Json = Any
"""What `json` returns: dict, list, str, int, float, bool or None."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_CURLY_TO_SQUARE = bytes.maketrans(b"{}", b"[]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UTF16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\0")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise WireError(Reason.DUPLICATE_KEY, "an object has the same member twice: ambiguous")
    return members


def _integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS:
        raise WireError(Reason.BAD_NUMBER, f"an integer of {len(digits)} digits; at most {MAX_INTEGER_DIGITS}")
    return int(digits)


def _decimal(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise WireError(Reason.BAD_NUMBER, "a number too large for a 64-bit float")
    return number


def _constant(name: str) -> float:
    raise WireError(Reason.BAD_NUMBER, f"{name} is not a JSON number")


# Raw control characters inside strings are accepted (strict=False): the text is readable, only the producer
# is sloppy.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_decimal,
    parse_constant=_constant,
    strict=False,
)

# The scanner that `decode` wraps: set by the decoder, missing in the type stubs.
_SCAN: Callable[[str, int], tuple[Json, int]] = vars(_DECODER)["scan_once"]


def parse(value: bytes, notes: list[str]) -> Json:
    """The document in `value`; what was mended is added to `notes`. Raises WireError."""
    if value[:2] in _UTF16_OR_32 or b"\0" in value[:2]:
        raise WireError(Reason.NOT_UTF8, "looks like UTF-16 or UTF-32; producers must send UTF-8")
    if value[:3] == b"\xef\xbb\xbf":
        value = value[3:]
        notes.append("bom")
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise WireError(Reason.NOT_UTF8, f"invalid UTF-8 at byte {error.start}") from None
    return _parse(text, value, notes)


def parse_embedded(text: str, where: str, notes: list[str]) -> Json:
    """A JSON document carried in a string attribute. Raises WireError that names `where`."""
    try:
        return _parse(text, text.encode(), notes)
    except WireError as error:
        raise WireError(error.reason, f"{where}: {error.detail}") from None


def _parse(text: str, value: bytes, notes: list[str]) -> Json:
    if value.count(b"{") + value.count(b"[") > MAX_DEPTH and _deep(value):
        raise WireError(Reason.TOO_DEEP, f"nested deeper than {MAX_DEPTH}")
    try:
        document = _document(text)
    except json.JSONDecodeError as error:
        raise WireError(Reason.NOT_JSON, f"{error.msg.split(':')[0]} at character {error.pos}") from None
    # One-byte searches first: they are twenty times as fast as `\\u`.
    escaped = b"\\" in value and (b"\\u0000" in value or b"\\ud" in value or b"\\uD" in value)
    if escaped or b"\0" in value:
        return _clean(document, notes)
    return document


def _document(text: str) -> Json:
    try:
        document, end = _SCAN(text, 0)
    except StopIteration:
        end = -1
    # Leading or trailing space, or an error to be told well: the slower way.
    return document if end == len(text) else _DECODER.decode(text)


def _deep(value: bytes) -> bool:
    """Whether brackets nest deeper than MAX_DEPTH, before any recursive parser sees them; linear in C."""
    brackets = _STRING.sub(b"", value).translate(_CURLY_TO_SQUARE, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        peeled = brackets.replace(b"[]", b"")
        if len(peeled) == len(brackets):
            return brackets.count(b"[") > MAX_DEPTH
        brackets = peeled
    return b"[" in brackets


def _clean(node: Json, notes: list[str]) -> Json:
    """Text that any store can hold: no NUL, no lone surrogate. Names of members stay as they are."""
    if isinstance(node, str):
        return clean_text(node, notes)
    if isinstance(node, list):
        return [_clean(item, notes) for item in node]
    if isinstance(node, dict):
        return {name: _clean(item, notes) for name, item in node.items()}
    return node


def clean_text(text: str, notes: list[str]) -> str:
    """`text` without NUL, each lone surrogate as U+FFFD; notes `nul` and `surrogate`."""
    if "\0" in text:
        text = text.replace("\0", "")
        notes.append("nul")
    if not text.isascii() and _SURROGATE.search(text):
        text = _SURROGATE.sub("\ufffd", text)
        notes.append("surrogate")
    return text
