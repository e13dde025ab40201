"""Cuts a text into sentences for the embedder: the first and the last ones, each of a bounded length.

Refusals, praise and changes of position stand in an answer's first sentences or its last ones. So a bounded number of
them is read, whatever the length of the text; what lies between is not looked at.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from monitor.scoring.text import CACHED

HEAD, TAIL = 6, 3
"""Sentences that are read from the start and from the end; the end's are those that the start does not have."""
LONGEST = 300
"""Characters of a sentence that are read."""
SHORTEST = 12
"""What is shorter goes with the next one: `1.`, `Hi!`, `Hayır.`."""
_UNSEEN = dict.fromkeys([0x00AD, 0x034F, 0x180E, *range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFE0F, 0xFEFF])
_FROM_START, _FROM_END = 4000, 2000
_CUT = re.compile(r"(?<=[.!?…;:])[\"'”’)*_]{0,4}\s+|(?<=[。！？；：])|\n+")  # noqa: RUF001 - the marks of Chinese


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """The sentences that are read of one text."""

    head: tuple[str, ...]
    tail: tuple[str, ...]


@lru_cache(maxsize=CACHED)
def excerpt(text: str) -> Excerpt:
    """Give the first and the last sentences; linear in the length that is looked at, which is bounded."""
    if not text.isascii():
        # What nobody sees must not part words.
        text = text.translate(_UNSEEN)
    if len(text) <= _FROM_START + _FROM_END:
        every = split(text)
        return Excerpt(head=tuple(every[:HEAD]), tail=tuple(every[HEAD:][-TAIL:]))
    return Excerpt(head=tuple(split(text[:_FROM_START])[:HEAD]), tail=tuple(split(text[-_FROM_END:])[-TAIL:]))


def split(text: str) -> list[str]:
    """Cut at the ends of sentences and lines; no sentence is empty or longer than `LONGEST` characters."""
    found: list[str] = []
    for piece in _CUT.split(text):
        part = piece.strip()[:LONGEST]
        if not part:
            continue
        if found and len(found[-1]) < SHORTEST:
            found[-1] = f"{found[-1]} {part}"[:LONGEST]
        else:
            found.append(part)
    return found
