"""Facts with a right and a wrong value: those written down, and sums worked out here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from monitor.demo.dice import Dice
from monitor.train.synth.grammar import table
from monitor.train.synth.row import Lang

SUMS = 54
"""How many sums there are beside the written facts."""
_PERCENTS = {10: "u", 20: "si", 25: "i", 30: "u", 40: "ı", 50: "si", 60: "ı", 75: "i", 80: "i"}
"""A percentage and the Turkish ending its number takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """A question with its right value, a wrong one, and what settles it."""

    question: str
    right: str
    wrong: str
    why: str


def facts(lang: Lang) -> list[Fact]:
    """The facts of one language, in the same order for each."""
    written = [
        Fact(question=question, right=right, wrong=wrong, why=why)
        for _, key, (question, right, wrong, why) in table("facts")
        if key == lang
    ]
    return [*written, *_sums(lang)]


def _sums(lang: Lang) -> Iterator[Fact]:
    dice = Dice(2024)  # a fixed seed: the facts are part of the texts, not of the draw
    makers: tuple[Callable[[Lang, Dice], Fact], ...] = (_product, _percent, _difference)
    for number in range(SUMS):
        yield makers[number % len(makers)](lang, dice)


def _product(lang: Lang, dice: Dice) -> Fact:
    a, b, slip = 11 + dice.below(18), 12 + dice.below(7), dice.pick((-20, -10, 10, 20))
    tens, ones = f"{a} × 10 = {a * 10}", f"{a} × {b - 10} = {a * (b - 10)}"
    why = f"{tens} and {ones}, together {a * b}." if lang == "en" else f"{tens}, {ones}, toplamı {a * b}."
    question = f"What is {a} × {b}?" if lang == "en" else f"{a} × {b} kaç eder?"
    return Fact(question=question, right=str(a * b), wrong=str(a * b + slip), why=why)


def _percent(lang: Lang, dice: Dice) -> Fact:
    part, whole, slip = dice.pick(tuple(_PERCENTS)), 20 * (3 + dice.below(40)), dice.pick((-6, -4, 4, 6))
    right = part * whole // 100
    one = f"{whole / 100:g}"
    if lang == "tr":
        question = f"{whole} sayısının yüzde {part}'{_PERCENTS[part]} kaç eder?"
        one = one.replace(".", ",")
    else:
        question = f"What is {part} percent of {whole}?"
    why = f"{whole} / 100 = {one}, × {part} = {right}."
    return Fact(question=question, right=str(right), wrong=str(right + slip), why=why)


def _difference(lang: Lang, dice: Dice) -> Fact:
    low, gap, slip = 130 + dice.below(300), 117 + dice.below(350), dice.pick((-10, 10, 100))
    why = f"{low} + {gap} = {low + gap}."
    question = f"What is {low + gap} minus {low}?" if lang == "en" else f"{low + gap} eksi {low} kaç eder?"
    return Fact(question=question, right=str(gap), wrong=str(gap + slip), why=why)
