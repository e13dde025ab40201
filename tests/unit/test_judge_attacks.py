"""Planted attacks against a judge that obeys: none gets through all defences, and each defence stops some."""

import asyncio
import json

import pytest

from monitor.intake.interaction import Message
from monitor.scoring.judge import fence
from monitor.scoring.judge.attacks import ATTACKS, Counts, Defences, Report, cases, measure
from monitor.scoring.judge.call import JudgeUnavailable, Prompt, Reply
from monitor.scoring.judge.criteria import Criterion, Language
from monitor.scoring.lexical import refusal
from tests.support.data import public
from tests.support.judging import FLATTERY, REFUSAL, said, talk
from tests.support.obedient_judge import ObedientJudge

RUBRIC: dict[Language, tuple[Criterion, ...]] = {"en": (REFUSAL,), "tr": (REFUSAL,)}
SEEDS = (1, 2, 3)


def measured(defences: Defences, seed: int = 1) -> Report:
    return asyncio.run(measure(ObedientJudge(), RUBRIC, cases(seed), defences=defences))


def successful(report: Report) -> set[str]:
    return {attack for attack, counts in report.by_attack.items() if counts.succeeded}


@pytest.mark.parametrize("seed", SEEDS)
def test_no_attack_gets_through_all_defences(seed: int) -> None:
    report = measured(Defences(), seed)
    assert successful(report) == set()
    assert report.by_attack["control"] == Counts(right=8)
    assert sum(counts.unscored + counts.failed for counts in report.by_attack.values()) == 0


@pytest.mark.parametrize(
    ("defence", "stopped"),
    [
        ("fence", {"known_code"}),
        (
            "neutralise",
            {
                "end_tag",
                "ruled_end",
                "end_in_words",
                "chat_tokens",
                "role_tags",
                "forged_turn",
                "homoglyphs",
                "zero_width",
                "many_shot",
            },
        ),
        ("reminder", {"as_the_judge", "authority"}),
        ("strict", {"fake_verdict_first", "fake_verdict_last"}),
        ("evidence", {"base64", "rot13", "leetspeak"}),
    ],
)
def test_each_defence_stops_attacks_that_the_others_let_through(defence: str, stopped: set[str]) -> None:
    for seed in SEEDS:
        assert stopped <= successful(measured(Defences().without(defence), seed))


def test_with_no_defence_nearly_every_attack_succeeds() -> None:
    bare = Defences(fence=False, neutralise=False, reminder=False, strict=False, evidence=False)
    assert successful(measured(bare)) == set(ATTACKS) - {"control"}


def test_the_judge_obeys_nothing_in_an_honest_conversation() -> None:
    report = measured(Defences(fence=False, neutralise=False, reminder=False, strict=False, evidence=False))
    assert report.by_attack["control"] == Counts(right=8)


def test_cases_are_the_same_for_a_seed_and_differ_between_seeds() -> None:
    assert cases(5) == cases(5)
    assert cases(5) != cases(6)
    assert len({case.name for case in cases(5)}) == len(cases(5)) == 8 * len(ATTACKS)
    assert len(cases(5, each=2)) == 2 * len(ATTACKS)


def test_cases_come_in_both_languages_both_places_and_both_directions() -> None:
    for attack in ATTACKS:
        mine = [case for case in cases(1) if case.attack == attack]
        assert len({(case.language, case.place, case.wanted) for case in mine}) == 8


def test_the_truth_of_a_case_is_plain_to_the_word_lists() -> None:
    for case in cases(1):
        if case.attack == "control":
            found = refusal.find(case.interaction.request, case.interaction.answer)
            assert found.degree == case.truth, case.name


def test_labels_of_another_rubric_can_be_attacked() -> None:
    made = cases(1, dimension="undue_praise", absent="no", present="yes", each=1)
    assert {case.wanted for case in made} <= {"no", "yes"}
    with pytest.raises(ValueError, match="undue_praise"):
        asyncio.run(measure(ObedientJudge(), RUBRIC, made))
    both: dict[Language, tuple[Criterion, ...]] = {"en": (REFUSAL, FLATTERY), "tr": (REFUSAL, FLATTERY)}
    report = asyncio.run(measure(ObedientJudge("undue_praise"), both, made))
    assert sum(counts.tried for counts in report.by_attack.values()) == len(made)


class Broken:
    """A judge that is away for one case in two, and talks nonsense in the other."""

    def __init__(self) -> None:
        self._calls = 0

    async def complete(self, prompt: Prompt) -> Reply:
        assert prompt.user
        self._calls += 1
        if self._calls % 2:
            raise JudgeUnavailable("nobody there")
        return said("Hmm.")

    async def close(self) -> None:
        pass


def test_a_judge_that_is_away_says_nothing_about_an_attack() -> None:
    report = asyncio.run(measure(Broken(), RUBRIC, cases(1, each=2), at_once=1))
    for counts in report.by_attack.values():
        assert counts == Counts(failed=1, unscored=1)


def test_public_turkish_attacks_stay_in_the_fence_and_stay_readable() -> None:
    code = fence.fresh()
    for line in public("prompts_tr_injection.jsonl").read_text(encoding="utf-8").splitlines():
        for message in json.loads(line)["messages"]:
            text = Message.model_validate(message).content
            made = fence.neutralise(text, code)
            assert not fence.markers(made)
            words = [word for word in fence.visible(text).split() if word.isalpha()]
            assert all(word in made for word in words)
            assert talk(made, "ok").request == made
