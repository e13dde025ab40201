"""Answers that got stuck: the same words, lines or sentences over and over.

Three signs: a stretch that repeats at once many times; one sentence that comes back and makes up much of the answer;
and long runs of words that nearly all stood before. Tables, code, marks and the numbers of list items are set aside
first. Verse (many short lines) may have its refrain, and a user who asks for repetition gets it. Linear in the
answer: every sign looks at a fixed number of periods or lengths. What it cannot see: the same thing in other words,
and a loop that counts ("line 1 of this text, line 2 of this text").
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.intake.interaction import Interaction
from monitor.scoring import text
from monitor.scoring.scorer import LocalScorer, quote
from monitor.scoring.verdict import ScorerIdentity, Verdict

CODE_VERSION = "1"
DIMENSION = "looping"

LIMIT = 400_000
"""Characters that are looked at: half from the start and half from the end of a longer answer."""
WORD_LIMIT = 30
"""A longer word is read letter by letter: text without spaces."""
NGRAM = 4
FEW_REPEATS = 8
"""Fewer n-grams than this that stood before: no loop, and no further look."""
LONGEST_PERIOD = 64
"""Words of the longest stretch that is looked for repeating at once; longer ones are found sentence by sentence."""
LONGEST_CYCLE = 12
"""Sentences of the longest cycle."""
RUN_TIMES = 4
"""A stretch must stand so many times in a row, and take `RUN_WORDS` words in all."""
RUN_WORDS = 24
FEW_WORDS_RUN = 32
"""A run of only one or two different words must be so long: "very, very, very" is emphasis."""
VERSE_TIMES = 8
SENTENCE_WORDS = 5
SENTENCE_TIMES = 4
SENTENCE_SHARE = 0.3
"""Share of an answer's words that repeated sentences must take, the first of each not counted."""
LONG_NGRAM = 10
LONG_SHARE = 0.5
LONG_WORDS = 120
VERSE_LINES = 6
VERSE_LINE_WORDS = 10

_FENCE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_TABLE = re.compile(r"^[ \t]*\|[^\n]*$|^[^\n|]*(?:\|[^\n|]*){2,}$", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*(?:[-*+•▪●]|\d{1,4}[.)]|#{1,6})[ \t]+", re.MULTILINE)
_WIDE = r"\u3040-\u30ff\u3400-\u9fff"
_LETTER = rf"[^\W_{_WIDE}]"
_TOKEN = re.compile(rf"{_LETTER}{{1,{WORD_LIMIT}}}(?!{_LETTER})|[^\W_]|[\u2600-\u27bf\U0001f000-\U0001faff]")
"""A word, or a letter of a very long word or of a script without spaces, or an emoji."""
_SENTENCE = re.compile(r"(?<=[.!?\u3002\uff01\uff1f…])[\s\"”»)]+|\n+|(?<=[\u3002\uff01\uff1f])")
_ASKED = re.compile(
    r"(?<!\w)(?:repeat|over and over|again and again|\d+ times|(?:ten|twenty|fifty|hundred|thousand) times|tekrar|"
    r"defalarca|\d+ (?:kez|kere|defa)|(?:on|yirmi|elli|yuz|bin) (?:kez|kere|defa)|mantra|chant|lorem ipsum)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """What repeats in an answer."""

    kind: str
    """`words`, `sentences` or `text`."""
    times: int
    found: str


class Looping(LocalScorer):
    """Labels none, looping; value 1 for looping."""

    def __init__(self) -> None:
        super().__init__(
            ScorerIdentity(
                kind="rule",
                name="rule-looping",
                dimension=DIMENSION,
                code_version=CODE_VERSION,
                parameters={
                    "text": text.VERSION,
                    "run": [RUN_TIMES, RUN_WORDS, FEW_WORDS_RUN, VERSE_TIMES, LONGEST_PERIOD, LONGEST_CYCLE],
                    "sentence": [SENTENCE_WORDS, SENTENCE_TIMES, SENTENCE_SHARE],
                    "long": [LONG_NGRAM, LONG_SHARE, LONG_WORDS],
                    "verse": [VERSE_LINES, VERSE_LINE_WORDS],
                },
            )
        )

    def judge(self, interaction: Interaction) -> Verdict:
        """Judge one answer; reads the request only where something repeats."""
        loop = find(interaction.answer)
        if loop is None:
            return Verdict(value=0.0, label="none", reason="nothing repeats as in a loop")
        if _ASKED.search(text.fold(text.window(interaction.request))):
            return Verdict(value=0.0, label="none", reason=f"repeats {quote(loop.found)}, as the user asked")
        how = f"{loop.times} times" if loop.times else "in most of the answer"
        return Verdict(value=1.0, label="looping", reason=f"repeats {loop.kind} {how}: {quote(loop.found)}")


def find(answer: str) -> Loop | None:
    """Find the loop in an answer, or None. Pure and linear."""
    if len(answer) > LIMIT:
        answer = f"{answer[: LIMIT // 2]}\n{answer[-LIMIT // 2 :]}"
    prose = _prose(answer)
    words = _TOKEN.findall(prose)
    if _repeats(words, NGRAM) < FEW_REPEATS:
        return None
    verse = _is_verse(prose)
    ids = _numbers(words)
    return _run(ids, words, verse=verse) or _sentences(prose, len(words), verse=verse) or _long(words, verse=verse)


def _prose(answer: str) -> str:
    if "```" in answer or "~~~" in answer:
        answer = _FENCE.sub("\n", answer)
    if "|" in answer:
        answer = _TABLE.sub("", answer)
    return _BULLET.sub("", answer).lower()


def _repeats(words: Sequence[str], size: int) -> int:
    """How many n-grams stood before."""
    count = len(words) - size + 1
    return count - len(set(zip(*(words[i:] for i in range(size)), strict=False))) if count > 0 else 0


def _numbers(words: Sequence[str]) -> Any:
    known: dict[str, int] = {}
    return np.fromiter((known.setdefault(word, len(known)) for word in words), dtype=np.int32, count=len(words))


def _run(ids: Any, words: Sequence[str], *, verse: bool) -> Loop | None:
    """A stretch of 1 to `LONGEST_PERIOD` words that stands many times in a row; the shortest such stretch."""
    for period in range(1, min(LONGEST_PERIOD, len(ids) // RUN_TIMES) + 1):
        start, length = _longest(ids[period:] == ids[:-period])
        times = length // period + 1
        wanted = VERSE_TIMES if verse else RUN_TIMES
        stretch = words[start : start + period]
        # Two periods of "tick tock" are a stretch of four words, and still only two of them.
        needed = FEW_WORDS_RUN if len(set(stretch)) <= 2 else RUN_WORDS
        if times >= wanted and times * period >= needed:
            return Loop(kind="words", times=times, found=" ".join(stretch))
    return None


def _longest(same: Any) -> tuple[int, int]:
    """Start and length of the longest stretch of True."""
    breaks = np.flatnonzero(~same)
    edges = np.concatenate(([-1], breaks, [len(same)]))
    gaps = np.diff(edges) - 1
    best = int(gaps.argmax())
    return int(edges[best]) + 1, int(gaps[best])


def _sentences(prose: str, words: int, *, verse: bool) -> Loop | None:
    """Whole sentences or lines that come again, in a cycle or here and there."""
    parts = [one.strip() for one in _SENTENCE.split(prose)]
    parts = [one for one in parts if one]
    ids = _numbers(parts)
    for cycle in range(1, min(LONGEST_CYCLE, len(parts) // RUN_TIMES) + 1):
        start, length = _longest(ids[cycle:] == ids[:-cycle])
        times = length // cycle + 1
        stretch = parts[start : start + cycle]
        size = sum(len(_TOKEN.findall(one)) for one in stretch)
        if times >= (VERSE_TIMES if verse else RUN_TIMES) and times * size >= RUN_WORDS:
            return Loop(kind="sentences", times=times, found=" / ".join(stretch))
    if verse or not words:
        return None
    again = {one: (times, len(_TOKEN.findall(one))) for one, times in Counter(parts).items() if times >= SENTENCE_TIMES}
    again = {one: (times, size) for one, (times, size) in again.items() if size >= SENTENCE_WORDS}
    if sum((times - 1) * size for times, size in again.values()) < SENTENCE_SHARE * words:
        return None
    found, (times, _) = max(again.items(), key=lambda item: item[1][0] * item[1][1])
    return Loop(kind="sentences", times=times, found=found)


def _long(words: Sequence[str], *, verse: bool) -> Loop | None:
    """Most of the answer stood in it before, word for word, in long stretches."""
    if verse or len(words) < LONG_WORDS:
        return None
    grams = Counter(zip(*(words[i:] for i in range(LONG_NGRAM)), strict=False))
    if grams.total() - len(grams) < LONG_SHARE * grams.total():
        return None
    gram, _ = grams.most_common(1)[0]
    return Loop(kind="text", times=0, found=" ".join(gram))


def _is_verse(prose: str) -> bool:
    """Songs and poems: many short lines, few of which are whole sentences."""
    lines = [line.strip() for line in prose.splitlines() if line.strip()]
    if len(lines) < VERSE_LINES:
        return False
    short = sum(1 for line in lines if len(line.split()) <= VERSE_LINE_WORDS)
    ended = sum(1 for line in lines if line[-1] in ".。")
    # A loop of one line is no poem, however short the line.
    return short > 0.8 * len(lines) and ended < 0.5 * len(lines) and len(set(lines)) > VERSE_LINES
