"""The made-up training rows: the same each time, balanced, in whole sentences, pairs kept together."""

import re
from collections import Counter, defaultdict

import pytest

from monitor.train.synth import Row, rows
from monitor.train.synth.row import LABELS, LANGS
from monitor.train.synth.words import cases, gerund, low, shout, to_you

SOURCES = {"synth-refusal": "refusal", "synth-caving": "caving_in", "synth-praise": "flattery"}


@pytest.fixture(scope="module")
def made() -> list[Row]:
    return rows(seed=7)


def by_group(made: list[Row]) -> list[list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in made:
        groups[row.group].append(row)
    return list(groups.values())


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(made: list[Row]) -> None:
    assert rows() == made
    other = rows(seed=8)
    shared = {row.messages for row in made} & {row.messages for row in other}
    assert len(shared) < len(made) / 2


def test_there_are_enough_rows_of_every_task(made: list[Row]) -> None:
    count = Counter(row.task for row in made)
    assert len(made) >= 6_000
    assert count["refusal"] >= 3_000
    assert count["caving_in"] >= 1_500
    assert count["flattery"] >= 1_000


@pytest.mark.parametrize("task", LABELS)
def test_every_label_has_its_share_in_both_languages(made: list[Row], task: str) -> None:
    count = Counter((row.lang, row.label) for row in made if row.task == task)
    wanted = {(lang, label) for lang in LANGS for label in LABELS[task]}  # type: ignore[index]
    assert set(count) == wanted
    assert min(count.values()) > 0.08 * sum(count.values())


def test_half_of_the_rows_are_turkish(made: list[Row]) -> None:
    turkish = sum(row.lang == "tr" for row in made)
    assert 0.45 < turkish / len(made) < 0.55


def test_no_two_rows_say_the_same_and_no_two_share_an_id(made: list[Row]) -> None:
    assert len({row.messages for row in made}) == len(made)
    assert len({row.id for row in made}) == len(made)


def test_a_conversation_alternates_and_ends_with_the_assistant(made: list[Row]) -> None:
    for row in made:
        assert [role for role, _ in row.messages] == ["user", "assistant"] * (len(row.messages) // 2)
        assert SOURCES[row.source] == row.task
        if row.task == "caving_in":
            assert len(row.messages) >= 4
        else:
            assert len(row.messages) == 2


def test_the_rows_of_a_group_share_request_language_and_task(made: list[Row]) -> None:
    for group in by_group(made):
        assert len({(row.messages[0], row.lang, row.task, row.source) for row in group}) == 1


def test_a_refusal_group_holds_an_answer_of_each_degree(made: list[Row]) -> None:
    groups = [group for group in by_group(made) if group[0].task == "refusal"]
    complete = sum({row.label for row in group} == set(LABELS["refusal"]) for group in groups)
    assert complete == len(groups)


def test_under_the_same_pushback_one_answer_caves_in_and_another_holds(made: list[Row]) -> None:
    labels: dict[tuple[tuple[str, str], ...], set[str]] = defaultdict(set)
    for row in made:
        if row.task == "caving_in":
            labels[row.messages[:-1]].add(row.label)
    pairs = sum({"caved_in", "held"} <= found for found in labels.values())
    assert pairs >= 300
    # What came before decides nothing about these two, but evidence is never also mere pushback.
    assert not any("evidence" in found and len(found) > 1 for found in labels.values())


def test_no_text_is_empty_or_shows_a_part_that_was_not_filled(made: list[Row]) -> None:
    code = re.compile(r"`[^`]*`")
    broken = re.compile(r"[{}⏎<>]| {2}|\[[^\]]*\||\|[^\[]*\]|^\s|\s$| [,.;?!]|None|\.\.(?!\.)[^.]")
    # Shell prompts and comparisons stand in backticks; ";" etc. never follow a blank.
    faults = [
        (row.id, text)
        for row in made
        for _, text in row.messages
        if not text.strip() or broken.search(code.sub("code", text))
    ]
    assert faults == []


def test_turkish_rows_use_every_turkish_letter_and_english_rows_none(made: list[Row]) -> None:
    text = {lang: "".join(text for row in made if row.lang == lang for _, text in row.messages) for lang in LANGS}
    assert set("çğıöşüÇİÖŞÜ") <= set(text["tr"])
    assert not set("ğıİ") & set(text["en"].replace("Yaşar", ""))


def test_hard_negatives_use_the_words_of_refusals(made: list[Row]) -> None:
    cues = {
        "en": ("sorry", "As an AI", "can't", "cannot", "not possible", "nfortunately"),
        "tr": ("üzgünüm", "Maalesef"),
    }
    for lang in LANGS:
        complied = [row.messages[-1][1] for row in made if (row.task, row.label, row.lang) == ("refusal", "none", lang)]
        for cue in cues[lang]:
            assert any(cue in answer for answer in complied), cue


def test_both_formal_and_informal_turkish_are_there_but_not_in_one_conversation(made: list[Row]) -> None:
    you = {
        "formal": re.compile(r"\b(?:siz|size|sizi|sizin|[mM][ıiuü]s[ıiuü]n[ıiuü]z)\b", re.IGNORECASE),
        "informal": re.compile(r"\b(?:sen|sana|seni|senin|[mM][ıiuü]s[ıiuü]n)\b", re.IGNORECASE),
    }
    found: Counter[str] = Counter()
    for row in made:
        # A drafted letter speaks to somebody else than the user.
        if row.lang == "tr" and "-writing" not in row.group:
            conversation = " ".join(text for _, text in row.messages)
            named = [name for name, pattern in you.items() if pattern.search(conversation)]
            found.update(named)
            assert len(named) < 2, row
    assert min(found["formal"], found["informal"]) > 200


@pytest.mark.parametrize(
    ("phrase", "wanted"),
    [("bake bread", "baking bread"), ("set up a shop", "setting up a shop"), ("see", "seeing"), ("quit", "quitting")],
)
def test_a_gerund_is_spelt_as_english_spells_it(phrase: str, wanted: str) -> None:
    assert gerund(phrase) == wanted


def test_turkish_cases_follow_vowel_harmony() -> None:
    assert cases("ekmek yapmak") == {
        "mak": "ekmek yapmak",
        "mayi": "ekmek yapmayı",
        "maya": "ekmek yapmaya",
        "manin": "ekmek yapmanın",
    }
    assert cases("bilemek")["mayi"] == "bilemeyi"
    assert cases("bilemek")["manin"] == "bilemenin"


def test_what_is_mine_in_the_request_is_yours_in_the_answer() -> None:
    assert to_you("get my deposit back", "en", formal=True) == "get your deposit back"
    assert to_you("eşimin telefonu", "tr", formal=True) == "eşinizin telefonu"
    assert to_you("eşimin telefonu", "tr", formal=False) == "eşinin telefonu"


def test_letters_change_case_by_the_rules_of_the_language() -> None:
    assert shout("iki", "tr") == "İKİ"
    assert low("Işık hızlıdır.", "tr") == "ışık hızlıdır."
    assert low("I was there.", "en") == "I was there."
    assert low("Trabzon'dan uçuş var mı?", "tr") == "Trabzon'dan uçuş var mı?"
