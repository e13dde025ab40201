"""Text as a recogniser should see it, with the way back to the original positions.

Digits of every script, full-width forms, exotic spaces and dashes become ASCII; invisible characters go; the
escapes that JSON, URLs and HTML write for one character become that character.
"""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

_INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\u20e3\ufe00-\ufe0f\ufeff"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_ESCAPES = {
    "\\n": "\n",
    "\\r": "\n",
    "\\t": "\t",
    "%40": "@",
    "%2b": "+",
    "%20": " ",
    "&#64;": "@",
    "&#43;": "+",
}


def _ascii_twin(char: str) -> str | None:
    """The one ASCII character that `char` stands for, where there is exactly one."""
    digit = unicodedata.decimal(char, None)
    twin = str(digit) if digit is not None else unicodedata.normalize("NFKC", char)
    return twin if len(twin) == 1 and twin.isascii() else None


def _twins() -> dict[str, str]:
    # Everything below U+10000 but the ideographs; above it only digits have an ASCII twin that matters here.
    bmp = (chr(point) for point in (*range(0xA0, 0x3400), *range(0xA620, 0xAC00), *range(0xFE30, 0xFFF0)))
    found = {char: twin for char in bmp if (twin := _ascii_twin(char)) is not None}
    return found | dict.fromkeys(_DASHES, "-")


_TWINS = _twins()
# One character class: the regex engine looks it up by bitmap, 5 ns a character. Plane 1 as one range, to keep
# it so.
_SPECIAL = re.compile(rf"[{_INVISIBLE}{re.escape(''.join(_TWINS))}\U00010000-\U0001ffff\\%&]")
_INVISIBLES = re.compile(rf"[{_INVISIBLE}]+")
_ESCAPE = re.compile(r"\\u[0-9A-Fa-f]{4}|\\[nrt]|%(?:40|2[Bb]|20)|&#(?:64|43);")


@dataclass(frozen=True, slots=True)
class Folded:
    """`scan` is what recognisers read; `breaks` and `shifts` say by how much positions differ from where on."""

    scan: str
    breaks: tuple[int, ...] = ()
    shifts: tuple[int, ...] = ()

    def original(self, position: int) -> int:
        """Where the character at `position` of `scan` stands in the original text."""
        index = bisect_right(self.breaks, position)
        return position + self.shifts[index - 1] if index else position


def fold(text: str) -> Folded:
    """`text` folded; linear, and free for plain ASCII without escapes."""
    if text.isascii() and "\\" not in text and "%" not in text and "&#" not in text:
        return Folded(text)
    pieces: list[str] = []
    breaks: list[int] = []
    shifts: list[int] = []
    done = length = shift = 0
    for match in _SPECIAL.finditer(text):
        start = match.start()
        if start < done:
            continue
        token, twin = _read(text, start)
        if token == twin:
            continue
        end = start + len(token)
        pieces += (text[done:start], twin)
        length += start - done + len(twin)
        done = end
        if len(twin) != len(token):
            shift += len(token) - len(twin)
            breaks.append(length)
            shifts.append(shift)
    if not pieces:
        return Folded(text)
    pieces.append(text[done:])
    return Folded("".join(pieces), tuple(breaks), tuple(shifts))


def _read(text: str, start: int) -> tuple[str, str]:
    """The token at `start` and what it stands for: nothing, one character, or itself."""
    char = text[start]
    if char in "\\%&":
        escape = _ESCAPE.match(text, start)
        return (escape[0], _unescaped(escape[0])) if escape else (char, char)
    twin = _TWINS.get(char)
    if twin is not None:
        return char, twin
    invisible = _INVISIBLES.match(text, start)
    if invisible:
        return invisible[0], ""
    return char, _ascii_twin(char) or char


def _unescaped(escape: str) -> str:
    if escape[:2] != "\\u":
        return _ESCAPES[escape.lower()]
    char = chr(int(escape.removeprefix("\\u"), base=16))
    if _INVISIBLES.match(char):
        return ""
    return _TWINS.get(char, char) if char.isprintable() else " "
