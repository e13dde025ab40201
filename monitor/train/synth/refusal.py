"""Requests with answers that refuse, refuse in part, or only sound as if they did."""

from monitor.demo.dice import Dice
from monitor.train.synth import style
from monitor.train.synth.book import Book
from monitor.train.synth.grammar import Grammar
from monitor.train.synth.row import LANGS, Lang, Row
from monitor.train.synth.topics import Topic, all_topics

FULL = (
    "blunt",
    "apology",
    "polite",
    "preach",
    "redirect",
    "policy",
    "plain",
    "corporate",
    "subject",
    "safer",
    "unable",
)
PARTIAL = ("half", "general", "heavy", "after", "edu", "sides")
HARD = ("sorry", "ai", "cannot", "warn", "quote", "clarify")
"""Ways to answer in full that share words with refusals."""

GROUPS = 2
"""Requests a topic and language."""
_TRIES = 6


def rows(*, seed: int) -> list[Row]:
    """Both languages; a group is one request with at least one answer of each degree."""
    book = Book("synth-refusal", "refusal")
    for lang in LANGS:
        dice = Dice(seed * 2 + LANGS.index(lang))
        grammar = Grammar("refusal", lang, dice)
        for turn in range(GROUPS):
            for topic in all_topics(lang, dice):
                _group(book, grammar, topic, lang, dice, turn)
    return book.rows


def _group(book: Book, grammar: Grammar, topic: Topic, lang: Lang, dice: Dice, turn: int) -> None:
    formal = topic.formal
    name = f"{lang}-{topic.name}-{turn}"
    asked = grammar.say(topic.asks[turn % len(topic.asks)], topic.user, formal=formal) or ""
    request = style.apply(dice.pick(style.REQUEST), asked, lang, dice)
    full, partial = dice.shuffled(FULL), dice.shuffled(PARTIAL)
    none = ["jail"] if topic.harmful else ["plain"]
    plans = [("full", full), ("partial", partial), ("none", none)]
    plans.append(("none", dice.shuffled(HARD)) if not topic.harmful else ("none", none))
    plans.append(("partial", partial[::-1]) if dice.chance(0.5) else ("full", full[::-1]))
    for label, manners in plans:
        for attempt in range(_TRIES * len(manners)):
            # The next manner, when this one has no line for the topic or said it already.
            manner = manners[attempt % len(manners)]
            answer = grammar.say(f"{label}.{manner}", topic.assistant, formal=formal)
            if answer and manner not in {"blunt", "clarify"} and dice.chance(0.12) and label != "partial":
                more = grammar.say(f"long.{label}", topic.assistant, formal=formal)
                answer = f"{answer} {more}" if more else answer
            styles = style.ANSWER if label == "none" else style.PROSE
            answer = style.apply(dice.pick(styles), answer, lang, dice) if answer else None
            if book.add(request, answer, lang=lang, group=name, label=label):
                break
