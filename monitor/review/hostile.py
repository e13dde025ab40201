"""Text from conversations, as it may be shown: nothing hidden, nothing reordered, nothing endless.

HTML is escaped by the template engine. What escaping leaves alone is dealt with here: control characters (a terminal
would obey them), bidirectional overrides (they reorder what is read), invisible and private characters (they hide
instructions), lone surrogates (they cannot be encoded), and length.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from monitor.intake.recognisers import Kind

HEAD_CHARACTERS = 1_200
"""How much of a message is open to view; the rest is folded."""
JUDGED_CHARACTERS = 6_000
"""The same of the judged turn."""
FOLDED_CHARACTERS = 40_000
"""How much of one message can be unfolded."""
PAGE_CHARACTERS = 200_000
"""How much all messages of a page may hold: a browser must not choke on a hostile conversation."""
LAST_MESSAGES = 100

_HIDDEN_CLASS = (
    # C0 and C1 without tab and newline; soft hyphen, joiners, fillers.
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    # Zero-width, bidi, separators, invisible operators; variation selectors but for text and emoji style.
    r"\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    # Surrogates, private use, noncharacters, tags.
    r"\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff\U0001d173-\U0001d17a\U000e0000-\U0010ffff"
)
_LETTERS = r"\xa1-\u1fff\u2030-\ufdcf\ufe0f-\ufffd\U00010000-\U000dffff"
# Joiners are part of Persian, Hindi or an emoji between such characters, and hide something elsewhere.
_JOINER = rf"(?<![{_LETTERS}])[\u200c\u200d]|[\u200c\u200d](?![{_LETTERS}])"
_HIDDEN = re.compile(rf"([{_HIDDEN_CLASS}]|{_JOINER})(\1*)")
_MASK = rf"\[(?:{'|'.join(Kind)})_[0-9]+\]"
_SPECIAL = re.compile(rf"(?P<run>(?P<hidden>[{_HIDDEN_CLASS}]|{_JOINER})(?P=hidden)*)|(?P<mask>{_MASK})")


def visible(text: str) -> str:
    """Write hidden characters as `⟦U+202E⟧`, a run of one as `⟦U+0000 ×512⟧`: safe in text and in attributes."""
    return _HIDDEN.sub(lambda m: f"⟦{_name(m[1], len(m[0]))}⟧", _newlines(text))


def marked(text: str) -> Markup:
    """Give escaped HTML in which hidden characters and masked values stand out."""
    pieces: list[Markup] = []
    done, text = 0, _newlines(text)
    for found in _SPECIAL.finditer(text):
        pieces.append(escape(text[done : found.start()]))
        if found["run"]:
            name = _name(found["hidden"], len(found["run"]))
            pieces.append(Markup('<span class="hidden-char">{}</span>').format(name))
        else:
            pieces.append(Markup('<span class="mask">{}</span>').format(found["mask"]))
        done = found.end()
    pieces.append(escape(text[done:]))
    return Markup("").join(pieces)


def cut(text: str, limit: int = 120) -> str:
    """Give a short value on one line, an ellipsis where it was longer."""
    line = " ".join(text[: limit + 1].split("\n"))
    return line if len(text) <= limit else line[:limit] + "…"


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """One message in the parts in which it is shown."""

    role: str
    head: str
    folded: str
    lost: int
    """Characters that this page does not show."""
    judged: bool


def passages(messages: Sequence[tuple[str, str]]) -> tuple[list[Passage], int]:
    """Divide a conversation (role, content) into passages; also the number of earlier messages left out.

    The budget is spent from the judged turn, the last one, backwards: it matters most.
    """
    kept = messages[-LAST_MESSAGES:]
    left = PAGE_CHARACTERS
    found: list[Passage] = []
    for back, (role, content) in enumerate(reversed(kept)):
        head = content[: min(HEAD_CHARACTERS if back else JUDGED_CHARACTERS, left)]
        left -= len(head)
        folded = content[len(head) : len(head) + min(FOLDED_CHARACTERS, left)]
        left -= len(folded)
        lost = len(content) - len(head) - len(folded)
        found.append(Passage(role=role, head=head, folded=folded, lost=lost, judged=back == 0))
    return found[::-1], len(messages) - len(kept)


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _name(char: str, times: int) -> str:
    return f"U+{ord(char):04X}" + (f" ×{times}" if times > 1 else "")
