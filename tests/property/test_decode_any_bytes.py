"""decode never raises, gives only what can be stored, and peek never disagrees with it."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from monitor.intake.decode import Malformed, Reason, decode
from monitor.intake.interaction import Interaction
from monitor.intake.peek import peek_conversation_id
from monitor.intake.redact import redact
from monitor.intake.wire.native import KNOWN

RECORD_TIME = datetime(2026, 11, 20, tzinfo=UTC)
NAMES = sorted(
    KNOWN
    | {
        "request",
        "response",
        "choices",
        "input",
        "output",
        "metadata",
        "attributes",
        "events",
        "resourceSpans",
    }
    | {
        "role",
        "content",
        "parts",
        "type",
        "text",
        "name",
        "version",
        "key",
        "value",
        "stringValue",
        "gen_ai.prompt",
    }
    | {
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.completion.0.content",
        "message",
        "tool_calls",
    }
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=12)
    | st.sampled_from(["user", "assistant", "text", "2026-11-20T10:00:00Z", "tr_TR", '[{"role":"user"}]', "[", '"'])
)
nodes = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=6), inner, max_size=6)
    ),
    max_leaves=25,
)
documents = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=6), nodes, max_size=10)
turns = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": st.text(max_size=30)}),
    max_size=3,
).map(lambda some: [*some, {"role": "assistant", "content": "Tamam"}])
headers = st.sampled_from([(), (("am-format", b"native"),), (("am-format", b"openai"),), (("am-format", b"otel"),)])


def run(
    value: bytes | None, key: bytes | None = None, chosen: tuple[tuple[str, bytes], ...] = ()
) -> Interaction | Malformed:
    return decode(
        value,
        key=key,
        headers=chosen,
        record_time=RECORD_TIME,
        topic="chat",
        partition=0,
        offset=7,
        pseudonym=lambda raw: f"{len(raw):032x}",
    )


def check(found: Interaction | Malformed) -> None:
    """Whatever the bytes were: a reason of the closed set, or an interaction that can be stored and read back."""
    if isinstance(found, Malformed):
        assert found.reason in Reason
        assert found.detail
        return
    text = found.model_dump_json()
    assert "\\u0000" not in text
    assert Interaction.model_validate_json(text) == found
    assert found.messages[-1].role == "assistant"
    assert RECORD_TIME.tzinfo is not None
    assert found.occurred_at.utcoffset() is not None


@given(st.binary(max_size=200), st.none() | st.binary(max_size=20), headers)
def test_random_bytes_never_raise(value: bytes, key: bytes | None, chosen: tuple[tuple[str, bytes], ...]) -> None:
    check(run(value, key, chosen))


@given(documents | nodes, st.none() | st.binary(max_size=300), headers)
def test_random_documents_never_raise(document: Any, key: bytes | None, chosen: tuple[tuple[str, bytes], ...]) -> None:
    check(run(json.dumps(document).encode(), key, chosen))


@given(documents, turns, st.booleans())
def test_native_documents_with_odd_fields_never_raise(document: dict[str, Any], messages: Any, compact: bool) -> None:
    separators = (",", ":") if compact else None
    check(run(json.dumps(document | {"messages": messages}, separators=separators).encode()))


@given(turns, st.data())
def test_flipped_bytes_never_raise(messages: Any, data: st.DataObject) -> None:
    value = bytearray(json.dumps({"conversation_id": "c", "messages": messages, "turn": 1}).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    check(run(bytes(value)))
    check(run(bytes(value[: data.draw(st.integers(0, len(value)))])))


ids = st.one_of(
    st.text(max_size=20),
    st.uuids().map(str),
    st.from_regex(r"[A-Za-z0-9_.:@/\-]{1,40}", fullmatch=True),
    st.from_regex(r"[a-z]{0,3}[0-9]{6,19}", fullmatch=True),
    st.sampled_from(["", " ", "905321234567", "a@b.com", "x" * 256, "x" * 257, "\u0000", "a\\b", 'a"b', "%40", "ş"]),
    st.none(),
    st.integers(),
)


def agrees(value: bytes, key: bytes | None) -> None:
    peeked = peek_conversation_id(value, key)
    found = run(value, key)
    if peeked is not None and isinstance(found, Interaction):
        assert found.conversation_id == peeked
        assert redact(found).interaction.conversation_id == peeked


@given(documents, turns, ids, st.none() | st.binary(max_size=8), st.randoms(), st.booleans(), st.booleans())
@example({"user": '"conversation_id":"x"'}, [{"role": "assistant", "content": "y"}], "z", None, None, True, True)
@example(
    {"attributes": {"conversation_id": "x"}},
    [{"role": "assistant", "content": "y"}],
    "z",
    None,
    None,
    True,
    True,
)
def test_peek_never_disagrees(
    document: dict[str, Any],
    messages: Any,
    conversation: Any,
    key: bytes | None,
    random: Any,
    ascii_only: bool,
    compact: bool,
) -> None:
    members = list((document | {"messages": messages, "conversation_id": conversation}).items())
    if random is not None:
        random.shuffle(members)
    text = json.dumps(dict(members), ensure_ascii=ascii_only, separators=(",", ":") if compact else None)
    agrees(text.encode("utf-8", "replace"), key)


@given(turns, st.data())
def test_peek_never_disagrees_on_flipped_bytes(messages: Any, data: st.DataObject) -> None:
    document = {
        "tenant": "a",
        "attributes": {"conversation_id": "x"},
        "conversation_id": "c-1",
        "messages": messages,
    }
    value = bytearray(json.dumps(document).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(0, min(90, len(value) - 1)))] = data.draw(st.sampled_from(list(b'{}[]",:\\ x1@')))
    agrees(bytes(value), None)


@given(st.text(max_size=40), turns)
def test_text_of_a_user_is_never_taken_for_the_id(text: str, messages: Any) -> None:
    trap = '","conversation_id":"evil","x":"' + text
    value = json.dumps(
        {
            "tenant": trap,
            "attributes": {"conversation_id": "evil"},
            "messages": [{"role": "user", "content": trap}, *messages],
        }
    )
    assert peek_conversation_id(value.encode(), None) is None
    assert peek_conversation_id((value[:-1] + ', "conversation_id": "c-1"}').encode(), None) in (None, "c-1")
