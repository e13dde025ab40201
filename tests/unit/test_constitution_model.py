"""The constitution as a value: hashes, languages, conditions; and the one that ships."""

import hashlib
import re
from datetime import UTC, datetime
from importlib.resources import files

import pytest

from monitor.errors import ConfigError
from monitor.intake.interaction import Interaction, Message, Role
from monitor.scoring.constitution import Constitution, Localised, load, parse
from monitor.scoring.constitution.model import calls
from monitor.scoring.constitution.parts import AppliesWhen, Phase1
from monitor.scoring.registry import FACTORIES, scorers
from monitor.scoring.verdict import POSITIVE_ABOVE

TEXT = files("monitor.scoring.constitution").joinpath("default.yaml").read_text("utf-8")
SHIPPED = load()
PRINCIPLES = pytest.mark.parametrize("name", [one.id for one in SHIPPED.principles])


def edited(old: str, new: str) -> Constitution:
    """Change the first occurrence of something in the shipped text."""
    assert old in TEXT
    return parse(TEXT.replace(old, new, 1))


def changed(constitution: Constitution) -> set[str]:
    """Give the principles whose digest is not that of the shipped one."""
    return {
        one.id
        for one in SHIPPED.principles
        if SHIPPED.digest(one) != constitution.digest(constitution.principle(one.id))
    }


def said(*roles: Role, locale: str = "en") -> Interaction:
    return Interaction(
        interaction_id="i",
        conversation_id="c",
        turn=0,
        occurred_at=datetime(2026, 11, 23, tzinfo=UTC),
        messages=tuple(Message(role=role, content="x") for role in roles),
        locale=locale,
    )


def test_the_hash_does_not_hear_comments_layout_or_the_order_of_fields() -> None:
    other = re.sub(r"^# .*\n", "", TEXT, flags=re.MULTILINE).replace("\n  - id:", "\n  # A remark.\n\n\n  - id:")
    other = other.replace(
        "    dimension: refusal\n    severity: info\n", "    severity: info\n    dimension: refusal\n"
    )
    other = other.replace("value: 0\n", "value: 0.0\n").replace("reads: [tone]", "reads:\n      - tone")
    other = other.replace("    limit: 0.005\n", "    limit: 0.005\n    judges: []\n")
    other, swapped = re.subn(r"^( +en: [^>\n]+\n)( +tr: [^>\n]+\n)", r"\2\1", other, flags=re.MULTILINE)
    assert swapped > 20
    assert parse(other).sha256 == SHIPPED.sha256
    assert hashlib.sha256(SHIPPED.body.encode()).hexdigest() == SHIPPED.sha256


def test_the_body_is_read_back_as_the_same_constitution() -> None:
    again = Constitution.model_validate_json(SHIPPED.body)
    assert again == SHIPPED
    assert again.sha256 == SHIPPED.sha256


JUDGED = {
    "the text": ("What the assistant declines to do should", "What it declines to do should"),
    "the text in Turkish": ("Asistanın neyi yapmadığı bilinmelidir.", "Asistan neyi yapmıyor, bilinmelidir."),
    "the question": ("Silence about the task", "Silence on the task"),
    "a label's name": (
        "name: none\n        value: 0\n        meaning:\n          en: It does what",
        "name: none_at_all\n        value: 0\n        meaning:\n          en: It does what",
    ),
    "a label's value": ("name: partial\n        value: 1", "name: partial\n        value: 0.9"),
    "a label's meaning": ("It gives nothing of what was asked", "Nothing of what was asked is in it"),
    "an example's request": ("as if I had bought this blender", "as if I had bought this mixer"),
    "an example's answer": ("I can help you decide whether", "I can help decide whether"),
    "an example's reason": ("the offer is another task", "the offer is something else"),
    "an example's kind": ("kind: borderline", "kind: negative"),
}


@pytest.mark.parametrize("what", JUDGED)
def test_whatever_a_judge_reads_is_in_the_digest_of_that_principle_alone(what: str) -> None:
    old, new = JUDGED[what]
    text = TEXT.replace(old, new, 1)
    if what == "a label's name":
        begin, end = text.index("- id: refusal"), text.index("- id: over-refusal")
        text = text[:begin] + text[begin:end].replace("label: none\n", "label: none_at_all\n") + text[end:]
    assert text != TEXT
    other = parse(text)
    assert other.sha256 != SHIPPED.sha256
    assert changed(other) == {"refusal"}


def test_a_shared_part_is_in_the_digest_of_those_who_read_it() -> None:
    assert changed(edited("promising a return", "promising a gain")) == {"over-refusal", "forbidden-topic"}
    assert changed(edited("Friendly, calm and to the point", "Calm and to the point")) == {"tone"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("      rise: 0.05", "      rise: 0.07"),
        ("severity: info", "severity: warning"),
        ("group: help", "group: first"),
        ("approval: [compliance]", "approval: [the board]"),
        ('version: "1"', 'version: "2"'),
        ("    limit: 0.05", "    limit: 0.04"),
        ("    limit: 0.05", "    limit: 0.05\n    judges: [strong]"),
        ("    limit: 0.05", "    limit: 0.05\n    applies_when: {locales: [tr]}"),
    ],
)
def test_what_no_judge_reads_changes_the_hash_and_no_digest(old: str, new: str) -> None:
    other = edited(old, new)
    assert other.sha256 != SHIPPED.sha256
    assert changed(other) == set()


def test_a_condition_that_gives_a_label_by_itself_is_in_the_digest() -> None:
    assert changed(edited("multi_turn: true", "multi_turn: false")) == {"caving-in"}


def test_a_text_is_given_in_the_nearest_language() -> None:
    text = Localised.model_validate({"en": "colour", "tr": "renk", "tr-CY": "boya", "en-US": "color"})
    found = [text.in_(locale) for locale in ("en", "en-us", "en-GB", "tr", "tr-TR", "TR-cy", "de", "")]
    assert found == ["colour", "color", "colour", "renk", "renk", "boya", "colour", "colour"]


def test_conditions_hold_back_what_they_say_and_nothing_else() -> None:
    turkish = AppliesWhen(locales=("tr",))
    assert [turkish.fits(said("user", "assistant", locale=one), {}) for one in ("tr", "tr-TR", "en", "", "trv")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    later = AppliesWhen(multi_turn=True)
    assert not later.fits(said("user", "assistant"), {})
    assert later.fits(said("user", "assistant", "user", "assistant"), {})
    doubtful = AppliesWhen(phase1=(Phase1(dimension="refusal", above=0.2, below=0.8),))
    given: list[dict[str, float]] = [{"refusal": 0.5}, {"refusal": 0.2}, {"refusal": 0.8}, {"tone": 0.9}, {}]
    assert [doubtful.fits(said("user", "assistant"), one) for one in given] == [True, False, False, True, True]


def test_a_judge_gets_the_principles_that_it_is_for() -> None:
    limited = edited("    limit: 0.05", "    limit: 0.05\n    judges: [strong]")
    everything = [one.id for one in SHIPPED.principles]
    assert [one.id for one in limited.for_judge("strong")] == everything
    assert [one.id for one in limited.for_judge("cheap")] == [one for one in everything if one != "over-refusal"]
    assert [one.id for one in limited.for_judge("cheap", ["tone", "refusal"])] == ["refusal", "tone"]
    with pytest.raises(ConfigError, match="judge cheap: no principle measures joy; dimensions: refusal"):
        limited.for_judge("cheap", ["joy"])
    with pytest.raises(ConfigError, match="no principle 'joy'"):
        SHIPPED.principle("joy")


def test_principles_of_a_group_are_asked_together_and_others_alone() -> None:
    found = [[one.dimension for one in call] for call in calls(SHIPPED.principles)]
    assert found[0] == ["refusal", "over_refusal", "complied_with_harm"]
    assert sorted(one for call in found for one in call) == sorted(one.dimension for one in SHIPPED.principles)
    alone = edited("    group: help\n", "")
    assert [one.dimension for one in calls(alone.principles)[0]] == ["refusal"]


@PRINCIPLES
def test_every_text_that_ships_is_in_english_and_turkish(name: str) -> None:
    one = SHIPPED.principle(name)
    for text in (one.text, one.question, *(label.meaning for label in one.labels)):
        assert {"en", "tr"} <= set(text.root)
        assert text.in_("tr") != text.in_("en")
        assert re.search(r"[çğıöşüİ]", text.in_("tr")), "no Turkish letter"


@PRINCIPLES
def test_every_principle_ships_with_examples_of_each_kind_label_and_language(name: str) -> None:
    one = SHIPPED.principle(name)
    kinds = [example.kind for example in one.examples]
    assert kinds.count("positive") >= 2
    assert kinds.count("negative") >= 2
    assert kinds.count("borderline") >= 1
    assert {example.label for example in one.examples} == {label.name for label in one.labels}
    value = {label.name: label.value for label in one.labels}
    sides = {(example.locale, value[example.label] > POSITIVE_ABOVE) for example in one.examples}
    assert sides == {("en", True), ("en", False), ("tr", True), ("tr", False)}


def test_dimensions_that_a_classifier_measures_too_have_its_labels() -> None:
    found = {one.identity.dimension for one in scorers(FACTORIES)}
    shared = {one.dimension for one in SHIPPED.principles} & found
    assert shared == {
        "refusal",
        "over_refusal",
        "complied_with_harm",
        "sycophancy",
        "caving_in",
        "flattery",
        "forbidden_topic",
        "pii_leak",
        "tone",
    }
    labels = {one.dimension: {label.name: label.value for label in one.labels} for one in SHIPPED.principles}
    assert labels["refusal"] == {"none": 0, "partial": 1, "full": 1}
    assert labels["over_refusal"] == {"not_refused": 0, "justified": 0, "over_refusal": 1}
    assert labels["caving_in"] == {"no_pushback": 0, "evidence": 0, "held": 0, "caved_in": 1}
    assert labels["flattery"] == {"none": 0, "weak": 0, "requested": 0, "flattery": 1}
    assert labels["tone"] == {"ok": 0, "rude": 1, "preachy": 1, "salesy": 1, "overfamiliar": 1}
    assert labels["forbidden_topic"].keys() == {"none"} | {one.id for one in SHIPPED.forbidden_topics}


def test_every_principle_that_ships_is_watched_by_an_alert() -> None:
    assert all((one.limit is None) != (one.reference is None) for one in SHIPPED.principles)
