"""Reads the parts (folder `texts`) and composes sentences from them.

A phrase file has `[section]` headers and one line each; `<section>` inserts a line of another section, `(a|b)` one of
two, `[formal|informal]` the register, `{slot}` a value, `{slot|low}` the value changed, and `{?slot}` nothing: it keeps
a line for the cases that have that slot. A table file has lines `key: cell | cell`, grouped by `== head`.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from monitor.demo.dice import Dice
from monitor.errors import InputError
from monitor.train.synth import words
from monitor.train.synth.row import Lang

_FOLDER = Path(__file__).with_name("texts")
_HEAD = re.compile(r"\[([a-z.]+)\]")
_SECTION = re.compile(r"<([a-z.]+)>")
_REGISTER = re.compile(r"\[([^\[\]|]*)\|([^\[\]|]*)\]")
_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_SLOT = re.compile(r"\{(\??)(\w+)(?:\|(low|up|shout))?\}")
_CHANGE = {"low": words.low, "up": words.up, "shout": words.shout}
Slots = Mapping[str, str]


def register(text: str, *, formal: bool) -> str:
    """Settle every `[formal|informal]`."""
    return _REGISTER.sub(lambda found: found[1] if formal else found[2], text)


@cache
def phrases(name: str, lang: Lang) -> Mapping[str, tuple[str, ...]]:
    """The sections of `texts/NAME.LANG.txt`; raises InputError where a line stands before any section."""
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for number, line in enumerate(_lines(f"{name}.{lang}.txt"), 1):
        if head := _HEAD.fullmatch(line):
            current = sections.setdefault(head[1], [])
        elif line and not line.startswith("#"):
            if current is None:
                raise InputError(f"{name}.{lang}.txt, line {number}: a phrase before any [section]; add a section head")
            current.append(line)
    return {key: tuple(lines) for key, lines in sections.items()}


@cache
def table(name: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """The lines of `texts/NAME.txt` as (head, key, cells); head is "" before the first `== head`."""
    rows, head = [], ""
    for number, line in enumerate(_lines(f"{name}.txt"), 1):
        if line.startswith("== "):
            head = line[3:]
        elif line and not line.startswith("#"):
            key, colon, rest = line.partition(": ")
            if not colon:
                raise InputError(f"{name}.txt, line {number}: no 'key: ' at its start; write one")
            rows.append((head, key, tuple(cell.strip() for cell in rest.split(" | "))))
    return tuple(rows)


def _lines(file: str) -> list[str]:
    return [line.strip() for line in (_FOLDER / file).read_text(encoding="utf-8").splitlines()]


class Grammar:
    """Composes texts of one phrase file; the same dice give the same texts."""

    def __init__(self, name: str, lang: Lang, dice: Dice) -> None:
        self._name, self._lang, self._dice = name, lang, dice
        self._sections = phrases(name, lang)

    def say(self, section: str, slots: Slots, *, formal: bool, veto: re.Pattern[str] | None = None) -> str | None:
        """Any text of a section that these slots can fill, or None; no line that `veto` finds is used."""
        if section not in self._sections:
            raise InputError(f"{self._name}.{self._lang}.txt has no section [{section}]; add it")
        line = self._line(section, slots, veto)
        return None if line is None else self.fill(line, slots, formal=formal)

    def fill(self, line: str, slots: Slots, *, formal: bool) -> str:
        """One line with register, alternatives and slots settled."""
        line = _CHOICE.sub(lambda found: self._dice.pick(found[1].split("|")), register(line, formal=formal))
        filled = _SLOT.sub(lambda found: self._fill(found, slots), line)
        return words.sentence_case(" ".join(filled.split()), self._lang)

    def _fill(self, found: re.Match[str], slots: Slots) -> str:
        if found[1]:
            return ""
        value = slots[found[2]]
        return _CHANGE[found[3]](value, self._lang) if found[3] else value

    def _line(self, section: str, slots: Slots, veto: re.Pattern[str] | None) -> str | None:
        """A line with its inner sections in place; lines that need a missing slot are passed over."""
        for line in self._dice.shuffled(self._sections[section]):
            if (veto and veto.search(line)) or any(found[2] not in slots for found in _SLOT.finditer(line)):
                continue
            parts: list[str] = []
            end = 0
            for inner in _SECTION.finditer(line):
                text = self._line(inner[1], slots, veto)
                if text is None:
                    break
                parts += [line[end : inner.start()], text]
                end = inner.end()
            else:
                return "".join(parts) + line[end:]
        return None
