"""Each value of a good record of each format, replaced by each wrong one: decode gives an answer, never raises."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.intake.decode import Malformed, decode
from monitor.intake.interaction import Interaction

WRONG: list[Any] = [
    None, True, -1, 1.5, 10**60, 1e300, "", " ", "x", "[", "{", "[{}]", "[[]]", "x" * 300, "2026", "-5", "\x00",
    [], {}, [None], [[]], [{}], [1], ["x"], {"x": 1}, {"type": []}, {"type": {}}, [{"type": []}], {"role": []},
    [{"role": []}], [{"role": {}}], [{"role": "assistant"}], {"id": []}, {"name": []}, [{"key": []}], [{"key": "k"}],
    {"stringValue": []}, {"intValue": {}}, {"arrayValue": 1}, {"kvlistValue": {"values": 1}}, {"body": {}}, {"text": 1},
]  # fmt: skip
CALL = {"function": {"name": "f", "arguments": "{}"}, "type": "function"}
PARTS = [{"type": "text", "text": "a"}, {"type": "tool_call", "name": "f"}, {"type": "image_url", "image_url": {}}]
RESULT = {"type": "tool_call_response", "response": {"a": 1}}
ANSWER = {"role": "assistant", "content": "b", "tool_calls": [CALL], "refusal": "c"}
TURNS = [{"role": "user", "content": PARTS}, ANSWER]
ASKED_AS_TEXT = json.dumps([{"role": "user", "parts": PARTS}])
FINISH = {"arrayValue": {"values": [{"stringValue": "x"}]}}
EVENT = {"name": "gen_ai.choice", "attributes": [{"key": "message", "value": {"stringValue": '{"content": "b"}'}}]}
GOOD: dict[str, dict[str, Any]] = {
    "native": {
        "interaction_id": "i", "conversation_id": "c", "turn": 1, "occurred_at": "2026-11-20T10:00:00Z",
        "messages": TURNS, "model": {"name": "m", "version": "1"}, "deployment": "d", "prompt_version": "p",
        "tenant": "t", "locale": "tr", "user_id": "u", "feedback": 1, "finish_reason": "stop",
        "usage": {"input_tokens": 1, "output_tokens": 1}, "attributes": {"a": "b"}, "other": 1,
    },
    "openai": {
        "request": {"model": "m", "messages": TURNS, "user": "u", "metadata": {"conversation_id": "c", "turn": 1}},
        "response": {
            "id": "i", "created": 1763632800, "model": "m2", "usage": {"prompt_tokens": 1, "completion_tokens": 1},
            "choices": [{"message": ANSWER, "finish_reason": "stop"}],
        },
    },
    "responses": {
        "request": {"instructions": "s", "input": [{"type": "message", "role": "user", "content": "a"}, "b"]},
        "response": {
            "output": [
                {"type": "reasoning"}, {"type": "function_call", "name": "f"}, {"type": "message", "content": PARTS},
            ],
            "incomplete_details": {"reason": "length"}, "status": "done", "conversation": {"id": "c"},
        },
    },
    "loose": {
        "input": [{"role": "user", "content": "a"}], "output": {"message": {"content": "b"}}, "metadata": {"x": "y"},
    },
    "span": {
        "resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "s"}}]},
            "scopeSpans": [{"spans": [{
                "traceId": "t", "spanId": "s", "startTimeUnixNano": "1763632800000000000",
                "attributes": [
                    {"key": "gen_ai.input.messages", "value": {"stringValue": ASKED_AS_TEXT}},
                    {"key": "gen_ai.response.finish_reasons", "value": FINISH},
                    {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "5"}},
                    {"key": "k", "value": {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}}},
                ],
                "events": [EVENT],
            }]}],
        }]
    },
    "flat": {
        "context": {"trace_id": "t", "span_id": "s"},
        "attributes": {
            "gen_ai.input.messages": [{"role": "user", "parts": [*PARTS, RESULT]}],
            "gen_ai.output.messages": [{"role": "assistant", "parts": PARTS, "finish_reason": "stop"}],
            "gen_ai.system_instructions": PARTS, "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.conversation.id": "c",
            "gen_ai.request.model": "m", "gen_ai.response.model": "m", "gen_ai.response.id": "i", "enduser.id": "u",
        },
    },
    "indexed": {
        "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "a", "gen_ai.completion.0.content": PARTS,
        "gen_ai.completion.0.tool_calls.0.name": "f", "gen_ai.completion.0.finish_reason": "stop",
    },
    "events": {
        "events": [
            {"name": "gen_ai.user.message", "attributes": {"content": "a", "role": "user"}},
            {"name": "gen_ai.choice", "attributes": {"message": {"content": "b"}, "finish_reason": "stop"}},
        ]
    },
}  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(node, dict):
        for name, inner in node.items():
            yield from places(inner, (*path, name))
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            yield from places(inner, (*path, index))


def changed(document: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    document = copy.deepcopy(document)
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = wrong
    return document


def run(document: Any) -> Interaction | Malformed:
    return decode(
        json.dumps(document).encode(),
        key=None,
        headers=(),
        record_time=datetime(2026, 11, 20, tzinfo=UTC),
        topic="t",
        partition=0,
        offset=0,
        pseudonym=str.upper,
    )


@pytest.mark.parametrize("name", GOOD)
def test_every_replaced_value_gives_an_interaction_or_a_reason(name: str) -> None:
    document = GOOD[name]
    assert isinstance(run(document), Interaction), run(document)
    for path in places(document):
        for wrong in WRONG:
            found = run(changed(document, path, wrong))
            assert isinstance(found, Interaction | Malformed), (path, wrong)
