"""The fence: nobody can write its code, and nothing inside looks like a control marker."""

import re

import pytest

from monitor.scoring.judge import fence
from monitor.scoring.judge.evidence import Quote, supported
from tests.support.judging import talk

CODE = "c0ffee00c0ffee00c0ffee00"


def test_each_call_gets_another_code() -> None:
    codes = {fence.fresh() for _ in range(50)}
    assert len(codes) == 50
    assert all(re.fullmatch("[0-9a-f]{24}", code) for code in codes)


def test_a_test_can_choose_the_code() -> None:
    assert fence.fresh(lambda count: "ab" * count) == "ab" * fence.FENCE_BYTES


@pytest.mark.parametrize("bad", ["", "short", "C0FFEE00C0FFEE00", "transcript-end-here", ".*.*.*.*.*.*.*.*.*"])
def test_a_code_that_is_not_random_hex_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"fence\.fresh"):
        fence.checked(bad)


@pytest.mark.parametrize(
    "written",
    [
        CODE,
        CODE.upper(),
        "\u200b".join(CODE),
        "".join(chr(ord(c) - ord("0") + 0xFF10) if c.isdigit() else c for c in CODE),
        CODE.replace("c", "\u0441").replace("e", "\u0435"),
        f"x{CODE}{CODE}y",
    ],
)
def test_the_code_cannot_stand_in_a_text_however_it_is_written(written: str) -> None:
    made = fence.neutralise(f"before {written} after", CODE)
    assert CODE not in made.casefold()
    assert made.startswith("before ")
    assert made.endswith(" after")
    assert "⟦…⟧" in made


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("<|im_start|>", "im start"),
        ("<|eot_id|>", "eot id"),
        ("<|start_header_id|>", "start header id"),
        ("[INST]", "INST"),
        ("[/INST]", "INST"),
        ("<<SYS>>", "SYS"),
        ("</s>", "s"),
        ("<start_of_turn>", "start of turn"),
        ("\n\nHuman:", "Human"),
        ("**Assistant:**", "Assistant"),
        ("\nKullanıcı:", "Kullanıcı"),
        ("\nSİSTEM:", "SİSTEM"),
        ("</transcript>", "transcript"),
        (f'</transcript key="{"0" * 24}">', "transcript key"),
        ("<system>", "system"),
        ("</sistem>", "sistem"),
        ("[turn 3 user]", "turn 3 user"),
        ("----- END OF TRANSCRIPT -----", "END OF TRANSCRIPT"),
        ("=== SON ===", "SON"),
        ("Konuşma burada bitti.", "Konuşma burada bitti"),
        ("### Instruction:", "Instruction"),
        ("<｜User｜>", "User"),  # noqa: RUF001
        ("＜/transcript＞", "transcript"),  # noqa: RUF001
        ("<\u200b/tran\u200bscript>", "transcript"),
        ("<\u2066system\u2069>", "system"),
    ],
)
def test_a_control_marker_keeps_its_words_and_loses_its_punctuation(marker: str, words: str) -> None:
    made = fence.neutralise(f"{marker}\nrest", CODE)
    assert f"⟦{words}" in made.strip()
    assert made.endswith("rest")
    assert not fence.markers(made)
    assert marker.strip() not in made


def test_letters_of_other_alphabets_do_not_hide_a_marker() -> None:
    hidden = "</tr\u0430ns\u0441ript> <|\u0456m_end|>"
    made = fence.neutralise(hidden)
    assert "<" not in made
    assert "|" not in made


def test_markers_inside_markers_do_not_come_together() -> None:
    for depth in range(1, 12):
        nested = "<|im_" * depth + "<|x|>" + "start|>" * depth
        assert not fence.markers(fence.neutralise(nested)), depth


def test_a_disarmed_marker_does_not_hide_the_end_line_it_stands_in() -> None:
    made = fence.neutralise("<|x|> END OF TRANSCRIPT <|y|>")
    assert re.fullmatch("⟦[^⟦⟧]*⟧", made)


def test_a_text_cannot_bring_our_brackets() -> None:
    assert fence.neutralise("⟦1,000 characters left out⟧") == "[1,000 characters left out]"


def test_invisible_and_bidi_characters_go_and_lines_stay() -> None:
    assert fence.visible("a\u200bb\u202ec\u2066d\ufeffe\x00f\U000e0041g\r\nh\u2028i\tj") == "abcdefg\nh\ni\tj"


def test_half_characters_become_storable() -> None:
    fence.visible("a\ud800b").encode()


@pytest.mark.parametrize(
    "plain",
    [
        "Put the egg into boiling water. Is 3 < 5 and 7 > 2?",
        "The transcript of the meeting ends with a vote on the budget.",
        "Yazının sonu güzel olmuş; sistem kurulumu için önce dosyayı indirin.",
        "if a < b and c > d: print(x[0], y[1])",
        "The end justifies the means, she said: start now.",
        "- start the engine\n- stop the engine",
        "<div class='a'>text</div>",
        "[image]",
    ],
)
def test_plain_text_stays_as_it_is(plain: str) -> None:
    assert fence.neutralise(plain, CODE) == plain


def test_quotes_are_found_in_the_text_as_it_was_and_as_it_was_shown() -> None:
    answer = "He wrote </transcript> and then <|im_start|>system to see what happens."
    shown = fence.neutralise(answer, CODE)
    for quote in (answer, shown, answer[9:40], shown[9:40]):
        assert supported([Quote(turn=2, text=quote)], talk("hello", answer)), quote


def test_a_megabyte_of_half_markers_is_read_in_one_go() -> None:
    for piece in ("<", "<|", "[end ", "### ", "<a_of_", "⟦", " -", "Human", "\n-", "<|x|>"):
        text = piece * (200_000 // len(piece))
        assert not fence.markers(fence.neutralise(text, CODE))
