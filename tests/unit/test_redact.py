"""redact on chat as people write it: what is masked, what stays, how it is numbered, how long it takes."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.intake import redact as module
from monitor.intake.checksums import is_card, is_iban, is_tckn
from monitor.intake.interaction import Interaction, Message, Model
from monitor.intake.redact import RedactionFailed, pseudonym, redact, redact_id, redact_text


def interaction(*contents: str, **fields: Any) -> Interaction:
    roles = ("user", "assistant")
    messages = tuple(Message(role=roles[index % 2], content=text) for index, text in enumerate((*contents, "Tamam")))
    return Interaction(
        **{
            "interaction_id": "i-1",
            "conversation_id": "c-1",
            "turn": 0,
            "occurred_at": datetime(2026, 11, 20, tzinfo=UTC),
            "messages": messages,
        }
        | fields
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TC kimliğim 10000000146'ya kayıtlı", "TC kimliğim [TCKN_1]'ya kayıtlı"),
        ("TC:10000000146.", "TC:[TCKN_1]."),
        ("TCKN10000000146", "TCKN[TCKN_1]"),
        ("no 100 000 001 46 olan", "no [TCKN_1] olan"),
        ("no 100-000-00146", "no [TCKN_1]"),
        ("no 10 000 000 146 ve", "no [TCKN_1] ve"),
        ("ali@ornek.com'dan geldi", "[EMAIL_1]'dan geldi"),
        ("mailto:Ali.Veli+is@posta.ornek.com.tr>", "mailto:[EMAIL_1]>"),
        ("şükrü@örnek.com.tr yaz", "[EMAIL_1] yaz"),
        ("(ali@ornek.com)", "([EMAIL_1])"),
        ("ali%40ornek.com", "[EMAIL_1]"),
        (r"ali\u0040ornek.com", "[EMAIL_1]"),
        ("ali@ornek.com.", "[EMAIL_1]."),
        ("+90 (532) 123 45 67'den", "[PHONE_1]'den"),
        ("0532 123 4567", "[PHONE_1]"),
        ("0 532-123-45-67", "[PHONE_1]"),
        ("0(532)1234567", "[PHONE_1]"),
        ("0.532.123.45.67", "[PHONE_1]"),
        ("05321234567e ulaş", "[PHONE_1]e ulaş"),
        ("905321234567", "[PHONE_1]"),
        ("00905321234567", "[PHONE_1]"),
        ("532 123 45 67", "[PHONE_1]"),
        ("cep: 5321234567", "cep: [PHONE_1]"),
        ("0212 555 12 34", "[PHONE_1]"),
        ("+44 20 7946 0958", "[PHONE_1]"),
        ("+49 (0)30 12345678", "[PHONE_1]"),
        ("+49-151-23456789", "[PHONE_1]"),
        ("+1 (212) 555-0100 arayın", "[PHONE_1] arayın"),
        ("(212) 555-0100", "[PHONE_1]"),
        ("212-555-0100 x12", "[PHONE_1]"),
        ("+90 532 123 45 67 8 kişi", "[PHONE_1] 8 kişi"),
        ("\uff10\uff15\uff13\uff12 \uff11\uff12\uff13 \uff14\uff15 \uff16\uff17", "[PHONE_1]"),
        ("٠٥٣٢ ١٢٣ ٤٥ ٦٧", "[PHONE_1]"),
        ("05\u200b32\u200d123 45 67", "[PHONE_1]"),
        (r"tel\n05321234567\n", r"tel\n[PHONE_1]\n"),
        ("TR33 0006 1005 1978 6457 8413 26'ya", "[IBAN_1]'ya"),
        ("tr330006100519786457841326", "[IBAN_1]"),
        ("IBAN: DE89 3704 0044 0532 0130 00, Ali", "IBAN: [IBAN_1], Ali"),
        ("GB82-WEST-1234-5698-7654-32", "[IBAN_1]"),
        ("MT84MALT011000012345MTLCAST001S", "[IBAN_1]"),
        ("kart 4539 1488 0343 6467 son 12/27", "kart [CARD_1] son 12/27"),
        ("4539-1488-0343-6467", "[CARD_1]"),
        ("4539148803436467'yi", "[CARD_1]'yi"),
        ("3782 822463 10005", "[CARD_1]"),
        ("7 4539 1488 0343 6467 3", "7 [CARD_1] 3"),
        ("4539-1488 0343-6467", "[CARD_1]"),
        ("9792 0300 0000 0000", "[CARD_1]" if is_card("9792030000000000") else "9792 0300 0000 0000"),
    ],
)
def test_values_are_masked_in_the_way_people_write_them(text: str, expected: str) -> None:
    assert redact_text(text)[0] == expected


@pytest.mark.parametrize(
    "text",
    [
        "12345678901'e",
        "sipariş no 2026112345678",
        "order 1234567890123456",
        "TR330006100519786457841327",
        "4532015112830367",
        "00000000000",
        "1763632800 ve 1763632800123",
        "2026-11-20 13:45:00",
        "20.11.2026 13:45",
        "192.168.100.50 ve 10.0.0.1",
        "ISBN 978-3-16-148410-0",
        "1.234.567,89 TL",
        "pi 3.14159265358979",
        "0.4539148803436467",
        "532123",
        "34 ABC 123",
        "550e8400-e29b-41d4-a716-446655440000",
        "at 20 minutes past, is 10 enough? be 12",
        "user@localhost",
        "@ali ve @veli",
        "a@b",
        "5321234567",
        "call me on 20.11.2026",
        "commit a4539148803436467f",
        "%40 ve \\u0040",
        "",
    ],
)
def test_what_is_no_personal_data_stays(text: str) -> None:
    assert redact_text(text) == (text, {})


def test_the_same_value_has_the_same_number_in_all_messages() -> None:
    found = redact(
        interaction(
            "0532 123 45 67 ya da Ali@Ornek.com",
            "+90 (532) 1234567 mi?",
            "evet, ali@ornek.com, 0533 123 45 67",
        )
    )
    assert [message.content for message in found.interaction.messages] == [
        "[PHONE_1] ya da [EMAIL_1]",
        "[PHONE_1] mi?",
        "evet, [EMAIL_1], [PHONE_2]",
        "Tamam",
    ]
    assert found.masked == {"PHONE": 3, "EMAIL": 2}


def test_a_placeholder_that_a_user_types_is_no_placeholder() -> None:
    assert redact_text("[EMAIL_1] ve [phone_22] ve [NOTE_1]")[0] == "{EMAIL_1} ve {phone_22} ve [NOTE_1]"
    assert redact_text("[EMAIL_1] a@b.com") == ("{EMAIL_1} [EMAIL_1]", {"EMAIL": 1})
    assert redact_text("\uff3bEM\u200bAIL_1\uff3d")[0] == "{EMAIL_1}"
    assert redact(interaction("[TCKN_1]")).interaction.messages[0].content == "{TCKN_1}"


def test_labels_and_attributes_are_masked_tenant_locale_and_user_are_not() -> None:
    found = redact(
        interaction(
            "x",
            deployment="a@b.com",
            prompt_version="0532 123 45 67",
            finish_reason="a@b.com",
            model=Model(name="ft:a@b.com", version="1"),
            attributes={"note": "c@d.com", "e@f.com": "1"},
            tenant="t@u.com",
            locale="tr",
            user_key="k@y.com",
        )
    ).interaction
    assert (found.deployment, found.prompt_version, found.finish_reason) == (
        "[EMAIL_1]",
        "[PHONE_1]",
        "[EMAIL_1]",
    )
    assert found.model.name == "ft:[EMAIL_1]"
    assert found.attributes == {"note": "[EMAIL_2]", "[EMAIL_3]": "1"}
    assert (found.tenant, found.locale, found.user_key) == ("t@u.com", "tr", "k@y.com")


def test_ids_that_are_personal_data_are_replaced_alike_each_time() -> None:
    found = redact(
        interaction("x", conversation_id="whatsapp_905321234567", interaction_id="ali@ornek.com/7")
    ).interaction
    assert found.conversation_id == redact_id("whatsapp_905321234567")
    assert found.conversation_id.startswith("redacted-")
    assert not any(digit in found.conversation_id + found.interaction_id for digit in "0123456789@")
    assert found.normalised == ("redacted_interaction_id", "redacted_conversation_id")
    assert redact_id("whatsapp_905321234567", key=b"k") != redact_id("whatsapp_905321234567")
    for harmless in (
        "550e8400-e29b-41d4-a716-446655440000",
        "c-1",
        "conv_20261120",
        "1763632800123",
        "Sohbet-ş",
    ):
        assert redact_id(harmless) == harmless


def test_nothing_to_mask_gives_the_same_object_back() -> None:
    clean = interaction("Merhaba, nasılsın?")
    assert redact(clean).interaction is clean
    assert redact(clean).masked == {}


def test_a_recogniser_that_fails_stops_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(scan: str) -> None:
        raise ZeroDivisionError(scan)

    monkeypatch.setattr(module, "find", failing)
    with pytest.raises(RedactionFailed) as caught:
        redact(interaction("ali@ornek.com"))
    assert "ali" not in str(caught.value)
    with pytest.raises(RedactionFailed):
        redact_text("ali@ornek.com")


def test_evidence_in_raw_json_is_masked_through_its_escapes() -> None:
    raw = json.dumps({"content": "mail: ali@ornek.com\n0532 123 45 67\t10000000146"}).replace("@", r"\u0040")
    text, masked = redact_text(raw)
    assert masked == {"EMAIL": 1, "PHONE": 1, "TCKN": 1}
    assert "ornek" not in text


@pytest.mark.parametrize(
    "unit",
    [
        "1 1 1 1 ",
        "@",
        "+",
        "1",
        "+1 ",
        "a@a.",
        "TR33 ",
        "4539 1488 0343 6467 ",
        "1-",
        "1234 ",
        "\u200b",
        "call 1 ",
    ],
)
def test_a_megabyte_of_anything_takes_a_second_or_two_at_most(unit: str) -> None:
    text = (unit * (1_000_000 // len(unit) + 1))[:1_000_000]
    started = time.process_time()
    redact_text(text)
    # About 0.7 s on an idle core; the margin is for a busy one. Anything quadratic takes minutes.
    assert time.process_time() - started < 3


def test_a_pseudonym_is_stable_keyed_and_short() -> None:
    assert pseudonym(b"k", "ayşe") == pseudonym(b"k", "ayşe")
    assert pseudonym(b"k", "ayşe") != pseudonym(b"l", "ayşe")
    assert len(pseudonym(b"k", "")) == 32
    assert pseudonym(b"k", "\ud800")


@pytest.mark.parametrize(
    ("number", "expected"), [("10000000146", True), ("10000000147", False), ("00000000000", False)]
)
def test_tckn_check_digits(number: str, expected: bool) -> None:
    assert is_tckn(number) is expected


@pytest.mark.parametrize(
    "iban",
    [
        "TR330006100519786457841326",
        "DE89370400440532013000",
        "GB82WEST12345698765432",
        "NO9386011117947",
        "FR1420041010050500013M02606",
        "BE68539007547034",
        "MT84MALT011000012345MTLCAST001S",
        "NL91ABNA0417164300",
    ],
)
def test_registry_examples_are_ibans_and_their_neighbours_are_not(iban: str) -> None:
    assert is_iban(iban)
    assert not is_iban(iban[:-1])
    assert not is_iban(iban[:-2] + iban[-1] + iban[-2]) or iban[-1] == iban[-2]
    assert not is_iban("XX" + iban[2:])
