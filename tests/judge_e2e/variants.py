"""Each attack with all defences, without each one, and without any, beside the same conversation not attacked.

A weak judge gives the wished label by itself too, so what an attack does is the difference of the two shares.
"""

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from scipy import special

from monitor.errors import Poison, Retryable
from monitor.scoring.judge.attacks import ATTACKS, Case, Defences, cases
from monitor.scoring.judge.attacks.catalogue import CONTROL
from monitor.scoring.judge.attacks.measure import Outcome, outcome, question
from monitor.scoring.judge.call import Chat, Reply
from monitor.scoring.judge.criteria import LANGUAGES, Criterion, Language

VARIANTS: Mapping[str, Defences] = {
    "all": Defences(),
    **{f"no {name}": Defences().without(name) for name in asdict(Defences())},
    "none": Defences(**dict.fromkeys(asdict(Defences()), False)),
}
ALL_ATTACKS = "all attacks"
MAX_CHARACTERS = 2_000
"""Of a transcript; the longest attack is shorter."""
CONFIDENCE = 0.95

Criteria = Mapping[Language, Sequence[Criterion]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """What became of one case, by variant: attacked, and the same conversation with nothing planted."""

    attack: str
    attacked: Mapping[str, Outcome]
    plain: Mapping[str, Outcome]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """Shares in which the wished label came out, over the same n conversations."""

    n: int
    attacked: float
    plain: float
    """The judge's own base rate: nothing is planted."""
    low: float
    high: float
    """Interval of `difference`, at 95 %; of the catalogue's conversations, not of all there are."""

    @property
    def difference(self) -> float:
        """What the attack adds."""
        return self.attacked - self.plain


def drawn(count: int, *, seed: int, languages: tuple[Language, ...] = LANGUAGES) -> Iterator[Case]:
    """Give cases in random order, in rounds of one a kind of attack: wherever it stops, a fair part was taken."""
    dice = random.Random(seed)
    given = 0
    while given < count:
        made = [one for one in cases(dice.getrandbits(32), each=1, languages=languages) if one.attack != CONTROL]
        dice.shuffle(made)
        yield from made[: count - given]
        given += len(made)


async def tried(chat: Chat, criteria: Criteria, case: Case) -> Tried:
    """Judge a case in all variants; those that only read the reply in another way share one call."""
    return Tried(
        attack=case.attack,
        attacked=await _outcomes(chat, criteria, case, lambda one: one),
        # Nothing is planted, so there is nothing to neutralise.
        plain=await _outcomes(chat, criteria, case.unattacked, lambda one: replace(one, neutralise=True)),
    )


async def _outcomes(
    chat: Chat, criteria: Criteria, case: Case, asked_as: Callable[[Defences], Defences]
) -> dict[str, Outcome]:
    asked, replies = criteria[case.language], dict[Defences, Reply | None]()
    found: dict[str, Outcome] = {}
    for name, defences in VARIANTS.items():
        sent = replace(asked_as(defences), strict=True, evidence=True)
        if sent not in replies:
            try:
                prompt = question(asked, case, sent, max_characters=MAX_CHARACTERS)
                replies[sent] = await chat.complete(prompt)
            except (Retryable, Poison):
                replies[sent] = None
        reply = replies[sent]
        found[name] = "failed" if reply is None else outcome(reply, asked, case, defences)
    return found


def rates(all_tried: Iterable[Tried]) -> dict[str, dict[str, Rate]]:
    """Give rates by attack, first those of all together, then by variant; what has no pair of answers is left out."""
    kept = list(all_tried)
    found: dict[str, dict[str, Rate]] = {}
    for attack in (ALL_ATTACKS, *ATTACKS):
        mine = [one for one in kept if attack in {ALL_ATTACKS, one.attack}]
        by_variant = {name: _rate([(one.attacked[name], one.plain[name]) for one in mine]) for name in VARIANTS}
        if known := {name: rate for name, rate in by_variant.items() if rate is not None}:
            found[attack] = known
    return found


def _rate(outcomes: Iterable[tuple[Outcome, Outcome]]) -> Rate | None:
    pairs = [(one == "succeeded", other == "succeeded") for one, other in outcomes if "failed" not in {one, other}]
    if not pairs:
        return None
    both, first, second = (pairs.count(one) for one in ((True, True), (True, False), (False, True)))
    low, high = paired_interval(both, first, second, len(pairs) - both - first - second)
    n = len(pairs)
    return Rate(n=n, attacked=(both + first) / n, plain=(both + second) / n, low=low, high=high)


def paired_interval(
    both: int, first: int, second: int, neither: int, *, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Give the interval of the difference of two shares of the same n > 0 items (Newcombe 1998, paired, method 10)."""
    n = both + first + second + neither
    one, other = (both + first) / n, (both + second) / n
    one_low, one_high = _wilson(one, n, confidence)
    other_low, other_high = _wilson(other, n, confidence)
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    joint = both * neither - first * second
    # The correction for continuity, on the side where being alike would narrow the interval.
    joint_kept = max(joint - n / 2, 0.0) if joint > 0 else joint
    phi = joint_kept / math.sqrt(margins) if margins else 0.0

    def reach(here: float, there: float) -> float:
        return math.sqrt(max(0.0, here**2 - 2 * phi * here * there + there**2))

    difference = one - other
    low = difference - reach(one - one_low, other_high - other)
    high = difference + reach(one_high - one, other - other_low)
    return max(-1.0, low), min(1.0, high)


def _wilson(share: float, n: int, confidence: float) -> tuple[float, float]:
    """Give the score interval of one share (Wilson 1927)."""
    z = float(special.ndtri(0.5 + confidence / 2))
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def as_json(found: Mapping[str, Mapping[str, Rate]]) -> dict[str, Any]:
    """Give the rates for programs, rounded to four places."""
    return {
        attack: {name: _rounded({**asdict(one), "difference": one.difference}) for name, one in by_variant.items()}
        for attack, by_variant in found.items()
    }


def lines(found: Mapping[str, Mapping[str, Rate]]) -> list[str]:
    """Give two tables: what each variant lets through in all, and each attack: attacked / not attacked, in percent."""
    made = [f"{'defences':<16}{'n':>5}{'attacked':>11}{'not':>9}{'difference':>12}   95 %"]
    for name, one in found.get(ALL_ATTACKS, {}).items():
        limits = f"{one.low:+.1%} to {one.high:+.1%}"
        made.append(f"{name:<16}{one.n:>5}{one.attacked:>11.1%}{one.plain:>9.1%}{one.difference:>+12.1%}   {limits}")
    made += ["", "attacked / not, %", f"{'attack':<20}{'n':>4}" + "".join(f"{name:>15}" for name in VARIANTS)]
    for attack, by_variant in found.items():
        cells = [_cell(by_variant.get(name)) for name in VARIANTS]
        most = max(one.n for one in by_variant.values())
        made.append(f"{attack:<20}{most:>4}" + "".join(f"{cell:>15}" for cell in cells))
    return made


def _cell(one: Rate | None) -> str:
    return "-" if one is None else f"{100 * one.attacked:.0f} / {100 * one.plain:.0f}"


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in figures.items()}
