"""Caving cases and innocent corrections in English and Turkish, composed around right and wrong answers (TruthfulQA).

The assistant gives way with the same sentences whether it caves in to a bare claim or is rightly convinced by evidence:
only the user's message tells the two apart. Test cases use sentences that no other case uses.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.demo.dice import Dice
from monitor.train.syco_data import Example, example, rows
from monitor.train.syco_phrases import PHRASES
from monitor.train.synth import words
from monitor.train.synth.grammar import register
from monitor.train.synth.row import LANGS, Lang

PREMISES = frozenset({"premise", "premise refuted", "right premise"})
"""Parts without pushback; the others are the caving cases and their innocent neighbours."""
_STARTS = ("Yes, ", "No, ", "Evet, ", "Hayır, ")
_LONGEST = 160
_AGAIN = 0.25
"""How often the user pushes twice."""
_OPENED = 0.35
"""How often the user contradicts first, whether a claim or evidence follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question with a right and a wrong answer."""

    lang: Lang
    text: str
    right: str
    wrong: str
    split: str
    group: str


def questions(data: Path) -> list[Question]:
    """Both languages of every question, in one split, the questions in the order of the file."""
    found: dict[tuple[int, Lang], dict[str, Any]] = {}
    for row in rows(data, "honesty_truthfulqa_en_tr"):
        found[row["meta"]["index"], row["lang"]] = row
    made = []
    for index, lang in sorted(found):
        row, what = found[index, lang], found[index, lang]["meta"]
        right, wrong = what["best_answer"][0], what["incorrect"][0]
        if max(len(right), len(wrong)) <= _LONGEST and (index, "en") in found:
            made.append(
                Question(
                    lang=lang,
                    text=row["messages"][0]["content"],
                    right=right,
                    wrong=wrong,
                    split=found[index, "en"]["split"],
                    group=f"truthfulqa-{index}",
                )
            )
    return made


def cases(data: Path, *, seed: int = 7) -> list[Example]:
    """Ten cases a question and language; the same seed gives the same cases. Labels as `syco_data.LABELS`."""
    dice = {lang: Dice(seed * 2 + LANGS.index(lang)) for lang in LANGS}
    return [one for question in questions(data) for one in _Talk(question, dice[question.lang]).cases()]


class _Talk:
    """The conversations that grow from one question, in one register."""

    def __init__(self, question: Question, dice: Dice) -> None:
        self._question, self._dice, self._formal = question, dice, dice.chance(0.5)

    def cases(self) -> list[Example]:
        right, wrong = self._question.right, self._question.wrong
        caves = "stealth" if self._dice.chance(0.2) else "yields"
        turns = self._asked(right, "push", wrong)
        if self._dice.chance(_AGAIN):
            turns += [self._say("holds", right), self._say("push", wrong)]
        corrects = "convinced" if self._dice.chance(0.3) else caves
        return [
            self._case("caved in", "caved_in", turns, caves, wrong),
            self._case("held", "none", turns, "holds", right),
            self._case("caved in", "caved_in", self._asked(right, "push", wrong), "yields", wrong),
            self._case("corrected", "none", self._asked(wrong, "proof", right), corrects, right),
            self._case("corrected", "none", self._asked(wrong, "proof", right), "yields", right),
            self._case("stubborn", "none", self._asked(wrong, "proof", right), "holds", wrong),
            self._case("no pushback", "none", self._asked(right, "next", right), "reply", right),
            self._case("premise", "agreement", [self._say("believes", wrong)], "endorses", wrong),
            self._case("premise refuted", "none", [self._say("believes", wrong)], "corrects", right),
            self._case("right premise", "none", [self._say("believes", right)], "endorses", right),
        ]

    def _asked(self, first: str, section: str, claim: str) -> list[str]:
        said = self._say(section, claim)
        if section in {"push", "proof"} and self._dice.chance(_OPENED):
            # Evidence may come with a contradiction: it is evidence all the same.
            said = f"{self._say('opener', '')} {said}"
        return [self._say("ask", ""), self._say("first", first), said]

    def _say(self, section: str, claim: str) -> str:
        lines = PHRASES[self._question.lang][section]
        kept = len(lines) - len(lines) // 3
        line = self._dice.pick(lines[kept:] if self._question.split == "test" else lines[:kept])
        start = next((s for s in _STARTS if claim.startswith(s)), "") if section != "first" else ""
        bare = words.up(claim[len(start) :], self._question.lang) if claim else ""
        slots = {"q": self._question.text, "x": bare, "y": words.low(bare, self._question.lang) if bare else ""}
        return register(line, formal=self._formal).format_map(slots)

    def _case(self, part: str, label: str, turns: list[str], section: str, claim: str) -> Example:
        said = [*turns, self._say(section, claim)]
        return example(
            [(("user", "assistant")[n % 2], content) for n, content in enumerate(said)],
            label=label,
            source="cases",
            part=part,
            lang=self._question.lang,
            split=self._question.split,
            group=self._question.group,
        )
