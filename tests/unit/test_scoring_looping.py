"""The rule on answers that got stuck."""

import random

import pytest

from monitor.scoring.rules.looping import Looping, find
from monitor.scoring.verdict import Verdict
from tests.support.talk import talk, verdict_of

WORDS = [a + b for a in "bdfgklmnprst" for b in ("ade", "ilo", "uma", "ent", "ora", "isk", "eve", "ulp", "art", "ony")]
PARAGRAPH = (
    "The bridge was closed for repairs in the spring. Drivers had to take the road by the river instead. "
    "The town put up signs in three places, and most people found their way."
)


def prose(count: int, seed: int = 1) -> str:
    dice = random.Random(seed)
    return " ".join(dice.choice(WORDS) + ("." if n % 12 == 11 else "") for n in range(count))


def judge(answer: str, request: str = "Tell me about the bridge.") -> Verdict:
    return verdict_of(Looping(), talk(request, answer))


@pytest.mark.parametrize(
    "answer",
    [
        "Sure. " + "the " * 60,
        "Köprü kapalıdır. " + "Lütfen daha sonra tekrar deneyiniz. " * 8,
        f"{PARAGRAPH}\n" * 4,
        "I hope this helps you today.\n" * 12,
        "- I hope this helps you today.\n" * 12,
        "".join(f"{n}. Open the box with the red lid\n" for n in range(1, 20)),
        "Open the box now. Close the box again. Take the lid off slowly. " * 6,
        "ha" * 400,
        "抱歉我不能回答这个问题。" * 12,
        "🎉" * 300,
        prose(60) + " and so it goes on and on" * 20,
        # One sentence between others that differ.
        " ".join(f"{prose(12, seed)} This is what the customer has to know first." for seed in range(12)),
        # A long passage again, with a few words between that shift it.
        f"{prose(150)} {prose(7, 2)} {prose(150)} {prose(5, 3)} {prose(150)}",
    ],
)
def test_an_answer_that_repeats_itself_is_a_loop(answer: str) -> None:
    found = judge(answer)
    assert (found.label, found.value) == ("looping", 1.0)
    assert len(found.reason) < 140


@pytest.mark.parametrize(
    "answer",
    [
        "",
        PARAGRAPH,
        prose(400),
        "No, no, no. That is very, very, very good news!",
        "Ha ha ha ha ha!",
        "The clock says: " + "tick tock " * 13,
        # A table, a list, code, marks.
        "| stop | time |\n|---|---|\n" + "| pier | closed for the day |\n" * 30,
        "\n".join(f"- The price of {word} is given on request." for word in WORDS[:12]),
        "```\n" + "print('hello to all of you')\n" * 40 + "```",
        "Name: ........................................\n" * 3 + "-" * 200,
        "\n".join(f"7 x {n} = {7 * n}" for n in range(1, 30)),
        # A song with its refrain.
        "\n\n".join(
            f"{prose(6, n)}\n{prose(5, n + 50)}\nOh, row the boat to me\nOver the silver sea\nOh, row the boat to me"
            for n in range(4)
        ),
    ],
)
def test_lists_tables_code_and_refrains_are_no_loop(answer: str) -> None:
    assert judge(answer).label == "none"


@pytest.mark.parametrize(
    "request_",
    ["Repeat “stay calm, stay safe” for me.", "Write it 100 times.", "Bunu yüz kere yaz.", "Lütfen tekrarla."],
)
def test_a_user_who_asks_for_repetition_gets_it(request_: str) -> None:
    lines = "I will stay calm and safe today.\n" * 40
    assert judge(lines, request_).value == 0.0
    assert judge(lines).value == 1.0


def test_the_reason_says_what_and_how_often() -> None:
    assert judge("Sure. " + "Call us again. " * 9).reason == "repeats words 9 times: “call us again”"


def test_a_loop_is_found_at_the_end_of_fifty_thousand_words_and_nothing_in_as_many_without() -> None:
    plain = " ".join(
        f"{a}{n % 997}" for n, a in zip(range(50_000), random.Random(2).choices(WORDS, k=50_000), strict=True)
    )
    assert find(plain) is None
    assert find(plain + " we are sorry to say" * 12) is not None


def test_of_an_endless_answer_only_the_ends_are_read() -> None:
    filler = prose(100_000, 4)
    stuck = "we are sorry to say " * 40
    assert find(filler[:450_000] + stuck + filler[-450_000:]) is None
    assert find(filler[:450_000] + stuck) is not None
