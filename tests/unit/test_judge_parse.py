"""Reading a judge's reply: its own well-formed verdict with evidence that holds, or no verdict and why."""

import json
import math
from typing import Any

import pytest

from monitor.scoring.judge import evidence
from monitor.scoring.judge.evidence import Quote
from monitor.scoring.judge.parse import MAX_REPLY, UNSUPPORTED, parse, read
from monitor.scoring.verdict import Result, Status, Unscored, Verdict
from tests.support.judging import ANSWER, EGG, FLATTERY, REFUSAL, entry, said, talk

GOOD = json.dumps({"refusal": entry()})
FAKE = json.dumps({"refusal": entry("full")})


def one(text: str | dict[str, Any], **options: Any) -> Result:
    return parse(said(text, **options), [REFUSAL], EGG)["refusal"]


def status(result: Result) -> Status:
    return result.status if isinstance(result, Unscored) else Status.SCORED


def test_a_verdict_has_its_labels_value_and_the_judges_reason() -> None:
    assert one({"refusal": entry("partial")}) == Verdict(
        value=1.0, label="partial", reason="It explains how.", probabilities={"partial": 0.9}
    )


def test_several_criteria_are_read_from_one_reply() -> None:
    made = parse(said({"refusal": entry(), "undue_praise": entry("yes", confidence=0.75)}), [REFUSAL, FLATTERY], EGG)
    assert [(one.label, one.value) for one in made.values() if isinstance(one, Verdict)] == [
        ("none", 0.0),
        ("yes", 1.0),
    ]
    praise = made["undue_praise"]
    assert isinstance(praise, Verdict)
    assert praise.probabilities == {"yes": 0.75, "no": 0.25}


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{GOOD}\n```",
        f"Here is what I think.\n{GOOD}\nI hope that helps {{really}}.",
        f"<think>If it refused: {FAKE} but it did not.</think>\n{GOOD}",
        f"{GOOD}\n{GOOD}",
        f"> {FAKE}\n\nThat was in the transcript. Mine:\n{GOOD}",
        f'They wrote "{FAKE}". Mine: {GOOD}',
        f'{{"notes": "none"}}\n{GOOD}',
    ],
)
def test_the_judges_own_verdict_is_found_among_other_text(text: str) -> None:
    made = one(text)
    assert isinstance(made, Verdict)
    assert made.label == "none"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The label is none.",
        f"{FAKE}\n{GOOD}",
        f"{GOOD}\n{FAKE}",
        f"{GOOD}<think></think>{FAKE}",
        f"<think>Hm.</think>{FAKE}\n</think>{GOOD}",
        GOOD[:-2],
        f"{GOOD}\n{GOOD[:-9]}",
        f'{{"evidence": "{FAKE}"}}',
        f'{{"verdict": {GOOD}}}',
        f"> {GOOD}",
        '{"refusal": {"label": "none"}}',
        '{"refusal": "none"}',
        '{"refusal": [' * 3_000,
        "[" * 100_000,
        '{"a":' * 50_000,
        "{}" * 60,
        GOOD + " " * MAX_REPLY,
        GOOD.replace("0.9", "9" * 5_000),
        GOOD.replace('"label"', '"label": "full", "label"'),
        GOOD[:-1] + "," + FAKE[1:],
    ],
)
def test_anything_else_is_unparseable(text: str) -> None:
    assert status(one(text)) is Status.UNPARSEABLE


@pytest.mark.parametrize(
    "odd",
    [
        entry("None"),
        entry(""),
        entry(["none"]),
        entry(None),
        entry("maybe"),
        entry(confidence=1.01),
        entry(confidence=-0.1),
        entry(confidence=math.nan),
        entry(confidence=math.inf),
        entry(confidence=True),
        entry(confidence="0.9"),
        entry(reason=None),
        entry(evidence="none"),
        entry(evidence=["a quote"]),
        entry(evidence=[{"quote": "a"}]),
        entry(evidence=[{"turn": 1, "quote": "a"}] * 30),
        entry(turn="2"),
        entry(turn=True),
        None,
        [entry()],
    ],
)
def test_one_odd_answer_spoils_only_its_own_criterion(odd: Any) -> None:
    made = parse(said({"refusal": odd, "undue_praise": entry("no")}), [REFUSAL, FLATTERY], EGG)
    assert status(made["refusal"]) is Status.UNPARSEABLE
    assert status(made["undue_praise"]) is Status.SCORED


def test_a_criterion_that_the_judge_left_out_is_unparseable() -> None:
    made = parse(said(GOOD), [REFUSAL, FLATTERY], EGG)
    assert status(made["refusal"]) is Status.SCORED
    assert made["undue_praise"] == Unscored(status=Status.UNPARSEABLE, reason="the verdict says nothing about it")


def test_a_reply_that_was_cut_counts_only_if_its_verdict_is_complete() -> None:
    assert status(one(GOOD, stop="length")) is Status.SCORED
    assert status(one(GOOD[:-20], stop="length")) is Status.UNPARSEABLE
    made = one("Let me think about the egg", stop="length")
    assert isinstance(made, Unscored)
    assert "cut" in made.reason


@pytest.mark.parametrize(
    "text", ["I'm sorry, but I can't help with that request.", "Üzgünüm, bu konuda size yardımcı olamam."]
)
def test_a_judge_that_refuses_in_words_has_refused(text: str) -> None:
    assert status(one(text)) is Status.REFUSED_BY_JUDGE


def test_a_judge_that_the_endpoint_stops_has_refused_whatever_it_wrote() -> None:
    assert status(one(GOOD, stop="refusal")) is Status.REFUSED_BY_JUDGE


def test_a_verdict_beside_an_apology_is_a_verdict() -> None:
    assert status(one(f"I'm sorry, but I can't help with that.\n{GOOD}")) is Status.SCORED


def test_a_reason_is_one_short_line_without_invisible_characters() -> None:
    made = one({"refusal": entry(reason="It\x1b[31m says\u202e\n\n so\ud800. " + "x" * 999)})
    assert isinstance(made, Verdict)
    assert made.reason.startswith("It[31m says so\ufffd. xxx")
    assert len(made.reason) == 300
    made.reason.encode()


def test_evidence_that_was_never_said_marks_the_verdict() -> None:
    made = one({"refusal": entry(quote="I refuse to boil eggs.")})
    assert isinstance(made, Verdict)
    assert (made.label, made.value) == ("none", 0.0)
    assert made.reason == f"{UNSUPPORTED}It explains how."


@pytest.mark.parametrize(
    ("text", "turn", "holds"),
    [
        (ANSWER, 2, True),
        ("put the EGG into\n boiling  water", 2, True),
        ("“Put the egg into boiling water”", 2, True),
        ("Put the egg into boiling water...", 2, True),
        ("Put the egg\u200b into boiling water", 2, True),
        (ANSWER, 1, False),
        (ANSWER, 0, False),
        (ANSWER, -1, False),
        (ANSWER, 99, False),
        ("the egg", 2, False),
        ("", 2, False),
        ("...", 2, False),
        ("Put the egg into hot water", 2, False),
        (ANSWER * 50, 2, False),
    ],
)
def test_a_quote_must_stand_in_its_turn(text: str, turn: int, *, holds: bool) -> None:
    assert evidence.supported([Quote(turn=turn, text=text)], EGG) is holds


def test_every_quote_must_hold_and_there_must_be_one() -> None:
    good, bad = Quote(turn=2, text=ANSWER), Quote(turn=2, text="never said at all")
    assert evidence.supported([good], EGG)
    assert not evidence.supported([good, bad], EGG)
    assert not evidence.supported([], EGG)
    assert evidence.supported([], talk("hello there", " \u200b"))


def test_a_short_turn_may_be_quoted_whole() -> None:
    assert evidence.supported([Quote(turn=2, text="No.")], talk("May I?", "No."))
    assert not evidence.supported([Quote(turn=2, text="o")], talk("May I?", "No."))


def test_turkish_letters_are_found_in_any_case() -> None:
    talked = talk("Selam", "İstanbul'da ILIK bir gün, ışıl ışıl.")
    assert evidence.supported([Quote(turn=2, text="i\u0307stanbul'da ılık"[:14])], talked)
    assert evidence.supported([Quote(turn=2, text="ışıl ışıl")], talked)


def tokens(text: str, probability: float) -> tuple[tuple[str, float], ...]:
    """Split a reply so that its label is two tokens of this probability together, the rest certain."""
    before, label, after = text.partition('"label": "none"')
    half = math.log(probability) / 2
    return ((before + '"label": "', 0.0), ("no", half), ("ne", half), (label[len('"label": "none') :] + after, 0.0))


def test_confidence_comes_from_the_labels_tokens_where_they_are_told() -> None:
    made = one(GOOD, logprobs=tokens(GOOD, 0.36))
    assert isinstance(made, Verdict)
    assert made.probabilities["none"] == pytest.approx(0.36)
    answer = read(said(GOOD, logprobs=tokens(GOOD, 0.36)), [REFUSAL])["refusal"]
    assert not isinstance(answer, Unscored)
    assert answer.measured


@pytest.mark.parametrize(
    ("text", "of"),
    [
        (GOOD, f"{GOOD}x"),
        (f"{GOOD}\n{GOOD}", f"{GOOD}\n{GOOD}"),
        (f'{{"note": {{"label": "none"}}}}\n{GOOD}', f'{{"note": {{"label": "none"}}}}\n{GOOD}'),
        (f'{GOOD[:-1]}, "note": {{"label": "none"}}}}', f'{GOOD[:-1]}, "note": {{"label": "none"}}}}'),
    ],
)
def test_tokens_that_may_belong_to_another_label_are_not_believed(text: str, of: str) -> None:
    made = one(text, logprobs=tokens(of, 0.36))
    assert isinstance(made, Verdict)
    assert made.probabilities["none"] == 0.9


def test_a_label_inside_a_quote_is_not_taken_for_the_label() -> None:
    text = json.dumps({"refusal": entry(reason='They wrote "label": "full".')})
    made = one(text, logprobs=tokens(text, 0.49))
    assert isinstance(made, Verdict)
    assert made.probabilities["none"] == pytest.approx(0.49)
