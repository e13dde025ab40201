"""Single values as sent to single values that fit: bounded text, ids, moments, numbers. Each raises WireError."""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from monitor.intake.wire.draft import USER_NAMES
from monitor.intake.wire.jsontext import Json, clean_text
from monitor.intake.wire.malformed import Reason, WireError, wrong_type

MAX_ID = 256
MAX_SHORT_TEXT = 256
MAX_ATTRIBUTES = 64
MAX_COUNT = 2**31 - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_MAX_MOMENT_CHARS = 40
_LOCALE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,6}")
_GOOD = frozenset({"up", "thumbs_up", "thumbsup", "like", "liked", "positive", "good", "true", "yes"})
_BAD = frozenset({"down", "thumbs_down", "thumbsdown", "dislike", "disliked", "negative", "bad", "false", "no"})


def identifier(value: Json, name: str, notes: list[str]) -> str:
    """An id as text, hashed where it is too long to store; empty when the producer sent none."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise wrong_type(name, "a string", value)
    if len(value) > MAX_ID:
        notes.append("long_id")
        return "sha256-" + hashlib.sha256(value.encode()).hexdigest()
    return "" if value.isspace() else value


def short_text(value: Json, name: str, notes: list[str]) -> str:
    """A label: a string, or a scalar written as one; cut at MAX_SHORT_TEXT."""
    if value is None:
        return ""
    if not isinstance(value, str):
        if isinstance(value, dict | list):
            raise wrong_type(name, "a string", value)
        return scalar_text(value)
    if len(value) > MAX_SHORT_TEXT:
        notes.append("long_text")
        return value[:MAX_SHORT_TEXT]
    return value


def scalar_text(value: Json) -> str:
    """A scalar as JSON writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def count(value: Json, name: str) -> int | None:
    """A whole number from 0 to MAX_COUNT, None where there is none."""
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(name, "a whole number", value)
    if not 0 <= value <= MAX_COUNT or value != int(value):
        raise WireError(Reason.BAD_NUMBER, f"{name} must be a whole number from 0 to {MAX_COUNT}")
    return int(value)


def feedback(value: Json, notes: list[str]) -> float | None:
    """The proxy reward as a number; a word that is not known is noted and left out."""
    if value is None or value == "":
        return None
    if isinstance(value, bool | int | float):
        return float(value)
    if not isinstance(value, str):
        raise wrong_type("feedback", "a number, a boolean or a word", value)
    word = value[:40].strip().lower()
    if word in _GOOD:
        return 1.0
    if word in _BAD:
        return 0.0
    try:
        number = float(word)
    except ValueError:
        number = float("nan")
    if number - number == 0:
        return number
    notes.append("feedback")
    return None


def moment(value: Json, fallback: datetime, notes: list[str]) -> datetime:
    """When it happened, UTC; `fallback` (and a note) where that is missing, unreadable or absurd."""
    try:
        found = _iso(value) if isinstance(value, str) else _epoch(value)
        if found is not None and _EARLIEST <= found < _LATEST:
            return found
    except (ValueError, OverflowError):
        pass
    notes.append("occurred_at")
    return fallback


def _iso(text: str) -> datetime | None:
    if len(text) > _MAX_MOMENT_CHARS:
        return None
    if len(text) >= 10 and text.isascii() and text.isdigit():
        return _epoch(int(text))
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _epoch(value: Json) -> datetime | None:
    """Seconds, milli-, micro- or nanoseconds, told apart by size (unambiguous from 1973 to 5138)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    for unit_in_us, limit in ((1_000_000, 10**11), (1_000, 10**14), (1, 10**17)):
        if abs(value) < limit:
            return _EPOCH + timedelta(microseconds=round(value * unit_in_us))
    return _EPOCH + timedelta(microseconds=int(value) // 1000)


@lru_cache(maxsize=1024)
def _locale(tag: str) -> str | None:
    tag = tag.split(".", 1)[0].split("@", 1)[0].strip().replace("_", "-")
    if not _LOCALE.fullmatch(tag):
        return None
    language, *rest = tag.split("-")
    parts = [language.lower()]
    for part in rest:
        if len(part) == 4 and part.isalpha():
            parts.append(part.title())
        else:
            parts.append(part.upper() if len(part) == 2 else part.lower())
    return "-".join(parts)


def locale(value: Json, notes: list[str]) -> str:
    """`tr_TR.UTF-8` as `tr-TR`; empty, with a note, where it is no language tag."""
    tag = short_text(value, "locale", notes)
    if not tag:
        return ""
    found = _locale(tag)
    if found is None:
        notes.append("locale")
        return ""
    return found


def attributes(candidates: Iterable[tuple[str, Json]], notes: list[str]) -> dict[str, str]:
    """The first MAX_ATTRIBUTES scalars as text; what is left out or cut is noted.

    Names that tell the user's identity are left out: the raw id must not be stored beside its pseudonym.
    """
    kept: dict[str, str] = {}
    for raw_name, value in candidates:
        if value is None:
            continue
        if raw_name in USER_NAMES:
            notes.append("attribute_user")
            continue
        if isinstance(value, dict | list) or (len(kept) >= MAX_ATTRIBUTES and raw_name not in kept):
            notes.append("attribute_dropped")
            continue
        name = clean_text(raw_name, notes)
        text = value if isinstance(value, str) else scalar_text(value)
        if len(text) > MAX_SHORT_TEXT or len(name) > MAX_SHORT_TEXT:
            notes.append("attribute_cut")
            name, text = name[:MAX_SHORT_TEXT], text[:MAX_SHORT_TEXT]
        kept.setdefault(name, text)
    return kept
