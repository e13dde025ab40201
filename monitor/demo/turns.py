"""Words single turns: fills slots, joins openers, bodies and closers, and marks what the answer does."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.demo.dice import Dice
from monitor.demo.personal import order_number, person, reference_number
from monitor.demo.texts import SLOT, Case, Texts

ODD_SHARE = 0.05
"""Share of answers in a class that are phrased so unusually that a word list misses them."""

_CAPITALS = {"i": {"en": "I", "tr": "İ"}, "\u0131": {"tr": "I"}}
_SMALL = {"I": {"en": "i", "tr": "\u0131"}, "İ": {"tr": "i"}}
_CODE = re.compile(r"[a-z]+[.(]\w*\(")
"""Code such as `list.sort()` keeps its small letter at the start of a sentence."""
_PRAISE_FRAME = frozenset({"coding", "homework", "writing", "hr"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A user message, the answer to it, and the dimensions that are true of the answer."""

    user: str
    answer: str
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """One case with its slots filled for one conversation."""

    case: Case
    values: Mapping[str, str]


class Wording:
    """Words turns in one language; every choice comes from the dice."""

    def __init__(self, dice: Dice, texts: Texts) -> None:
        """Word from `texts` by `dice`."""
        self.dice = dice
        self.texts = texts
        self.domain = ""
        """The domain of the last scene drawn."""

    def scene(self, kind: str, *, other_than: Scene | None = None) -> Scene:
        """Draw the next case of this kind and fill its slots."""
        case = self.dice.deal(f"{self.texts.language} {kind}", self.texts.cases[kind])
        if other_than is not None and case == other_than.case:
            return self.scene(kind, other_than=other_than)
        values = {
            **person(self.dice, self.texts).slots,
            "order11": order_number(self.dice),
            "ref16": reference_number(self.dice),
            **self.dice.deal(f"{self.texts.language} {case.asks[0]}", case.slots),
        }
        values["gist"] = self._fill(case.gist, values)
        self.domain = case.domain
        return Scene(case=case, values=values)

    def say(self, bank: str, values: Mapping[str, str] | None = None) -> str:
        """Give the next phrase of a bank, filled."""
        phrase = self.dice.deal(f"{self.texts.language} bank {bank}", self.texts.phrases[bank])
        return self._fill(phrase, values or {})

    def ask(self, scene: Scene) -> str:
        """Ask for what the scene is about."""
        return self.join(self._fill(self.dice.pick(scene.case.asks), scene.values))

    def opening(self, scene: Scene) -> str:
        """Ask as the first message of a conversation, at times with a greeting."""
        return self.join(self.say("greet") if self.dice.chance(0.25) else "", self.ask(scene))

    def reply(self, scene: Scene) -> str:
        """Answer as the case has it, without a frame."""
        return self._fill(self.dice.pick(scene.case.answers), scene.values)

    def help(self, scene: Scene) -> str:
        """Answer helpfully, at times with an opener and a closer."""
        opener = self.say("help_open") if self.dice.chance(0.35) else ""
        closer = self.say("help_close") if self.dice.chance(0.3) else ""
        return self.join(opener, self.reply(scene), closer)

    def refusal(self, scene: Scene) -> str:
        """Refuse an unsafe request: fully, flatly or in part."""
        style = self.dice.below(100)
        if style < 100 * ODD_SHARE:
            return self.join(self.say("refusal_odd", scene.values))
        reason = self.say("refusal_reason") if self.dice.chance(0.6) else ""
        closer = self.say("refusal_close") if self.dice.chance(0.5) else ""
        if style < 20:
            return self.join(self.say("partial_unsafe", scene.values), closer)
        if style < 45:
            return self.join(self.say("refusal_flat", scene.values), reason, closer)
        opener = self.say("refusal_open") if style < 85 else ""
        return self.join(opener, self.say("refusal_body", scene.values), reason, closer)

    def over_refusal(self, scene: Scene) -> str:
        """Refuse a harmless request: fully or in part."""
        style = self.dice.below(100)
        if style < 100 * ODD_SHARE:
            return self.join(self.say("refusal_odd", scene.values))
        closer = self.say("over_close") if self.dice.chance(0.6) else ""
        if style < 22:
            return self.join(self.say("partial_over", scene.values), closer)
        opener = self.say("refusal_open") if style < 80 else ""
        reason = self.say("over_reason") if self.dice.chance(0.7) else ""
        return self.join(opener, self.say("refusal_body", scene.values), reason, closer)

    def flattery(self, scene: Scene) -> str:
        """Praise the user's work beyond all measure."""
        if self.dice.chance(ODD_SHARE):
            return self.say("flattery_odd", scene.values)
        closer = self.say("flattery_close") if self.dice.chance(0.7) else ""
        return self.join(self.say("flattery_open", scene.values), self.reply(scene), closer)

    def flattered_help(self, scene: Scene) -> str:
        """Praise the question beyond all measure, then answer it."""
        return self.join(self.say("flattery_question"), self.reply(scene))

    def claim(self, scene: Scene) -> str:
        """State the fact."""
        return self.reply(scene)

    def doubt(self, scene: Scene) -> str:
        """Push back with nothing but an opinion."""
        doubt = self._fill(self.dice.pick(scene.case.objections), scene.values)
        return self.join(self.say("pushback", {"doubt": doubt}))

    def evidence(self, scene: Scene) -> str:
        """Push back with something new that can be checked."""
        return self._fill(self.dice.pick(scene.case.objections), scene.values)

    def cave(self, scene: Scene) -> str:
        """Drop the right answer for the user's wrong one."""
        odd = self.dice.chance(ODD_SHARE)
        opener = self.say("cave_odd" if odd else "cave_open")
        closer = self.say("cave_close") if not odd and self.dice.chance(0.5) else ""
        return self.join(opener, self._fill(self.dice.pick(scene.case.wrong_claims), scene.values), closer)

    def hold(self, scene: Scene) -> str:
        """Keep the right answer and say why."""
        closer = self.say("hold_close") if self.dice.chance(0.4) else ""
        return self.join(self.say("hold_open"), self._fill(scene.case.reasons[0], scene.values), closer)

    def correction(self, scene: Scene) -> str:
        """Give up a wrong answer, rightly, for the evidence."""
        return self.join(self.say("correct_open"), self._fill(scene.case.reasons[0], scene.values))

    def fair_praise(self, scene: Scene) -> str:
        """Say what is good about the work, as far as it was checked."""
        framed = scene.case.domain in _PRAISE_FRAME
        opener = self.say("praise_open") if framed and self.dice.chance(0.6) else ""
        closer = self.say("praise_close") if framed and self.dice.chance(0.4) else ""
        return self.join(opener, self.reply(scene), closer)

    def sympathy(self, scene: Scene) -> str:
        """Say sorry for bad news or for one's own company, then help."""
        bank = "apology_service" if scene.case.domain == "retail" else "apology_open"
        return self.join(self.say(bank), self.reply(scene))

    def leak(self, scene: Scene) -> str:
        """Hand out somebody's personal data."""
        opener = self.say("leak_open") if self.dice.chance(0.7) else ""
        closer = self.say("leak_close") if self.dice.chance(0.4) else ""
        return self.join(opener, self.reply(scene), closer)

    def follow_up(self, scene: Scene, which: int) -> Turn:
        """Go on with the case's follow-up question and its answer."""
        question, answer = scene.case.follow_ups[which % len(scene.case.follow_ups)]
        return Turn(user=self._fill(question, scene.values), answer=self._fill(answer, scene.values))

    def thanks(self) -> Turn:
        """Thank the assistant."""
        return Turn(user=self.say("thanks"), answer=self.say("welcome"))

    def casual(self, message: str) -> str:
        """Type as people do: small first letter, no full stop."""
        first = message[0]
        small = _SMALL.get(first, {}).get(self.texts.language, first.lower())
        return small + message[1:].removesuffix(".")

    def join(self, *parts: str) -> str:
        """Put the parts behind one another, each sentence with a capital."""
        text = ""
        for part in filter(None, parts):
            opens_sentence = not text or text[-1] in ".!?"
            text += (" " if text else "") + (self._capital(part) if opens_sentence else part)
        return text

    def _capital(self, part: str) -> str:
        if _CODE.match(part):
            return part
        capital = _CAPITALS.get(part[0], {}).get(self.texts.language, part[0].upper())
        return capital + part[1:]

    def _fill(self, text: str, values: Mapping[str, str]) -> str:
        """Put the values into the slots; one that opens a later sentence gets its capital."""

        def value(slot: re.Match[str]) -> str:
            filled = values[slot[1]]
            opens_sentence = text[: slot.start()].endswith((". ", "! ", "? ")) and "@" not in filled
            return self._capital(filled) if opens_sentence else filled

        return SLOT.sub(value, text)
