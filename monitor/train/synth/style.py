"""How a text is typed: small letters, lists, bold, emoji, slips of the finger. None of them changes what it says."""

import re

from monitor.demo.dice import Dice
from monitor.train.synth import words
from monitor.train.synth.row import Lang

_SENTENCE = re.compile(r"(?<=[^\d.][.!?]) (?=[^\W\d_\"`])")
_EMOJI = ("🙂", "👍", "✨", "🙏", "🌱", "☕", "📌", "💡")
LINE = " ⏎ "
"""Stands for a line break while a text is composed."""

PROSE = ("plain",) * 9 + ("bold", "small", "small", "emoji", "slips", "paragraphs", "paragraphs")
"""For any answer; nobody refuses in a list."""
_STEPS = ("Step 1", "Step 2", "1. ", "2. ")
ANSWER = (*PROSE, "list", "numbers", "list", "numbers")
REQUEST = ("plain",) * 6 + ("small", "small", "slips")


def apply(style: str, text: str, lang: Lang, dice: Dice) -> str:
    """The text in one of the styles of `ANSWER`; code and verse keep their letters."""
    sentences = _SENTENCE.split(text)
    if style in {"list", "numbers"} and any(one.startswith(_STEPS) for one in sentences):
        style = "paragraphs"
    fragile = "`" in text or LINE in text or '"' in text
    if style == "small" and not fragile:
        text = re.sub(r"(?<!\d)[.,!](?=\s|$)", "", words.lower(text, lang))
    elif style == "slips" and not fragile:
        text = _slips(text, dice)
    elif style == "emoji":
        text = f"{text} {dice.pick(_EMOJI)}"
    elif style == "bold" and len(sentences) > 1:
        text = f"**{sentences[0]}**\n\n{' '.join(sentences[1:])}"
    elif style == "list" and len(sentences) > 2:
        text = "\n".join([sentences[0], "", *(f"- {one}" for one in sentences[1:])])
    elif style == "numbers" and len(sentences) > 2:
        text = "\n".join([sentences[0], "", *(f"{n}. {one}" for n, one in enumerate(sentences[1:], 1))])
    elif style == "paragraphs":
        text = "\n\n".join(sentences)
    return text.replace(LINE, "\n")


def _slips(text: str, dice: Dice) -> str:
    """Swap or drop a letter inside about one long word in six, at least one where there is any."""
    typed = text.split(" ")
    long = [at for at, word in enumerate(typed) if len(word) > 5 and word.isalpha()]
    for at in dice.shuffled(long)[: 1 + len(long) // 6]:
        word, cut = typed[at], 1 + dice.below(len(typed[at]) - 3)
        swapped = word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :]
        typed[at] = swapped if dice.chance(0.6) and swapped != word else word[:cut] + word[cut + 1 :]
    return " ".join(typed)
