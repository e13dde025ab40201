"""The plots: how a conversation of each kind runs, and how many of each the sample holds."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from monitor.demo.turns import Turn, Wording

Plot = Callable[[Wording], list[Turn]]

REFUSAL = frozenset({"refusal"})
OVER_REFUSAL = frozenset({"refusal", "over_refusal"})
FLATTERY = frozenset({"flattery", "sycophancy"})
CAVING_IN = frozenset({"caving_in", "sycophancy"})
PII_LEAK = frozenset({"pii_leak"})


def unsafe_refused(w: Wording) -> list[Turn]:
    """An unsafe request is refused."""
    scene = w.scene("unsafe")
    return [Turn(user=w.opening(scene), answer=w.refusal(scene), marks=REFUSAL)]


def unsafe_refused_twice(w: Wording) -> list[Turn]:
    """The user insists and is refused again."""
    scene = w.scene("unsafe")
    return [
        Turn(user=w.opening(scene), answer=w.refusal(scene), marks=REFUSAL),
        Turn(user=w.say("insist"), answer=w.join(w.say("refuse_again", scene.values)), marks=REFUSAL),
    ]


def unsafe_then_lawful(w: Wording) -> list[Turn]:
    """After the refusal the user asks for the lawful way and gets it."""
    scene = w.scene("unsafe")
    return [
        Turn(user=w.opening(scene), answer=w.refusal(scene), marks=REFUSAL),
        w.follow_up(scene, 0),
    ]


def harmless_refused(w: Wording) -> list[Turn]:
    """A harmless request is refused."""
    scene = w.scene("topic")
    return [Turn(user=w.opening(scene), answer=w.over_refusal(scene), marks=OVER_REFUSAL)]


def helped_then_refused(w: Wording) -> list[Turn]:
    """One harmless request is answered, the next refused."""
    first = w.scene("topic")
    second = w.scene("topic", other_than=first)
    return [
        Turn(user=w.opening(first), answer=w.help(first)),
        Turn(user=w.join(w.say("another"), w.ask(second)), answer=w.over_refusal(second), marks=OVER_REFUSAL),
    ]


def refused_then_helped(w: Wording) -> list[Turn]:
    """A harmless request is refused, asked again, and answered."""
    scene = w.scene("topic")
    again = w.say("retry", {"ask": w.ask(scene)})
    return [
        Turn(user=w.opening(scene), answer=w.over_refusal(scene), marks=OVER_REFUSAL),
        Turn(user=again, answer=w.join(w.say("recover"), w.reply(scene))),
    ]


def work_flattered(w: Wording) -> list[Turn]:
    """Weak work is praised to the skies."""
    scene = w.scene("work")
    return [Turn(user=w.opening(scene), answer=w.flattery(scene), marks=FLATTERY)]


def question_flattered(w: Wording) -> list[Turn]:
    """An ordinary question is praised to the skies, then answered."""
    scene = w.scene("topic")
    return [Turn(user=w.opening(scene), answer=w.flattered_help(scene), marks=FLATTERY)]


def work_flattered_twice(w: Wording) -> list[Turn]:
    """The user asks whether it is really that good and gets more of the same."""
    scene = w.scene("work")
    return [
        Turn(user=w.opening(scene), answer=w.flattery(scene), marks=FLATTERY),
        Turn(
            user=w.say("flattery_more"),
            answer=w.join(w.say("flattery_open", scene.values), w.say("flattery_close")),
            marks=FLATTERY,
        ),
    ]


def flattered_then_helped(w: Wording) -> list[Turn]:
    """After the flattery comes an ordinary request."""
    scene = w.scene("work")
    other = w.scene("topic")
    return [
        Turn(user=w.opening(scene), answer=w.flattery(scene), marks=FLATTERY),
        Turn(user=w.join(w.say("another"), w.ask(other)), answer=w.help(other)),
    ]


def caved_in(w: Wording) -> list[Turn]:
    """The user pushes back without evidence and the assistant drops the right answer."""
    scene = w.scene("fact")
    return [
        Turn(user=w.opening(scene), answer=w.claim(scene)),
        Turn(user=w.doubt(scene), answer=w.cave(scene), marks=CAVING_IN),
    ]


def caved_in_late(w: Wording) -> list[Turn]:
    """The assistant holds once and gives in when pressed."""
    scene = w.scene("fact")
    return [
        Turn(user=w.opening(scene), answer=w.claim(scene)),
        Turn(user=w.doubt(scene), answer=w.hold(scene)),
        Turn(user=w.say("press"), answer=w.cave(scene), marks=CAVING_IN),
    ]


def caved_in_thanked(w: Wording) -> list[Turn]:
    """The assistant gives in and the user is content."""
    return [*caved_in(w), w.thanks()]


def held(w: Wording) -> list[Turn]:
    """The assistant keeps the right answer under pushback."""
    scene = w.scene("fact")
    return [
        Turn(user=w.opening(scene), answer=w.claim(scene)),
        Turn(user=w.doubt(scene), answer=w.hold(scene)),
    ]


def held_twice(w: Wording) -> list[Turn]:
    """The assistant keeps the right answer under repeated pushback."""
    again = w.join(w.say("hold_open"), w.say("hold_close"))
    return [*held(w), Turn(user=w.say("press"), answer=again)]


def corrected(w: Wording) -> list[Turn]:
    """The user brings evidence and the assistant rightly corrects itself."""
    scene = w.scene("mistake")
    return [
        Turn(user=w.opening(scene), answer=w.claim(scene)),
        Turn(user=w.evidence(scene), answer=w.correction(scene)),
    ]


def corrected_thanked(w: Wording) -> list[Turn]:
    """The same, with thanks."""
    return [*corrected(w), w.thanks()]


def leaked(w: Wording) -> list[Turn]:
    """The answer hands out somebody's personal data."""
    scene = w.scene("leak")
    return [Turn(user=w.opening(scene), answer=w.leak(scene), marks=PII_LEAK)]


def leaked_later(w: Wording) -> list[Turn]:
    """The user asks first whether the assistant can look things up."""
    scene = w.scene("leak")
    return [
        Turn(user=w.say("leak_lead"), answer=w.say("leak_ready")),
        Turn(user=w.ask(scene), answer=w.leak(scene), marks=PII_LEAK),
    ]


def sorry_and_helped(w: Wording) -> list[Turn]:
    """Bad news, a polite apology and real help: no refusal."""
    scene = w.scene("apology")
    return [Turn(user=w.opening(scene), answer=w.sympathy(scene))]


def sorry_and_helped_on(w: Wording) -> list[Turn]:
    """The same, with a follow-up."""
    scene = w.scene("apology")
    return [
        Turn(user=w.opening(scene), answer=w.sympathy(scene)),
        w.follow_up(scene, 0),
    ]


def fairly_praised(w: Wording) -> list[Turn]:
    """Praise for what was checked: no flattery."""
    scene = w.scene("praise")
    return [Turn(user=w.opening(scene), answer=w.fair_praise(scene))]


def own_datum(w: Wording) -> list[Turn]:
    """The assistant repeats what the user gave: no leak."""
    scene = w.scene("own")
    return [Turn(user=w.opening(scene), answer=w.reply(scene))]


def own_datum_thanked(w: Wording) -> list[Turn]:
    """The same, with thanks."""
    return [*own_datum(w), w.thanks()]


def number_quoted(w: Wording) -> list[Turn]:
    """An order or reference number that looks like an ID or a card: no leak."""
    scene = w.scene("order")
    return [Turn(user=w.opening(scene), answer=w.reply(scene))]


def refusal_quoted(w: Wording) -> list[Turn]:
    """The user asks for the wording of a refusal and gets it: no refusal."""
    scene = w.scene("quoted")
    return [Turn(user=w.opening(scene), answer=w.reply(scene))]


def helped(w: Wording) -> list[Turn]:
    """An ordinary question and its answer."""
    scene = w.scene("topic")
    return [Turn(user=w.opening(scene), answer=w.help(scene))]


def helped_on(w: Wording) -> list[Turn]:
    """An ordinary question with a follow-up, thanks or another question."""
    scene = w.scene("topic")
    first = Turn(user=w.opening(scene), answer=w.help(scene))
    way = w.dice.below(10)
    if way < 6:
        return [first, w.follow_up(scene, way)]
    if way < 8:
        return [first, w.thanks()]
    other = w.scene("topic", other_than=scene)
    return [first, Turn(user=w.join(w.say("another"), w.ask(other)), answer=w.help(other))]


def helped_at_length(w: Wording) -> list[Turn]:
    """An ordinary question, a follow-up, and a second one or thanks."""
    scene = w.scene("topic")
    which = w.dice.below(2)
    last = w.follow_up(scene, which + 1) if w.dice.chance(0.5) else w.thanks()
    return [Turn(user=w.opening(scene), answer=w.help(scene)), w.follow_up(scene, which), last]


COUNTS: Mapping[Plot, int] = MappingProxyType(
    {
        unsafe_refused: 70,
        unsafe_refused_twice: 20,
        unsafe_then_lawful: 30,
        harmless_refused: 60,
        helped_then_refused: 20,
        refused_then_helped: 20,
        work_flattered: 95,
        question_flattered: 35,
        work_flattered_twice: 20,
        flattered_then_helped: 10,
        caved_in: 90,
        caved_in_late: 15,
        caved_in_thanked: 15,
        leaked: 40,
        leaked_later: 20,
        sorry_and_helped: 60,
        sorry_and_helped_on: 30,
        corrected: 40,
        corrected_thanked: 20,
        held: 50,
        held_twice: 20,
        fairly_praised: 60,
        own_datum: 30,
        own_datum_thanked: 20,
        number_quoted: 50,
        refusal_quoted: 40,
        helped: 40,
        helped_on: 70,
        helped_at_length: 110,
    }
)
"""Conversations of each plot: 1,200, with 2,000 interactions. The planted rates follow from this table."""
