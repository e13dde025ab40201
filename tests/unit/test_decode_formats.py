"""decode on the two formats of others: OpenAI request/response logs and OpenTelemetry GenAI spans."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.intake.decode import Malformed, Reason, decode
from monitor.intake.interaction import Interaction, Model, Usage


def run(document: Any) -> Any:
    return decode(
        json.dumps(document).encode(),
        key=b"from-key",
        headers=(),
        record_time=datetime(2026, 11, 20, tzinfo=UTC),
        topic="chat",
        partition=0,
        offset=1,
        pseudonym=lambda raw: f"key:{raw}",
    )


def said(document: Any) -> list[tuple[str, str]]:
    found = run(document)
    assert isinstance(found, Interaction), found
    return [(message.role, message.content) for message in found.messages]


ASKED = [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
HEARD = [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello")]
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}

OUTPUT_ITEMS = [
    {"type": "reasoning"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]},
]


def test_a_chat_completions_log_is_read_in_full() -> None:
    found = run(
        {
            "request": {
                "model": "gpt-5",
                "messages": ASKED,
                "user": "ayse",
                "temperature": 0.2,
                "metadata": {
                    "conversation_id": "c-1",
                    "tenant": "acme",
                    "locale": "tr_TR",
                    "turn": "4",
                    "plan": "pro",
                },
            },
            "response": {
                "id": "chatcmpl-1",
                "created": 1763632800,
                "model": "gpt-5-2026-01",
                "choices": [CHOICE, CHOICE],
                "usage": {"prompt_tokens": 9, "completion_tokens": 1},
            },
        }
    )
    assert isinstance(found, Interaction), found
    assert [(m.role, m.content) for m in found.messages] == HEARD
    assert (found.interaction_id, found.conversation_id, found.turn) == ("chatcmpl-1", "c-1", 4)
    assert found.model == Model(name="gpt-5", version="gpt-5-2026-01")
    assert found.usage == Usage(input_tokens=9, output_tokens=1)
    assert (found.tenant, found.locale, found.user_key) == ("acme", "tr-TR", "key:ayse")
    assert found.occurred_at == datetime(2025, 11, 20, 10, tzinfo=UTC)
    assert found.finish_reason == "stop"
    assert found.attributes == {"plan": "pro", "temperature": "0.2"}
    assert found.normalised == ("choices",)


@pytest.mark.parametrize(
    "document",
    [
        {"messages": ASKED, "response": "Hello"},
        {"messages": ASKED, "response": {"choices": [CHOICE]}},
        {"messages": ASKED, "choices": [CHOICE]},
        {"messages": ASKED, "output": {"role": "assistant", "content": "Hello"}},
        {"input": ASKED, "output": "Hello"},
        {"input": {"messages": ASKED}, "output": {"choices": [CHOICE]}},
        {"input": {"messages": ASKED}, "output": [{"role": "assistant", "content": "Hello"}]},
        {"request": {"body": {"messages": ASKED}}, "response": {"body": {"choices": [CHOICE]}}},
        {"request": {"instructions": "Be kind.", "input": "Hi"}, "response": {"output": OUTPUT_ITEMS}},
        {"request": {"messages": ASKED}, "response": {"choices": [{"text": "Hello"}]}},
    ],
)
def test_the_common_variants_say_the_same(document: Any) -> None:
    assert said(document) == HEARD


def test_tool_calls_and_refusals_are_text() -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "look_up"}}]}
    result = {"role": "tool", "content": "22 C"}
    choice = {"message": {"role": "assistant", "content": None, "refusal": "I cannot."}}
    document = {"request": {"messages": [*ASKED, call, result]}, "response": {"choices": [choice]}}
    assert said(document)[2:] == [
        ("assistant", "[tool_call look_up]"),
        ("tool", "22 C"),
        ("assistant", "I cannot."),
    ]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"request": {"messages": ASKED}, "response": {"error": {"code": 500}}}, Reason.NO_ANSWER),
        ({"request": {"messages": ASKED}, "response": {"choices": []}}, Reason.NO_ANSWER),
        ({"request": {"messages": ASKED}}, Reason.NO_ANSWER),
        ({"request": {}, "response": {"choices": [CHOICE]}}, Reason.MISSING_FIELD),
        ({"request": {"messages": ASKED}, "response": {"choices": [1]}}, Reason.WRONG_TYPE),
        ({"request": {"messages": ASKED}, "response": {"choices": [{}]}}, Reason.MISSING_FIELD),
        ({"request": {"messages": ASKED, "metadata": 5}, "response": "Hello"}, Reason.WRONG_TYPE),
    ],
)
def test_a_log_without_question_or_answer_is_malformed(document: Any, expected: Reason) -> None:
    found = run(document)
    assert isinstance(found, Malformed)
    assert found.reason is expected


def test_a_native_record_that_also_has_a_response_stays_native() -> None:
    assert len(said({"messages": [*ASKED, CHOICE["message"]], "response": "Hello"})) == 3


SPAN_ATTRIBUTES = {
    "gen_ai.conversation.id": "c-1",
    "gen_ai.request.model": "gpt-5",
    "gen_ai.response.model": "gpt-5-2026-01",
    "gen_ai.response.id": "r-1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 9,
    "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be kind."}]),
    "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]),
    "gen_ai.output.messages": json.dumps(
        [
            {
                "role": "assistant",
                "parts": [{"type": "reasoning", "content": "hmm"}, {"type": "text", "content": "Hello"}],
                "finish_reason": "length",
            }
        ]
    ),
    "enduser.id": "ayse",
    "server.address": "api",
}


def otlp(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    def value(plain: Any) -> dict[str, Any]:
        if isinstance(plain, list):
            return {"arrayValue": {"values": [value(item) for item in plain]}}
        return {"intValue": str(plain)} if isinstance(plain, int) else {"stringValue": plain}

    return [{"key": name, "value": value(plain)} for name, plain in attributes.items()]


def wrapped(*spans: dict[str, Any]) -> dict[str, Any]:
    resource = {"attributes": otlp({"service.name": "bot"})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {}, "spans": list(spans)}]}]}


@pytest.mark.parametrize(
    "document",
    [
        SPAN_ATTRIBUTES,
        {"name": "chat", "attributes": SPAN_ATTRIBUTES},
        {"name": "chat", "traceId": "t", "spanId": "s", "attributes": otlp(SPAN_ATTRIBUTES)},
        wrapped({"attributes": otlp(SPAN_ATTRIBUTES)}),
    ],
    ids=["attributes", "flat span", "otlp span", "wrapped"],
)
def test_a_span_is_read_in_full_in_each_spelling(document: Any) -> None:
    found = run(document)
    assert isinstance(found, Interaction), found
    assert [(m.role, m.content) for m in found.messages] == HEARD
    assert (found.interaction_id, found.conversation_id, found.user_key) == ("r-1", "c-1", "key:ayse")
    assert found.model == Model(name="gpt-5", version="gpt-5-2026-01")
    assert (found.finish_reason, found.usage.input_tokens) == ("length", 9)
    assert found.attributes["server.address"] == "api"
    assert "enduser.id" not in found.attributes
    assert "reasoning" in found.normalised
    assert "hmm" not in found.model_dump_json()


def test_a_resource_names_the_deployment() -> None:
    assert run(wrapped({"attributes": otlp(SPAN_ATTRIBUTES)})).deployment == "bot"


def test_several_spans_in_a_record_are_malformed() -> None:
    found = run(wrapped({"attributes": []}, {"attributes": []}))
    assert found.reason is Reason.SEVERAL_SPANS
    assert "2 spans" in found.detail
    assert run(wrapped()).reason is Reason.MISSING_FIELD


def test_tool_parts_are_text() -> None:
    messages = [
        {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "1", "name": "weather", "arguments": {}}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": "rain"}]},
    ]
    answer = [{"role": "assistant", "parts": [{"type": "text", "content": "Rain."}]}]
    assert said({"gen_ai.input.messages": messages, "gen_ai.output.messages": answer}) == [
        ("user", "Weather?"),
        ("assistant", "[tool_call weather]"),
        ("tool", "rain"),
        ("assistant", "Rain."),
    ]


@pytest.mark.parametrize(
    "document",
    [
        {
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "Be kind.",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.prompt.1.content": "Hi",
            "gen_ai.completion.0.content": "Hello",
        },
        {"gen_ai.prompt": json.dumps(ASKED), "gen_ai.completion": "Hello"},
        {
            "name": "chat",
            "events": [
                {"name": "gen_ai.system.message", "attributes": {"content": "Be kind."}},
                {"name": "gen_ai.user.message", "attributes": otlp({"content": "Hi"})},
                {"name": "gen_ai.choice", "attributes": {"message": json.dumps({"content": "Hello"})}},
            ],
        },
        {
            "name": "chat",
            "events": [
                {"name": "gen_ai.client.inference.operation.details", "attributes": otlp(SPAN_ATTRIBUTES)},
            ],
        },
    ],
    ids=["indexed", "one attribute", "message events", "details event"],
)
def test_older_and_event_spellings_say_the_same(document: Any) -> None:
    assert said(document) == HEARD


def test_a_span_without_response_id_is_named_by_trace_and_span() -> None:
    found = run({"traceId": "ab", "spanId": "cd", "attributes": SPAN_ATTRIBUTES | {"gen_ai.response.id": ""}})
    assert found.interaction_id == "ab-cd"
    found = run({"context": {"trace_id": "0xab", "span_id": "0xcd"}, "attributes": {"gen_ai.completion": "Hello"}})
    assert found.interaction_id == "0xab-0xcd"
    assert found.conversation_id == "from-key"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"gen_ai.input.messages": "[1"}, Reason.NOT_JSON),
        ({"gen_ai.input.messages": "[" * 100}, Reason.TOO_DEEP),
        ({"gen_ai.input.messages": 5}, Reason.WRONG_TYPE),
        ({"gen_ai.request.model": "gpt"}, Reason.NO_MESSAGES),
        ({"attributes": otlp(SPAN_ATTRIBUTES) * 2}, Reason.DUPLICATE_KEY),
        ({"resourceSpans": {}}, Reason.WRONG_TYPE),
        ({"gen_ai.prompt": "Hi"}, Reason.NO_ANSWER),
    ],
)
def test_a_broken_span_has_a_reason(document: Any, expected: Reason) -> None:
    found = run(document)
    assert isinstance(found, Malformed), found
    assert found.reason is expected
