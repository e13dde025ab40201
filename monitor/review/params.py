"""What a URL may ask for, checked before anything is read."""

import re
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from monitor.report.segments import SEGMENT_FIELDS
from monitor.review.words import LANGUAGES, Language

SPANS = ("1h", "24h", "7d")
"""The choices that the page offers; others can be typed."""
DEFAULT_SPAN = "24h"
LONGEST_S = 366 * 86_400
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
"""The same as on the command line."""


class BadParameter(Exception):  # noqa: N818 - named by what it is, like the families in monitor.errors
    """A query parameter cannot be used; becomes a 400 that says which, and what is allowed."""

    def __init__(self, *, name: str, value: str, allowed: str) -> None:
        """Keep the parts: the message is written in the reader's language."""
        super().__init__(f"{name}={value!r}: allowed is {allowed}")
        self.name = name
        self.value = value
        self.allowed = allowed


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A checked `since` and `by`."""

    since: str
    seconds: int
    by: tuple[str, ...]


def read(query: QueryParams) -> Asked:
    """Check `since` and `by`; an empty value is the default.

    Raises:
        BadParameter: one of them cannot be used.
    """
    since = query.get("since", "").strip() or DEFAULT_SPAN
    fields = tuple(f.strip() for f in query.get("by", "").split(",") if f.strip())
    if any(f not in SEGMENT_FIELDS for f in fields) or len(fields) != len(set(fields)):
        raise BadParameter(name="by", value=query["by"], allowed=", ".join(SEGMENT_FIELDS))
    return Asked(since=since, seconds=_seconds(since), by=fields)


def language(query: QueryParams, accept: str) -> tuple[Language, bool]:
    """Give the language, and whether the URL named it, in which case links carry it on.

    Raises:
        BadParameter: the URL names a language that there is not.
    """
    named = query.get("lang", "")
    for one in LANGUAGES:
        if named == one:
            return one, True
    if named:
        raise BadParameter(name="lang", value=named, allowed=", ".join(LANGUAGES))
    return preferred(accept), False


def preferred(accept: str) -> Language:
    """Choose by Accept-Language (RFC 9110, 12.5.4); English where it says nothing usable."""
    best: tuple[float, Language] = (0.0, "en")
    for part in accept[:1000].split(","):
        tag, _, parameters = part.partition(";")
        match = re.fullmatch(r"\s*q=(\d(?:\.\d{0,3})?)\s*", parameters) if parameters else None
        quality = float(match[1]) if match else 0.0 if parameters else 1.0
        for one in LANGUAGES:
            if tag.strip().lower().partition("-")[0] == one and quality > best[0]:
                best = (quality, one)
    return best[1]


def _seconds(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    seconds = int(match[1]) * UNITS[match[2]] if match else 0
    if not 0 < seconds <= LONGEST_S:
        raise BadParameter(name="since", value=text, allowed=f"{', '.join(SPANS)}, 30m, 2w … 366d")
    return seconds
