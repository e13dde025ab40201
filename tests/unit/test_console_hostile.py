"""Whatever a conversation, a producer or a judge wrote is shown inert, visible and bounded."""

import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from monitor.review.data import Recent
from monitor.review.hostile import PAGE_CHARACTERS, cut, marked, passages, visible
from tests.support.console import BUSY, CASE, FULL, GOOD, LAST, REFUSAL, SAMPLE, console, estimate, rate

EVIL = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}{% raw %}{t} "
    "\x1b[31mred\x1b[0m \x00\x07\x85 \u202egnp.exe\u2066 \ufeff\u200b \ue000 \U000e0041 \ud800 javascript:alert(1)"
)
TAGS = frozenset(
    re.findall(
        r"\w+",
        "html head meta title link body a header div svg rect circle path span nav main h1 h2 h3 p time section table "
        "thead tbody tr th td small code bdi ol ul li dl dt dd details summary aside footer b",
    )
)
RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u206f\ufeff\ue000-\uf8ff\U000e0000-\U0010ffff]"
)


class Inspector(HTMLParser):
    """Collects whatever a page must not have."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        if tag not in TAGS:
            self.found.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in {"style", "srcdoc"}:
                self.found.append(f"{tag} {name}")
            if name in {"href", "src"} and not (value or "").startswith(("/", "#")):
                self.found.append(f"{tag} {name}={value}")


def assert_inert(html: str) -> None:
    inspector = Inspector()
    inspector.feed(html)
    assert inspector.found == []
    assert RAW.search(html) is None


def test_a_hostile_interaction_is_inert_wherever_its_words_stand() -> None:
    verdict = replace(
        CASE.verdicts[0], label=EVIL, reason=EVIL, scorer_name=EVIL, status=EVIL, dimension=EVIL, kind=EVIL
    )
    case = replace(
        CASE,
        messages=((EVIL, EVIL), ("user", EVIL), ("assistant", EVIL)),
        interaction_id=EVIL,
        conversation_id=EVIL,
        topic=EVIL,
        stratum=EVIL,
        policy_id=EVIL,
        model_name=EVIL,
        model_version=EVIL,
        deployment=EVIL,
        prompt_version=EVIL,
        tenant=EVIL,
        locale=EVIL,
        user_key=EVIL,
        finish_reason=EVIL,
        attributes={EVIL: EVIL},
        normalised=(EVIL,),
        masked={EVIL: 1},
        verdicts=(verdict,),
    )
    response = console(replace(FULL, cases=(case,))).get(f"/interactions/{SAMPLE}")
    assert response.status_code == 200
    assert_inert(response.text)
    assert "&lt;script&gt;" in response.text
    assert "{{ 7*7 }}" in response.text
    assert '<span class="hidden-char">U+202E</span>' in response.text
    assert '<span class="hidden-char">U+001B</span>' in response.text


@pytest.mark.parametrize("lang", ["en", "tr"])
def test_a_hostile_status_page_is_inert(lang: str) -> None:
    hostile = Recent(
        sample_id=SAMPLE,
        interaction_id=EVIL,
        record_time=LAST.record_time,
        model_name=EVIL,
        model_version=EVIL,
        locale=EVIL,
        tenant=EVIL,
        stratum=EVIL,
        size=1,
    )
    named = rate(estimate(0.1, 0.0, 0.2, collapsed=(EVIL,)))
    unknown = rate(estimate(0.1, 0.0, 0.2), scorer=replace(REFUSAL, dimension=EVIL.replace("\ud800", "")))
    segment = rate(estimate(0.1, 0.0, 0.2), segment={"tenant": EVIL})
    data = replace(
        FULL,
        state=replace(BUSY, dead_letters={EVIL: 3}),
        behind=replace(FULL.behind, behind=None, note=EVIL),
        found=(named, unknown, GOOD, segment),
        last=(hostile,),
    )
    response = console(data).get(f"/?by=tenant&lang={lang}")
    assert response.status_code == 200
    assert_inert(response.text)


@pytest.mark.parametrize(
    "path",
    [
        "/?since=%3Cscript%3E%E2%80%AE%1b",
        "/?by=%22onload%3D%22x",
        "/?lang=%3Cb%3E",
        "/interactions/%3Cscript%3Ealert(1)%3C%2Fscript%3E%1b%E2%80%AE",
        "/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
        "/interactions/%ff%fe",
    ],
)
def test_a_hostile_address_is_inert_on_the_page_that_refuses_it(path: str) -> None:
    response = console(FULL).get(path)
    assert response.status_code in {400, 404}
    assert_inert(response.text)


def test_a_hostile_segment_is_inert_in_json() -> None:
    segment = rate(estimate(0.1, 0.0, 0.2), segment={"tenant": EVIL})
    response = console(replace(FULL, found=(segment,))).get("/api/rates?by=tenant")
    assert response.headers["content-type"] == "application/json"
    assert response.content.isascii()
    assert response.json()[0]["segment"]["tenant"] == EVIL


@pytest.mark.parametrize("unit", ["x", "<", "\u202e", "\u202e\u202d", "\x1b[31m", "[EMAIL_1]", "👩\u200d👧", "a\u0301"])
def test_a_megabyte_of_text_is_cut_with_a_note_and_folded(unit: str) -> None:
    long = unit * (1_000_000 // len(unit))
    case = replace(CASE, messages=(("user", long), ("assistant", long)))
    started = time.perf_counter()
    response = console(replace(FULL, cases=(case,))).get(f"/interactions/{SAMPLE}")
    assert response.status_code == 200
    assert "<details>" in response.text
    assert "more characters are not shown." in response.text
    assert len(response.content) < 10_000_000
    assert time.perf_counter() - started < 10


def test_a_conversation_of_many_messages_keeps_the_last_ones() -> None:
    case = replace(CASE, messages=tuple(("user", f"message {i:04}") for i in range(1_000)))
    html = console(replace(FULL, cases=(case,))).get(f"/interactions/{SAMPLE}").text
    assert "900 earlier messages are not shown." in html
    assert "message 0999" in html
    assert "message 0899" not in html


def test_no_conversation_makes_a_page_longer_than_the_budget_and_the_judged_turn_comes_first() -> None:
    shown, earlier = passages([("user", "x" * 100_000)] * 50 + [("assistant", "y" * 30_000)])
    assert earlier == 0
    assert sum(len(p.head) + len(p.folded) for p in shown) <= PAGE_CHARACTERS
    assert shown[-1].judged
    assert shown[-1].lost == 0
    assert all(len(p.head) + len(p.folded) + p.lost == 100_000 for p in shown[:-1])
    assert [p.judged for p in shown].count(True) == 1


def test_a_conversation_without_text_is_shown_as_such() -> None:
    empty = replace(CASE, messages=(("user", ""), ("assistant", "")))
    assert "(empty message)" in console(replace(FULL, cases=(empty,))).get(f"/interactions/{SAMPLE}").text
    assert console(replace(FULL, cases=(replace(CASE, messages=()),))).get(f"/interactions/{SAMPLE}").status_code == 200


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("a\r\nb", "a\nb"),
        ("a\rb", "a⟦U+000D⟧b"),
        ("\x00" * 512, "⟦U+0000 ×512⟧"),
        ("a\u202eb", "a⟦U+202E⟧b"),
        ("مرحبا بالعالم", "مرحبا بالعالم"),
        ("नमस्\u200dते", "नमस्\u200dते"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("❤\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥"),
        ("pass\u200dword", "pass⟦U+200D⟧word"),
        ("👩\u200d\u200d👧", "👩⟦U+200D ×2⟧👧"),
        ("x\U000e0068\U000e0069", "x⟦U+E0068⟧⟦U+E0069⟧"),
        ("\ud83d", "⟦U+D83D⟧"),
    ],
)
def test_what_cannot_be_seen_is_named_and_what_people_write_is_left_alone(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_marked_text_is_escaped_and_masks_stand_out() -> None:
    assert marked("<b>[EMAIL_1]</b> [STEP_1]\x1b") == (
        '&lt;b&gt;<span class="mask">[EMAIL_1]</span>&lt;/b&gt; [STEP_1]<span class="hidden-char">U+001B</span>'
    )


def test_a_short_value_is_one_line() -> None:
    assert cut("a\nb", 10) == "a b"
    assert cut("x" * 11, 10) == "x" * 10 + "…"
    assert cut("x" * 10, 10) == "x" * 10
