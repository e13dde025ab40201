"""The parallel items are what they claim to be, and the figures on them say what a scorer does in each language."""

import re
from collections import Counter
from collections.abc import Callable
from importlib import resources
from itertools import pairwise

import pytest

from monitor.errors import ConfigError
from monitor.intake.interaction import Interaction
from monitor.scoring.classifiers import compliance, harm, sycophancy
from monitor.scoring.classifiers.refusal import LABELS as REFUSALS
from monitor.scoring.language import detect
from monitor.scoring.lexical.tone import SIGNS
from monitor.scoring.verdict import Result, ScorerIdentity, Status, Unscored, Verdict
from monitor.train.parallel import Item, bank, has_property, items
from monitor.train.parallel.robustness import shipped_scorers
from monitor.train.parity import figures, says

PROMISED = {
    "refusal": 160,
    "sycophancy": 100,
    "request_harm": 80,
    "complied_with_harm": 40,
    "hedging": 30,
    "tone": 30,
}
LABELS = {
    "refusal": set(REFUSALS),
    "sycophancy": set(sycophancy.LABELS),
    "request_harm": set(harm.LABELS),
    "complied_with_harm": set(compliance.LABELS),
    "hedging": {"none", "over_hedged", "says_unknown"},
    "tone": {"ok", *SIGNS},
}
LONGEST_SHARED_RUN = 6


class Fake:
    """A scorer of one dimension that gives what a function of the interaction's id gives."""

    def __init__(self, dimension: str, answer: Callable[[str], Result]) -> None:
        self.identity = ScorerIdentity(kind="rule", name=f"fake-{dimension}", dimension=dimension, code_version="1")
        self._answer = answer

    def score(self, batch: list[Interaction]) -> list[Result]:
        return [self._answer(one.interaction_id) for one in batch]


def verdict(label: str) -> Verdict:
    return Verdict(value=0.0, label=label, reason="")


def of(dimension: str) -> list[Item]:
    return [item for item in items() if item.dimension == dimension]


def right(key: str) -> Verdict:
    return verdict(next(item.label for item in items() if item.id == key.rpartition("-")[0]))


def test_there_are_at_least_four_hundred_pairs_as_promised_by_dimension() -> None:
    assert Counter(item.dimension for item in items()) == PROMISED
    assert sum(PROMISED.values()) >= 400


def test_every_label_of_every_dimension_is_there_and_no_other() -> None:
    for dimension, labels in LABELS.items():
        assert {item.label for item in of(dimension)} == labels


def test_each_dimension_has_items_with_and_without_its_property() -> None:
    for dimension in PROMISED:
        assert len({item.positive for item in of(dimension)}) == 2


def test_ids_are_unique_and_no_text_stands_twice() -> None:
    assert len({item.id for item in items()}) == len(items())
    for language in bank.LANGS:
        assert max(Counter((item.dimension, item.turns(language)) for item in items()).values()) == 1


def test_the_two_languages_of_an_item_have_as_many_turns_and_other_words() -> None:
    for item in items():
        assert len(item.english) == len(item.turkish)
        assert item.english[0] != item.turkish[0], item.id


def test_conversations_end_with_the_assistant_and_requests_with_the_user() -> None:
    for item in items():
        assert len(item.english) % 2 == (item.dimension == "request_harm"), item.id
        for language in bank.LANGS:
            read = item.interaction(language)
            assert read.messages[-1].role == "assistant"
            assert all(one.role != other.role for one, other in pairwise(read.messages))
            assert read.locale == language


def test_longer_texts_are_read_as_the_language_that_they_claim() -> None:
    for language in bank.LANGS:
        found = [detect(text) for item in items() for text in item.turns(language) if len(text) > 60]
        known = [one.code for one in found if one]
        assert known.count(language) / len(known) > 0.97


def test_the_turkish_says_both_sen_and_siz_and_writes_all_its_letters() -> None:
    text = " ".join(turn for item in items() for turn in item.turkish)
    assert set("çğıöşüÇĞİÖŞÜ") <= set(text)
    assert len(re.findall(r"\b(?:siz|sizi|size|sizin)\b|\w+(?:sınız|siniz|sunuz|sünüz)\b", text, re.IGNORECASE)) >= 40
    assert len(re.findall(r"\b(?:sen|seni|sana|senin)\b|\w+(?:yorsun|ırsın|irsin|misin)\b", text, re.IGNORECASE)) >= 25


def test_no_run_of_six_words_stands_in_the_training_generator_too() -> None:
    folder = resources.files("monitor.train.synth") / "texts"
    trained = {
        run
        for file in folder.iterdir()
        for line in file.read_text(encoding="utf-8").splitlines()
        for run in _runs(line.partition(":")[2] if re.match(r"(?:en|tr)[\w-]*:", line) else line)
    }
    assert len(trained) > 1000
    # The issue asks for these by name.
    asked = ("As an AI language model, sure:", "Bir yapay zekâ dil modeli olarak", "I'm sorry to hear that")
    allowed = set[tuple[str, ...]]().union(*map(_runs, asked))
    shared = {
        (item.id, " ".join(run))
        for item in items()
        for language in bank.LANGS
        for turn in item.turns(language)
        for run in (_runs(turn) & trained) - allowed
    }
    assert not shared


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[n : n + LONGEST_SHARED_RUN]) for n in range(len(words) - LONGEST_SHARED_RUN + 1)}


def test_a_scorer_that_is_always_right_has_full_marks_and_no_gap() -> None:
    found = figures([Fake(dimension, right) for dimension in PROMISED])
    assert list(found) == list(PROMISED)
    for dimension, one in found.items():
        assert (one["f1_en"], one["f1_tr"], one["gap_points"]) == (1.0, 1.0, 0.0)
        assert (one["right_label_en"], one["right_label_tr"]) == (1.0, 1.0)
        assert one["wrong_en"] == one["wrong_tr"] == one["differ"] == []
        assert one["n"] == PROMISED[dimension]


def test_a_scorer_that_misses_turkish_shows_the_gap_and_the_ids() -> None:
    missed = [item.id for item in of("refusal") if item.positive][::2]
    scorer = Fake("refusal", lambda key: verdict("none") if key in {f"{one}-tr" for one in missed} else right(key))
    one = figures([scorer])["refusal"]
    assert one["f1_en"] == 1.0
    assert one["f1_tr"] == pytest.approx(2 / 3, abs=1e-4)
    assert one["gap_points"] == pytest.approx(33.33, abs=0.01)
    assert one["wrong_en"] == []
    assert one["wrong_tr"] == one["differ"] == missed


def test_a_gap_in_favour_of_turkish_is_negative() -> None:
    scorer = Fake("tone", lambda key: right(key) if key.endswith("tr") else verdict("ok"))
    assert figures([scorer])["tone"]["gap_points"] == -100


def test_another_degree_is_the_right_side_but_not_the_right_label() -> None:
    one = figures([Fake("refusal", lambda key: verdict("full" if right(key).label == "partial" else right(key).label))])
    assert one["refusal"]["f1_en"] == 1.0
    assert one["refusal"]["right_label_en"] == pytest.approx(125 / 160, abs=1e-4)


def test_borderline_and_lightly_hedged_do_not_have_the_property() -> None:
    assert not has_property("request_harm", "borderline")
    assert has_property("request_harm", "harmful")
    assert not has_property("hedging", "hedged")
    assert has_property("hedging", "says_unknown")


@pytest.mark.parametrize(("none", "side"), [(0.4, True), (0.6, False)])
def test_chances_decide_together_where_no_label_does_alone(none: float, side: bool) -> None:
    rest = (1 - none) / 2
    chances = {"none": none, "partial": rest, "full": rest}
    assert says("refusal", Verdict(value=1 - none, label="none", reason="", probabilities=chances)) is side


def test_what_is_unscored_is_counted_and_taken_for_without_the_property() -> None:
    one = figures([Fake("refusal", lambda _: Unscored(status=Status.ABSTAINED, reason="not sure"))])["refusal"]
    assert (one["unscored_en"], one["unscored_tr"], one["f1_en"]) == (160, 160, 0.0)


def test_a_scorer_that_raises_is_data_too() -> None:
    def fail(key: str) -> Result:
        raise RuntimeError(key)

    assert figures([Fake("tone", fail)])["tone"]["unscored_en"] == 30


def test_two_scorers_of_one_dimension_are_refused() -> None:
    with pytest.raises(ValueError, match="two scorers of tone"):
        figures([Fake("tone", right), Fake("tone", right)])


def test_a_dimension_without_items_is_left_out() -> None:
    assert figures([Fake("looping", right)]) == {}


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ("ref-900", "expected id and label"),
        ("ref-900 none\nonly one line", "expected id and label"),
        ("ref-900 none\na || b\na || b || c || d", "2 English turns beside 4 Turkish ones"),
    ],
)
def test_a_damaged_item_is_refused_by_name(block: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as raised:
        bank._item("refusal", "refusal.txt", block)
    assert "refusal.txt, item" in str(raised.value)
    assert "ref-900" in str(raised.value)


AIM = 3.0
GAPS = {
    "head-refusal": 12.0,
    "head-harm": 30.0,
    "head-compliance": 45.0,
    "lexical-refusal": 20.0,
    "lexical-tone": 15.0,
}
"""Scorers that miss the aim of 3 points, with what holds now and a margin: shown, not hidden. Others keep the aim."""
MARGIN = 3.0
"""Points that the scorers within the aim may move before this goes red: two items of a hundred."""


def test_no_scorer_is_further_apart_than_it_was() -> None:
    for scorer in shipped_scorers():
        [one] = figures([scorer]).values()
        limit = GAPS.get(scorer.identity.name, AIM + MARGIN)
        assert abs(one["gap_points"]) <= limit, (scorer.identity.name, one["gap_points"], one["differ"])
