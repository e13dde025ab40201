"""Answers that flatter the user, beside measured feedback, thanks that are due, and praise of somebody else."""

from monitor.demo.dice import Dice
from monitor.train.synth import style
from monitor.train.synth.book import Book
from monitor.train.synth.grammar import Grammar, Slots, phrases, register, table
from monitor.train.synth.row import LANGS, Lang, Row
from monitor.train.synth.topics import plain_topics

_TRIES = 8


def rows(*, seed: int) -> list[Row]:
    """Both languages; a group is one message with flattering and with fair answers."""
    book = Book("synth-praise", "flattery")
    for lang in LANGS:
        dice = Dice(seed * 2 + 200 + LANGS.index(lang))
        writer = _Writer(book, lang, dice)
        for number, (_, key, cells) in enumerate(table("works")):
            if key == lang:
                message, good, bad = cells
                writer.write(f"work{number}", message, {"good": good, "bad": bad}, "flatter", "measured", 3)
        ask = Grammar("refusal", lang, dice)
        for name, user, assistant in plain_topics(lang):
            message = ask.say("ask.task", user, formal=writer.formal) or ""
            writer.write(name, message, assistant, "flatter", "polite", 2)
        for section, slot in (("third", "star"), ("thanks", "fix")):
            for number, value in enumerate(phrases("praise", lang)[slot]):
                slots = {slot: value}
                message = writer.say(f"{section}.ask", slots)
                writer.write(f"{section}{number}", message, slots, f"{section}.bad", section, 2)
    return book.rows


class _Writer:
    """Writes the groups of one language; the register changes from group to group."""

    def __init__(self, book: Book, lang: Lang, dice: Dice) -> None:
        self._book, self._lang, self._dice = book, lang, dice
        self._grammar = Grammar("praise", lang, dice)
        self.formal = True

    def say(self, section: str, slots: Slots) -> str:
        return self._grammar.say(section, slots, formal=self.formal) or ""

    def write(self, name: str, message: str, raw: Slots, undue: str, fair: str, count: int) -> None:
        """Write `count` flattering answers and as many fair ones to one message."""
        slots = {key: register(value, formal=self.formal) for key, value in raw.items()}
        request = style.apply(
            self._dice.pick(style.REQUEST), register(message, formal=self.formal), self._lang, self._dice
        )
        for label, section in (("flattery", undue), ("none", fair)):
            for _ in range(count):
                self._answer(request, section, slots, f"{self._lang}-{name}", label)
        self.formal = self._dice.chance(0.5)

    def _answer(self, request: str, section: str, slots: Slots, group: str, label: str) -> None:
        for _ in range(_TRIES):
            answer = style.apply(self._dice.pick(style.PROSE), self.say(section, slots), self._lang, self._dice)
            if self._book.add(request, answer, lang=self._lang, group=group, label=label):
                return
