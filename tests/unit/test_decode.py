"""decode on our own format: what it accepts, what it mends, what it calls malformed."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.intake.decode import Malformed, Reason, decode
from monitor.intake.interaction import Interaction, Model, Usage

RECORD_TIME = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TURNS = [{"role": "user", "content": "Merhaba"}, {"role": "assistant", "content": "Buyurun"}]
NATIVE: dict[str, Any] = {
    "interaction_id": "i-1",
    "conversation_id": "c-1",
    "turn": 3,
    "occurred_at": "2026-11-20T13:00:00+03:00",
    "messages": TURNS,
    "model": {"name": "gpt", "version": "2026-01"},
    "deployment": "prod",
    "prompt_version": "7",
    "tenant": "acme",
    "locale": "tr_TR",
    "user_id": "ayse",
    "feedback": 1,
    "finish_reason": "stop",
    "usage": {"input_tokens": 10, "output_tokens": 2},
    "attributes": {"channel": "web", "beta": True},
}


def run(value: bytes | None, *, key: bytes | None = None, headers: tuple[tuple[str, bytes], ...] = ()) -> Any:
    return decode(
        value,
        key=key,
        headers=headers,
        record_time=RECORD_TIME,
        topic="chat",
        partition=2,
        offset=99,
        pseudonym=lambda raw: f"key:{raw}",
    )


def good(document: Any, *, key: bytes | None = None, headers: tuple[tuple[str, bytes], ...] = ()) -> Interaction:
    found = run(document if isinstance(document, bytes) else json.dumps(document).encode(), key=key, headers=headers)
    assert isinstance(found, Interaction), found
    return found


def reason(document: Any, *, headers: tuple[tuple[str, bytes], ...] = ()) -> Reason:
    raw = document if document is None or isinstance(document, bytes) else json.dumps(document).encode()
    found = run(raw, headers=headers)
    assert isinstance(found, Malformed), found
    assert found.detail
    assert "\n" not in found.detail
    return found.reason


def test_a_native_record_is_read_in_full() -> None:
    assert good(NATIVE) == Interaction(
        interaction_id="i-1",
        conversation_id="c-1",
        turn=3,
        occurred_at=datetime(2026, 11, 20, 10, 0, tzinfo=UTC),
        messages=TURNS,
        model=Model(name="gpt", version="2026-01"),
        deployment="prod",
        prompt_version="7",
        tenant="acme",
        locale="tr-TR",
        user_key="key:ayse",
        feedback=1.0,
        finish_reason="stop",
        usage=Usage(input_tokens=10, output_tokens=2),
        attributes={"channel": "web", "beta": "true"},
    )


def test_messages_alone_are_enough() -> None:
    found = good({"messages": TURNS})
    assert (found.interaction_id, found.conversation_id) == ("chat-2-99", "chat-2-99")
    assert (found.turn, found.occurred_at, found.normalised) == (0, RECORD_TIME, ("occurred_at",))


def test_a_missing_conversation_id_is_the_record_key() -> None:
    assert good({"messages": TURNS}, key=b"k-7").conversation_id == "k-7"
    assert good({"messages": TURNS}, key=b"\xff").conversation_id == "chat-2-99"
    assert good({"messages": TURNS}, key=b"").conversation_id == "chat-2-99"
    assert good({"messages": TURNS, "conversation_id": None}, key=b"k-7").conversation_id == "k-7"


def test_a_missing_turn_counts_the_assistant_turns_before() -> None:
    assert good({"messages": [*TURNS, *TURNS, *TURNS]}).turn == 2


def test_ids_that_are_too_long_are_hashed_alike_each_time() -> None:
    found = good(NATIVE | {"conversation_id": "x" * 257, "interaction_id": 12})
    assert found.conversation_id.startswith("sha256-")
    assert found.conversation_id == good(NATIVE | {"conversation_id": "x" * 257}).conversation_id
    assert (found.interaction_id, found.normalised) == ("12", ("long_id",))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2026-11-20T10:00:00Z", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20 10:00:00.123456789", datetime(2026, 11, 20, 10, 0, 0, 123456, tzinfo=UTC)),
        (1763632800, datetime(2025, 11, 20, 10, tzinfo=UTC)),
        (1763632800.5, datetime(2025, 11, 20, 10, 0, 0, 500000, tzinfo=UTC)),
        ("1763632800123", datetime(2025, 11, 20, 10, 0, 0, 123000, tzinfo=UTC)),
        (1763632800123456, datetime(2025, 11, 20, 10, 0, 0, 123456, tzinfo=UTC)),
        (1763632800123456789, datetime(2025, 11, 20, 10, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_the_usual_spellings(sent: Any, expected: datetime) -> None:
    found = good(NATIVE | {"occurred_at": sent})
    assert (found.occurred_at, found.normalised) == (expected, ())


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "soon",
        "1970-01-01T00:00:00Z",
        "2100-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        0,
        -1,
        10**30,
        1e308,
        True,
        [],
        {},
        "9" * 5000,
        "0001-01-01T00:00:00+23:59",
    ],
)
def test_absurd_times_become_the_record_time(sent: Any) -> None:
    found = good(NATIVE | {"occurred_at": sent})
    assert (found.occurred_at, found.normalised) == (RECORD_TIME, ("occurred_at",))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("tr_TR", "tr-TR"),
        ("TR", "tr"),
        ("EN-us", "en-US"),
        ("zh_hans_cn", "zh-Hans-CN"),
        ("de_DE.UTF-8", "de-DE"),
        ("", ""),
        (None, ""),
        ("<script>", ""),
    ],
)
def test_locales_are_normalised(sent: str | None, expected: str) -> None:
    assert good(NATIVE | {"locale": sent}).locale == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [(True, 1.0), ("down", 0.0), ("thumbs_up", 1.0), ("4.5", 4.5), ("nan", None), ("hm", None)],
)
def test_feedback_is_a_number_or_a_known_word(sent: Any, expected: float | None) -> None:
    assert good(NATIVE | {"feedback": sent}).feedback == expected


def test_content_is_text_null_or_parts() -> None:
    parts = [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": "x"}},
        "b",
        {"type": "thinking"},
    ]
    found = good(
        {
            "messages": [
                {"role": "human", "content": parts},
                {"role": "ai", "content": None, "tool_calls": [{"function": {"name": "look_up"}}]},
                {"role": "tool", "content": [{"type": "tool_result", "content": {"a": 1}}]},
                {"role": "assistant", "content": None, "refusal": "No."},
            ]
        }
    )
    assert [m.content for m in found.messages] == ["a\n[image]\nb", "[tool_call look_up]", '{"a":1}', "No."]
    assert "reasoning" in found.normalised


def test_an_empty_answer_is_an_answer() -> None:
    assert good({"messages": [TURNS[0], {"role": "assistant", "content": ""}]}).answer == ""


def test_unknown_scalars_become_attributes_and_the_rest_is_noted() -> None:
    found = good(NATIVE | {"region": "eu", "score": 0.5, "blob": {"a": 1}})
    assert found.attributes == {"channel": "web", "beta": "true", "region": "eu", "score": "0.5"}
    assert found.normalised == ("attribute_dropped",)


def test_attributes_are_bounded() -> None:
    found = good(NATIVE | {"attributes": {f"a{i}": "x" * 300 for i in range(80)}})
    assert len(found.attributes) == 64
    assert set(map(len, found.attributes.values())) == {256}
    assert found.normalised == ("attribute_cut", "attribute_dropped")


def test_a_raw_user_id_is_never_kept() -> None:
    found = good(NATIVE | {"user": "ayse", "attributes": {"user_id": "ayse", "enduser.id": "ayse"}})
    assert found.user_key == "key:ayse"
    assert "ayse" not in found.model_dump_json().replace("key:ayse", "")


def test_text_is_made_storable() -> None:
    raw = (
        b'\xef\xbb\xbf{"conversation_id": "a\\u0000b",'
        b' "messages": [{"role": "assistant", "content": "x\\ud800y\\ud83d\\ude00"}]}'
    )
    found = good(raw)
    assert (found.conversation_id, found.answer) == ("ab", "x\ufffdy\U0001f600")
    assert found.normalised == ("bom", "nul", "surrogate", "occurred_at")


def test_raw_control_characters_are_accepted() -> None:
    assert good(b'{"messages":[{"role":"assistant","content":"a\x00\n\tb"}]}').answer == "a\n\tb"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, Reason.NULL_VALUE),
        (b"", Reason.NOT_JSON),
        (b"hello", Reason.NOT_JSON),
        (b'{"a": 1} x', Reason.NOT_JSON),
        (b'{"a": "\xff"}', Reason.NOT_UTF8),
        (b'{"a": "\xed\xa0\x80"}', Reason.NOT_UTF8),
        (json.dumps(NATIVE).encode("utf-16"), Reason.NOT_UTF8),
        (json.dumps(NATIVE).encode("utf-16-le"), Reason.NOT_UTF8),
        (json.dumps(NATIVE).encode("utf-16-be"), Reason.NOT_UTF8),
        (json.dumps(NATIVE).encode("utf-32"), Reason.NOT_UTF8),
        (b"[]", Reason.NOT_OBJECT),
        (b"null", Reason.NOT_OBJECT),
        (b"{}", Reason.UNKNOWN_FORMAT),
        (b'{"interaction_id": "a"}', Reason.MISSING_FIELD),
        (b'{"messages": [], "messages": []}', Reason.DUPLICATE_KEY),
        (b'{"messages": [{"role": "user", "role": "user"}]}', Reason.DUPLICATE_KEY),
        (b'{"a": NaN}', Reason.BAD_NUMBER),
        (b'{"a": -Infinity}', Reason.BAD_NUMBER),
        (b'{"a": 1e999}', Reason.BAD_NUMBER),
        (b'{"a": ' + b"9" * 1_000_000 + b"}", Reason.BAD_NUMBER),
        (b"[" * 1_000_000, Reason.TOO_DEEP),
        (b'{"a":' * 500_000 + b"1" + b"}" * 500_000, Reason.TOO_DEEP),
        (b"[" * 65 + b"]" * 65, Reason.TOO_DEEP),
        (b" " * (20 * 1024 * 1024), Reason.TOO_LARGE),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_cannot_be_read_has_a_reason(value: bytes | None, expected: Reason) -> None:
    assert reason(value) is expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"messages": []}, Reason.NO_MESSAGES),
        ({"messages": {}}, Reason.WRONG_TYPE),
        ({"messages": "hi"}, Reason.WRONG_TYPE),
        ({"messages": None}, Reason.WRONG_TYPE),
        ({"messages": [1]}, Reason.WRONG_TYPE),
        ({"messages": [{"content": "x"}]}, Reason.MISSING_FIELD),
        ({"messages": [{"role": 1, "content": "x"}]}, Reason.WRONG_TYPE),
        ({"messages": [{"role": "boss", "content": "x"}]}, Reason.WRONG_TYPE),
        ({"messages": [{"role": "assistant", "content": 5}]}, Reason.WRONG_TYPE),
        ({"messages": [TURNS[0]]}, Reason.NO_ANSWER),
        ({"messages": [*TURNS, TURNS[0]]}, Reason.NO_ANSWER),
        ({"messages": [{"role": "assistant", "content": " \n"}]}, Reason.EMPTY_CONVERSATION),
        ({"messages": [TURNS[1]] * 10_001}, Reason.TOO_LARGE),
        ({"turn": -1}, Reason.BAD_NUMBER),
        ({"turn": 2**31}, Reason.BAD_NUMBER),
        ({"turn": 1.5}, Reason.BAD_NUMBER),
        ({"turn": "two"}, Reason.WRONG_TYPE),
        ({"turn": True}, Reason.WRONG_TYPE),
        ({"conversation_id": {}}, Reason.WRONG_TYPE),
        ({"interaction_id": 1.5}, Reason.WRONG_TYPE),
        ({"tenant": ["a"]}, Reason.WRONG_TYPE),
        ({"usage": 5}, Reason.WRONG_TYPE),
        ({"usage": {"input_tokens": -1}}, Reason.BAD_NUMBER),
        ({"attributes": []}, Reason.WRONG_TYPE),
        ({"feedback": {}}, Reason.WRONG_TYPE),
        ({"user_id": {}}, Reason.WRONG_TYPE),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_fields_have_a_reason(change: dict[str, Any], expected: Reason) -> None:
    assert reason(NATIVE | change) is expected


def test_details_hold_no_text_of_the_user() -> None:
    for document in (
        NATIVE | {"tenant": ["SECRET"]},
        {"messages": [{"role": "SECRET", "content": "SECRET"}]},
    ):
        found = run(json.dumps(document).encode())
        assert "SECRET" not in found.detail
    assert "SECRET" not in run(b'{"SECRET": 1, "SECRET": 2}').detail
    assert "SECRET" not in run(b'{"a": SECRET}').detail


def test_sixty_four_levels_are_fine_and_many_flat_objects_too() -> None:
    assert isinstance(good(NATIVE | {"extra": json.loads("[" * 60 + "]" * 60)}), Interaction)
    assert isinstance(good({"messages": TURNS * 500}), Interaction)


def test_a_header_chooses_the_format() -> None:
    assert good(NATIVE, headers=(("am-format", b"native"),)).interaction_id == "i-1"
    assert reason(NATIVE, headers=(("am-format", b"xml"),)) is Reason.UNKNOWN_FORMAT
    assert reason(NATIVE, headers=(("am-format", b"\xff\xfe"),)) is Reason.UNKNOWN_FORMAT
    assert good(NATIVE, headers=(("am-format", b"xml"), ("am-format", b"native"))).interaction_id == "i-1"
    assert reason(NATIVE, headers=(("am-format", b"otel"),)) is Reason.NO_MESSAGES


def test_a_pseudonym_that_fails_is_the_callers() -> None:
    def failing(raw: str) -> str:
        raise LookupError(raw)

    with pytest.raises(LookupError):
        decode(
            json.dumps(NATIVE).encode(),
            key=None,
            headers=(),
            record_time=RECORD_TIME,
            topic="t",
            partition=0,
            offset=0,
            pseudonym=failing,
        )
