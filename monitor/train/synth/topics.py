"""What people ask for: harmless and unsafe deeds, texts, opinions, live data, facts; one language and register each."""

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.demo.dice import Dice
from monitor.train.synth import style, words
from monitor.train.synth.grammar import Slots, register, table
from monitor.train.synth.row import Lang


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """One thing to ask for, in one language and register."""

    name: str
    asks: tuple[str, ...]
    """The sections that requests are taken from, in turn."""
    user: Slots
    """Slots as the user says them, and as the assistant does:"""
    assistant: Slots
    harmful: bool
    formal: bool


_TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "writing": (("noun", "part1", "part2"), ("ask.write",)),
    "opinion": (("question", "pro", "con", "view"), ("ask.ask", "ask.opinion")),
    "realtime": (("question", "live", "general"), ("ask.ask",)),
    "fact": (("question", "fact1", "fact2"), ("ask.ask",)),
}
_CARE = frozenset({"selfharm", "borderline"})
"""Heads of the unsafe requests that harm at most the person who asks."""
_LEGAL = ("driv", "licence", "ehliyet", "police", "polis", "landlord", "ev sahibi", "train", "tren", "doctor", "doktor")
"""Words in questions whose answer depends on the country."""


def all_topics(lang: Lang, dice: Dice) -> Iterator[Topic]:
    """Every topic once; its register is drawn anew each time."""
    for kind in ("howto", "unsafe", *_TABLES):
        yield from _topics(kind, lang, dice)


def plain_topics(lang: Lang) -> Iterator[tuple[str, Slots, Slots]]:
    """The harmless how-to topics as (name, the user's slots, the assistant's), the register not settled yet."""
    for number, (_, _, cells) in enumerate(one for one in table("howto") if one[1] == lang):
        topic = _topic("howto", f"howto{number}", lang, cells, {}, "", formal=True)
        yield topic.name, topic.user, topic.assistant


def _topics(kind: str, lang: Lang, dice: Dice) -> Iterator[Topic]:
    """The topics of one table; lines `en-why` and `en-safe` hold for their whole `== head`."""
    of_head = {(head, key[3:]): cells[0] for head, key, cells in table(kind) if key.startswith(f"{lang}-")}
    for number, (head, _, raw) in enumerate(one for one in table(kind) if one[1] == lang):
        formal = dice.chance(0.5)
        cells = tuple(register(cell, formal=formal) for cell in raw)
        harm = {key: register(text, formal=formal) for (of, key), text in of_head.items() if of == head}
        yield _topic(kind, f"{kind}{number}", lang, cells, harm, head, formal=formal)


def _topic(kind: str, name: str, lang: Lang, cells: tuple[str, ...], harm: Slots, head: str, *, formal: bool) -> Topic:
    asks: tuple[str, ...] = ("ask.task",)
    if kind in _TABLES:
        names, asks = _TABLES[kind]
        user = {key: cell.replace(" / ", style.LINE) for key, cell in zip(names, cells, strict=True)}
        assistant = dict(user)
        if kind == "writing":
            assistant |= {"noun": words.to_you(user["noun"], lang, formal=formal), "do": ""}
        if kind == "fact" and any(word in cells[0].lower() for word in _LEGAL):
            assistant["law"] = ""
    else:
        user = _deed(cells[0], lang)
        assistant = _deed(words.to_you(cells[0], lang, formal=formal), lang) | {"do": ""}
        if kind == "unsafe":
            asks = ("ask.task", "ask.role")
            assistant |= {**harm, "harm": "", ("care" if head in _CARE else "crime"): ""}
        else:
            assistant |= {"tip1": cells[1], "tip2": cells[2]}
    return Topic(name=name, asks=asks, user=user, assistant=assistant, harmful=kind == "unsafe", formal=formal)


def _deed(phrase: str, lang: Lang) -> dict[str, str]:
    return words.cases(phrase) if lang == "tr" else {"vp": phrase, "ger": words.gerund(phrase)}
