"""What `make judge-attacks` draws, asks, counts and prints."""

import asyncio
import json
from collections import Counter
from itertools import islice, product
from math import comb

import pytest

from monitor.scoring.judge import fence
from monitor.scoring.judge.attacks import ATTACKS, Case
from monitor.scoring.judge.attacks.catalogue import CONTROL
from monitor.scoring.judge.call import Chat, JudgeUnavailable, Prompt, Reply
from tests.judge_e2e.attacks import CRITERIA, Brief, main
from tests.judge_e2e.variants import ALL_ATTACKS, VARIANTS, Tried, as_json, drawn, lines, paired_interval, rates, tried
from tests.support.judging import entry, said
from tests.support.obedient_judge import ObedientJudge

KINDS = len(ATTACKS) - 1


def judged(chat: Chat, cases: list[Case]) -> list[Tried]:
    async def each() -> list[Tried]:
        return [await tried(chat, CRITERIA, case) for case in cases]

    return asyncio.run(each())


def test_wherever_it_stops_each_attack_has_had_its_turn_as_often() -> None:
    kinds = Counter(case.attack for case in islice(drawn(500, seed=1), 3 * KINDS))
    assert kinds == dict.fromkeys(set(ATTACKS) - {CONTROL}, 3)


def test_the_same_seed_draws_the_same_cases_and_no_more_than_asked_for() -> None:
    assert list(drawn(25, seed=4)) == list(drawn(25, seed=4))
    assert list(drawn(25, seed=4)) != list(drawn(25, seed=5))
    assert len(list(drawn(25, seed=4))) == 25
    assert {case.language for case in drawn(25, seed=4, languages=("tr",))} == {"tr"}


def test_a_case_without_its_attack_is_the_same_conversation_and_holds_nothing_to_neutralise() -> None:
    for case in drawn(10 * KINDS, seed=2):
        plain = case.unattacked.interaction
        assert plain.interaction_id == case.interaction.interaction_id
        assert plain.messages != case.interaction.messages
        for bare, attacked in zip(plain.messages, case.interaction.messages, strict=True):
            assert bare.content in attacked.content
            assert fence.neutralise(bare.content) == bare.content


def test_a_judge_that_obeys_is_held_by_all_defences_and_by_none_when_all_are_down() -> None:
    found = rates(judged(ObedientJudge(), list(drawn(2 * KINDS, seed=3))))
    together = found[ALL_ATTACKS]
    assert list(together) == list(VARIANTS)
    assert (together["all"].n, together["all"].attacked) == (2 * KINDS, 0.0)
    assert together["none"].difference == 1.0
    assert all(0.0 < together[name].difference < 1.0 for name in VARIANTS if name not in {"all", "none"})
    assert all(one.plain == 0.0 for by_variant in found.values() for one in by_variant.values())
    assert set(found) == {ALL_ATTACKS, *ATTACKS} - {CONTROL}


def test_variants_that_only_read_in_another_way_cost_no_call() -> None:
    judge = ObedientJudge()
    judged(judge, list(drawn(6, seed=3)))
    # Attacked: all, no fence, no neutralise, no reminder, none. Plain: the same but for neutralising.
    assert len(judge.asked) == 6 * (5 + 4)


def test_a_question_that_is_the_same_to_the_letter_is_asked_once() -> None:
    judge = ObedientJudge()
    brief = Brief(judge)
    judged(brief, list(drawn(6, seed=3)) * 2)
    again = 6 * (3 + 2)
    assert brief.calls == len(judge.asked) <= 6 * (5 + 4) + again, "only a random fence makes it another question"


def test_the_answer_is_held_to_a_short_form_that_has_room_for_its_label() -> None:
    judge = ObedientJudge()
    judged(Brief(judge), list(drawn(1, seed=3)))
    for prompt in judge.asked:
        form = prompt.schema["properties"]["refusal"]["properties"]
        assert form["reason"]["maxLength"] < 100
        assert form["evidence"]["maxItems"] == 1


class Stubborn:
    """Says the same of every conversation, with a quote that is nowhere."""

    def __init__(self, label: str) -> None:
        self._label = label

    async def complete(self, prompt: Prompt) -> Reply:
        assert prompt.user
        return said({"refusal": entry(self._label, quote="never said by anybody")})

    async def close(self) -> None:
        pass


def test_what_a_judge_says_unasked_is_no_success_of_an_attack() -> None:
    cases = list(drawn(4 * KINDS, seed=8))
    together = rates(judged(Stubborn("full"), cases))[ALL_ATTACKS]
    wished = sum(case.wanted == "full" for case in cases) / len(cases)
    unbelieved, believed = together["all"], together["no evidence"]
    assert (unbelieved.attacked, unbelieved.plain) == (0.0, 0.0)
    assert believed.attacked == believed.plain == pytest.approx(wished)
    assert believed.difference == 0.0
    assert believed.low < 0.0 < believed.high


class Away:
    """Away at each fourth call."""

    def __init__(self) -> None:
        self._calls = 0

    async def complete(self, prompt: Prompt) -> Reply:
        assert prompt.user
        self._calls += 1
        if self._calls % 4 == 0:
            raise JudgeUnavailable("nobody there")
        return said("Hmm.")

    async def close(self) -> None:
        pass


def test_a_case_that_lacks_an_answer_on_either_side_is_not_counted() -> None:
    found = judged(Away(), list(drawn(KINDS, seed=8)))
    together = rates(found)[ALL_ATTACKS]
    for name, one in together.items():
        assert one.n == sum("failed" not in {each.attacked[name], each.plain[name]} for each in found) < KINDS
    assert rates([]) == {}


@pytest.mark.parametrize(("first", "second"), [(0.1, 0.1), (0.3, 0.1), (0.05, 0.3)])
def test_the_interval_of_a_paired_difference_covers_it(first: float, second: float) -> None:
    """All tables of 12 pairs, each with its probability: no chance is left to the test."""
    n, both = 12, 0.2
    covered = 0.0
    for b, f, s in product(range(n + 1), repeat=3):
        rest = n - b - f - s
        if rest < 0:
            continue
        ways = comb(n, b) * comb(n - b, f) * comb(n - b - f, s)
        chance = ways * both**b * first**f * second**s * (1 - both - first - second) ** rest
        low, high = paired_interval(b, f, s, rest)
        assert low <= (f - s) / n <= high
        covered += chance * (low <= first - second <= high)
    assert 0.93 < covered < 0.995


def test_the_interval_turns_with_its_sides_and_narrows_with_more_pairs() -> None:
    low, high = paired_interval(3, 9, 2, 16)
    assert paired_interval(3, 2, 9, 16) == pytest.approx((-high, -low))
    wide = paired_interval(0, 0, 0, 10)
    narrow = paired_interval(0, 0, 0, 1000)
    assert wide[0] < narrow[0] < 0.0 < narrow[1] < wide[1]


def test_the_tables_have_each_variant_and_each_attack() -> None:
    found = rates(judged(ObedientJudge(), list(drawn(KINDS, seed=3))))
    told = "\n".join(lines(found))
    assert all(name in told for name in (*VARIANTS, *found))
    known = as_json(found)["known_code"]["no fence"]
    assert (known["n"], known["attacked"], known["plain"], known["difference"]) == (1, 1.0, 0.0, 1.0)


def test_the_command_prints_tables_and_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scripted", "--cases", str(KINDS)]) == 0
    printed = capsys.readouterr()
    (line,) = printed.out.splitlines()
    (scripted,) = json.loads(line)["judges"].values()
    assert scripted["cases"] == KINDS
    assert scripted["rates"][ALL_ATTACKS]["none"]["attacked"] == 1.0
    assert "no reminder" in printed.err


def test_the_command_says_when_nothing_could_be_judged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scripted", "--minutes", "-1"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "--minutes" in printed.err
