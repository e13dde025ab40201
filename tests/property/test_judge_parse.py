"""Judges on random and hostile text: nothing raises, no label is made up, the fence holds, quotes are found."""

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.scoring.judge import fence, prompt
from monitor.scoring.judge.call import Stop
from monitor.scoring.judge.evidence import Quote, supported
from monitor.scoring.judge.parse import parse
from monitor.scoring.judge.transcript import Turn, clip
from monitor.scoring.verdict import Verdict
from tests.support.judging import EGG, FLATTERY, REFUSAL, entry, said, talk

UNHURRIED = settings(deadline=None)
BOTH = (REFUSAL, FLATTERY)
ALLOWED = {one.dimension: {label.name: label.value for label in one.labels} for one in BOTH}
CODES = st.text("0123456789abcdef", min_size=16, max_size=32)
PIECES = st.sampled_from(
    [
        *(
            "<",
            ">",
            "|",
            "[",
            "]",
            "⟦",
            "⟧",
            ":",
            "\n",
            "\r\n",
            " ",
            "#",
            "-",
            "=",
            "/",
            "_",
            "\u200b",
            "\u202e",
            "\ud800",
        ),
        *(
            "<|im_start|>",
            "[INST]",
            "</s>",
            "Human",
            "Human:",
            "sistem",
            "transcript",
            "END",
            "bitti",
            "</",
            "\uff1c",
            "\uff5c",
        ),
        *(
            "İ",
            "ı",
            "ş",
            "\u0441",
            "\u0435",
            "\u0301",
            "key",
            "turn 3",
            "0123456789abcdef",
            "{",
            "}",
            '"label": "full"',
        ),
    ]
)
HOSTILE = st.lists(PIECES | st.text(max_size=8), max_size=30).map("".join)
PROSE = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=12, max_size=200)

STOPS: list[Stop] = ["end", "length", "refusal", "other"]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["refusal", "undue_praise", "label", "confidence", "evidence", "x"]), inner)
    ),
    max_leaves=12,
)
LABELS = st.sampled_from(["none", "full", "partial", "yes", "no", "None", "", "maybe", 1, None, ["none"]])
ENTRIES = st.builds(
    entry, LABELS, quote=HOSTILE | st.none(), turn=st.integers() | st.none(), confidence=JSON
) | st.builds(entry, LABELS, reason=HOSTILE)
WHOLE = st.dictionaries(st.sampled_from(["refusal", "undue_praise", "other"]), ENTRIES | JSON)
WRITTEN = st.lists(HOSTILE | JSON.map(json.dumps) | WHOLE.map(json.dumps) | st.text(), max_size=4).map("".join)


@UNHURRIED
@given(WRITTEN, st.sampled_from(STOPS))
def test_no_reply_raises_or_makes_a_label_up(text: str, stop: Stop) -> None:
    made = parse(said(text, stop), BOTH, EGG)
    assert set(made) == set(ALLOWED)
    for dimension, result in made.items():
        if isinstance(result, Verdict):
            assert result.value == ALLOWED[dimension][result.label]
            assert set(result.probabilities) <= set(ALLOWED[dimension])
            assert all(0.0 <= one <= 1.0 for one in result.probabilities.values())
            assert "\n" not in result.reason
            result.reason.encode()


@UNHURRIED
@given(WHOLE, st.integers(0, 400))
def test_a_cut_reply_never_says_anything_else_than_the_whole_one(whole: dict[str, Any], length: int) -> None:
    text = json.dumps(whole)
    full = parse(said(text), BOTH, EGG)
    for dimension, result in parse(said(text[:length], "length"), BOTH, EGG).items():
        assert not isinstance(result, Verdict) or result == full[dimension]


@UNHURRIED
@given(HOSTILE, HOSTILE, CODES, st.integers(16, 400))
def test_a_transcript_never_holds_the_fence_or_a_marker(request: str, answer: str, code: str, limit: int) -> None:
    planted = talk(f"{request}{code}{request}", f"{answer}{code.upper()}", code)
    parts = clip(planted, max_characters=limit, language="en", clean=lambda text: fence.neutralise(text, code))
    for part in parts:
        assert code not in part.text.casefold()
    made = prompt.build((REFUSAL,), planted, locale="en", max_characters=limit, fence=code)
    assert made.user.count(code) == 2 + sum(isinstance(part, Turn) for part in parts)
    assert sum(line == f'</transcript key="{code}">' for line in made.user.split("\n")) == 1
    made.user.encode()


@UNHURRIED
@given(HOSTILE, CODES)
def test_nothing_that_was_disarmed_is_still_a_marker(text: str, code: str) -> None:
    assert not fence.markers(fence.neutralise(text, code))


@UNHURRIED
@given(PROSE, HOSTILE, st.data())
def test_a_quote_of_what_was_said_or_shown_is_found(said_first: str, planted: str, data: st.DataObject) -> None:
    answer = f"{said_first}\n{planted}\nand this is the last sentence of the answer."
    shown = fence.neutralise(answer)
    for text in (answer, shown):
        start = data.draw(st.integers(0, len(text) - 20))
        quote = text[start : start + data.draw(st.integers(40, 200))]
        if len("".join(fence.visible(quote).split())) >= 20:
            assert supported([Quote(turn=2, text=quote)], talk("hello", answer))


@UNHURRIED
@given(st.lists(st.text(max_size=300), min_size=1, max_size=12), st.integers(16, 1_000))
def test_a_clipped_transcript_keeps_to_its_limit_and_keeps_the_judged_turn(texts: list[str], limit: int) -> None:
    parts = clip(talk(*texts), max_characters=limit, language="en")
    turns = [part for part in parts if isinstance(part, Turn)]
    assert sum(len(re.sub(r"\n⟦\d+ characters left out⟧\n", "", turn.text)) for turn in turns) <= limit
    assert turns[-1].judged
    assert [turn.number for turn in turns] == sorted({turn.number for turn in turns})
    if len(texts[-1]) <= limit - limit // 8:
        assert turns[-1].text == texts[-1]
    numbers = {
        n for part in parts for n in ([part.number] if isinstance(part, Turn) else range(part.first, part.last + 1))
    }
    assert numbers == set(range(1, len(texts) + 1))
