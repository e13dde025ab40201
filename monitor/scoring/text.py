"""Text as the rules and lexical scorers see it: folded, quotes set aside, one stream of words.

Limits, on purpose: only the first `HEAD` and the last `TAIL` characters are looked at, so that the cost of an
answer has a bound whatever its length. Folding is lossy (`ı`, `i`, `İ` and `I` become one letter, accents go):
phrases are folded the same way, so people who type Turkish without its letters are read too.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

VERSION = "1"
"""Part of every lexical scorer's identity; bump it when the stream of any text can change."""

HEAD = 4096
TAIL = 2048
"""Characters of a longer text that are looked at, from its start and from its end."""

QUOTED = "\x04"
"""Stands in a stream for a quotation, a code block or a drafted letter."""
PARAGRAPH = "\x02"
"""Stands for a paragraph break, and opens every stream."""
ITEM = "\x03"
"""Stands for the start of a list item. The three are control characters so that an ASCII text stays ASCII: fast."""

_APOSTROPHES = "’‘‛ʼʹ`´′＇ꞌ՚ʻ"  # noqa: RUF001 - the confusable characters are the point
_DOUBLE_QUOTES = "“”„‟«»″＂「」『』〝〞"  # noqa: RUF001
_INVISIBLE = (
    "\x00\x02\x03\x04\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufe0f\ufeff"
)
_CONTROL = str.maketrans(dict.fromkeys("\x00\x02\x03\x04", None))
_BEFORE = str.maketrans(
    # A backtick opens code, so it is not an apostrophe here.
    {c: "'" for c in _APOSTROPHES if c != "`"} | dict.fromkeys(_DOUBLE_QUOTES, '"') | dict.fromkeys(_INVISIBLE, None)
)
_COMBINING = re.compile("[\u0300-\u036f\ud800-\udfff]+")

_FENCE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_INLINE_CODE = re.compile(r"`[^`\n]{1,300}`")
_BLOCKQUOTE = re.compile(r"^[ \t]*>[^\n]*$", re.MULTILINE)
_DOUBLE_QUOTED = re.compile(r'"[^"\x02]{1,500}"')
_SINGLE_QUOTED = re.compile(r"(?<!\w)'[^\n']{1,300}(?:\w'\w[^\n']{1,300}){0,6}'(?!\w)")
_LETTER_HEAD = re.compile(
    r"^[ \t*_#]*(?:subject:|konu:|dear |hi [a-z\[]|hello [a-z\[]|sayin |sevgili |merhaba [a-z\[])[^\n]{0,120}$",
    re.MULTILINE,
)
_LETTER_WORDS = ("dear ", "subject:", "konu:", "hi ", "hello ", "sayin ", "sevgili ", "merhaba ")
_BREAK = re.compile(r"\n[ \t]*(?:\n\s*)+")
_SPEAKER = re.compile(r"[\n\x02][ \t*]*[\[(]([^\])\n]{1,40})[\])][ \t*]*:?")
_BULLET = re.compile(r"[\n\x02][ \t]*(?:[-*+•▪●]|\d{1,3}[.)])[ \t]+")
_ASCII = str.maketrans(
    dict.fromkeys("'*_#`~", None) | dict.fromkeys('"$&()+,-/;<=>@[\\]^{|}\x01\x05\x06\x07\x08\x1b\x7f', " ")
)
_ODD = re.compile(r"[^\w\s!-~\x02\x03\x04]+")
_DOSE = re.compile(r"(\d)(mg|mcg)\b")
_END = re.compile(r"[.!?:]+(?=[\s\x02\x03\x04]|$)|[\x02\x03\x04]")
_MARK = re.compile(r"(?<= )[.!?:\x02\x03] ")


def window(text: str) -> str:
    """The part that is looked at: all of a short text, else its head and its tail as two paragraphs."""
    if len(text) <= HEAD + TAIL:
        return text
    return f"{text[:HEAD]}\n\n{text[-TAIL:]}"


def fold(text: str) -> str:
    """One spelling for what people read as the same: case, accents, `ı`, quotes, invisible characters."""
    if text.isascii():
        return text.translate(_CONTROL).lower()
    decomposed = unicodedata.normalize("NFKD", text.translate(_BEFORE))
    return _COMBINING.sub("", decomposed.casefold()).replace("ı", "i")


def _set_quotes_aside(text: str) -> str:
    stripped = text.strip()
    if len(stripped) > 2 and stripped[0] == stripped[-1] == '"' and stripped.count('"') == 2:
        # A whole answer in quotation marks, or in one code block, is the model's habit, not a quotation.
        text = stripped[1:-1]
    elif len(stripped) > 6 and stripped[:3] == stripped[-3:] == "```" and stripped.count("```") == 2:
        text = stripped[3:-3]
    if "```" in text or "~~~" in text:
        text = _FENCE.sub(QUOTED, text)
    if "`" in text:
        text = _INLINE_CODE.sub(QUOTED, text)
    if ">" in text:
        text = _BLOCKQUOTE.sub(QUOTED, text)
    if '"' in text:
        text = _DOUBLE_QUOTED.sub(QUOTED, text)
    if " '" in text or "\n'" in text or "('" in text or text[:1] == "'":
        text = _SINGLE_QUOTED.sub(QUOTED, text)
    letter = _LETTER_HEAD.search(text) if any(word in text for word in _LETTER_WORDS) else None
    if letter and "\n" in text[letter.end() :].strip(" "):
        # A salutation on its own line starts a letter that the assistant drafts, not what it says itself.
        text = f"{text[: letter.start()]}\n\n{QUOTED}"
    return text


CACHED = 512
"""Texts that each cache of this stage keeps, by what `window` leaves of them: some megabytes at most."""


def stream(text: str, *, keep_quotes: bool = False) -> str:
    """Give the words of `text`, each followed by one space, with sentence ends as words of their own.

    Apostrophes vanish (`can't` is `cant`), and `.`, `!`, `?`, `:` and the three marks above stand alone, so
    that a phrase cannot run over the end of a sentence. The last `CACHED` streams are kept for
    the scorers that read the same texts one after another.
    """
    return _stream(window(text), keep_quotes)


@lru_cache(maxsize=CACHED)
def _stream(text: str, keep_quotes: bool) -> str:
    folded = fold(text)
    if not keep_quotes:
        folded = _set_quotes_aside(folded)
    folded = PARAGRAPH + folded
    if "mg" in folded or "mcg" in folded:
        folded = _DOSE.sub(r"\1 \2", folded)
    if "\n" in folded:
        folded = _BREAK.sub(PARAGRAPH, folded.replace("\r\n", "\n"))
    if "[" in folded or "(" in folded:
        folded = _SPEAKER.sub(rf"{PARAGRAPH} \1 : ", folded)
    folded = _BULLET.sub(f" {ITEM} ", folded).translate(_ASCII)
    if not folded.isascii():
        folded = _ODD.sub(" ", folded)
    return f"{' '.join(_END.sub(_apart, folded).split())} "


def _apart(mark: re.Match[str]) -> str:
    return f" {mark[0][-1]} "


def words_in(part: str) -> int:
    """How many words a piece of a stream has; its marks are not words."""
    return sum(1 for word in part.split() if word[0].isalnum())


def head_of(stream: str, count: int) -> str:
    """The first `count` sentences of a stream, with their marks."""
    end = 0
    for mark in _MARK.finditer(stream):
        if words_in(stream[end : mark.end()]):
            count -= 1
            end = mark.end()
        if not count:
            return stream[:end]
    return stream


def sentences(part: str) -> list[str]:
    """The sentences of a piece of a stream, each with the mark that ends it."""
    cuts = [0, *(m.end() for m in _MARK.finditer(part)), len(part)]
    return [part[a:b] for a, b in pairwise(cuts) if part[a:b].strip(" .!?:\x02\x03\x04")]
