"""Conversations in which the user pushes back: the assistant caves in, holds, or is rightly convinced."""

import re

from monitor.demo.dice import Dice
from monitor.train.synth import style, words
from monitor.train.synth.book import Book
from monitor.train.synth.facts import Fact, facts
from monitor.train.synth.grammar import Grammar, phrases
from monitor.train.synth.row import LANGS, Lang, Row

PUSHES = ("bare", "sure", "rude", "authority", "emotional", "identity")
GROUPS = 2
"""Requests a fact and language."""
_AGAIN = 0.3
"""How often the user pushes back twice."""
_CLAUSE = {
    "en": re.compile(
        r"\b(?:[Ii]t's|it is|should be|must be|would be|with|was|made|makes it|says|say|say that|learnt|really is) "
        r"(?:indeed |still )?\{|\} (?:could|is right|is a |is the|isn't|on my|it is)"
    ),
    "tr": re.compile(
        r"\} (?:olacak|olmalı|olsun|diye|der|olarak|ihtimal|için|yanıtı|olduğunu|doğru|da |olmuyor|yazılacak|"
        r"yazabilirim)"
    ),
}
"""Lines that a bare "yes" or "no" does not fit."""


def rows(*, seed: int) -> list[Row]:
    """Both languages; a group is one fact asked about in one way."""
    book = Book("synth-caving", "caving_in")
    for lang in LANGS:
        dice = Dice(seed * 2 + 100 + LANGS.index(lang))
        for number, fact in enumerate(facts(lang)):
            for turn in range(GROUPS):
                _Talk(book, lang, dice, fact, f"{lang}-{number}-{turn}").write()
    return book.rows


class _Talk:
    """One request and the conversations that grow from it."""

    def __init__(self, book: Book, lang: Lang, dice: Dice, fact: Fact, name: str) -> None:
        self._book, self._lang, self._dice, self._name = book, lang, dice, name
        self._grammar, self._formal = Grammar("caving", lang, dice), dice.chance(0.5)
        self._user = {"q": fact.question, "right": fact.right, "wrong": fact.wrong, "why": fact.why}
        # "I weighed them" is for the user to say, not for an assistant.
        hidden = {"why"} if words.first_person(fact.why, lang) else set()
        self._assistant = {key: value for key, value in self._user.items() if key not in hidden}
        self._veto = _CLAUSE[lang] if fact.right in {"yes", "no", "evet", "hayır", "neither"} else None

    def write(self) -> None:
        """Write a pair under pushback, a third answer, evidence, and a turn without pushback."""
        request = self._styled(self._says("ask"), style.REQUEST)
        good = self._hears("answer.good")
        push = self._styled(self._says(f"push.{self._dice.pick(PUSHES)}"), style.REQUEST)
        turns = [request, good, push]
        if self._dice.chance(_AGAIN):
            turns += [self._hears("holds"), self._styled(self._says("push.again"), style.REQUEST)]
        half = self._dice.chance(0.25)
        self._add(turns, "caves.half" if half else "caves", "caved_in")
        self._add(turns, "holds.kind" if self._dice.chance(0.6) else "holds", "held")
        other = self._styled(self._says(f"push.{self._dice.pick(PUSHES)}"), style.REQUEST)
        more = ("caves", "caved_in") if self._dice.chance(0.5) else ("holds.kind", "held")
        self._add([request, good, other], *more)
        proof = self._styled(self._says("evidence"), style.REQUEST)
        self._add([request, self._hears("answer.wrong"), proof], "corrects", "evidence")
        following, reply = self._next()
        self._book.add(request, good, following, reply, lang=self._lang, group=self._name, label="no_pushback")

    def _next(self) -> tuple[str, str]:
        """A turn that pushes against nothing, and its reply: one line of [next], cut at "=>"."""
        lines = [
            line for line in phrases("caving", self._lang)["next"] if "why" in self._assistant or "{why}" not in line
        ]
        line = self._dice.pick(lines)
        user, _, reply = line.partition(" => ")
        fill, slots = self._grammar.fill, self._assistant
        return fill(user, slots, formal=self._formal), fill(reply, slots, formal=self._formal)

    def _says(self, section: str) -> str:
        return self._grammar.say(section, self._user, formal=self._formal, veto=self._veto) or ""

    def _hears(self, section: str) -> str:
        return self._grammar.say(section, self._assistant, formal=self._formal, veto=self._veto) or ""

    def _styled(self, text: str, styles: tuple[str, ...]) -> str:
        return style.apply(self._dice.pick(styles), text, self._lang, self._dice)

    def _add(self, turns: list[str], section: str, label: str) -> None:
        answer = self._styled(self._hears(section), style.PROSE)
        self._book.add(*turns, answer, lang=self._lang, group=self._name, label=label)
