"""The three wire formats a producer may send: one interaction as a JSON object of each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Format = Literal["native", "openai", "otel"]
Record = dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What a producer knows about one interaction."""

    interaction_id: str
    conversation_id: str
    turn: int
    occurred_at: datetime
    messages: Sequence[tuple[str, str]]
    """Role and content; the last one is the assistant's."""
    model: str
    version: str
    tenant: str
    locale: str
    user_id: str
    channel: str
    domain: str
    feedback: int | None

    @property
    def unix_ms(self) -> int:
        """Milliseconds since 1970."""
        return round(self.occurred_at.timestamp() * 1000)

    @property
    def input_tokens(self) -> int:
        """A rough count: four characters a token."""
        return 8 + sum(len(content) // 4 + 4 for _, content in self.messages[:-1])

    @property
    def output_tokens(self) -> int:
        """A rough count: four characters a token."""
        return len(self.messages[-1][1]) // 4 + 1


def encode(sent: Sent, wire_format: Format) -> Record:
    """Give the record in one of the formats."""
    return {"native": _native, "openai": _openai, "otel": _otel}[wire_format](sent)


def headers(sent: Sent, wire_format: Format) -> dict[str, str]:
    """Give the Kafka headers that such a producer adds."""
    if wire_format == "otel":
        return {"traceparent": f"00-{_trace_id(sent)}-{_span_id(sent)}-01"}
    return {}


def _messages(messages: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in messages]


def _native(sent: Sent) -> Record:
    return {
        "interaction_id": sent.interaction_id,
        "conversation_id": sent.conversation_id,
        "turn": sent.turn,
        "occurred_at": sent.occurred_at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{sent.unix_ms % 1000:03d}Z",
        "messages": _messages(sent.messages),
        "model": {"name": sent.model, "version": sent.version},
        "deployment": "prod-eu",
        "prompt_version": f"{sent.tenant}-v3",
        "tenant": sent.tenant,
        "locale": sent.locale,
        "user_id": sent.user_id,
        **({} if sent.feedback is None else {"feedback": sent.feedback}),
        "finish_reason": "stop",
        "usage": {"input_tokens": sent.input_tokens, "output_tokens": sent.output_tokens},
        "attributes": {"channel": sent.channel, "domain": sent.domain},
    }


def _openai(sent: Sent) -> Record:
    role, content = sent.messages[-1]
    return {
        "request": {
            "model": sent.model,
            "messages": _messages(sent.messages[:-1]),
            "user": sent.user_id,
            "metadata": {
                "conversation_id": sent.conversation_id,
                "tenant": sent.tenant,
                "locale": sent.locale,
                "turn": str(sent.turn),
            },
        },
        "response": {
            "id": f"chatcmpl-{sent.interaction_id}",
            "object": "chat.completion",
            "created": sent.unix_ms // 1000,
            "model": f"{sent.model}-{sent.version}",
            "choices": [{"index": 0, "message": {"role": role, "content": content}, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": sent.input_tokens,
                "completion_tokens": sent.output_tokens,
                "total_tokens": sent.input_tokens + sent.output_tokens,
            },
        },
    }


def _otel(sent: Sent) -> Record:
    *asked, (role, content) = sent.messages
    said = [{"role": role, "parts": [{"type": "text", "content": content}], "finish_reason": "stop"}]
    heard = [{"role": role, "parts": [{"type": "text", "content": content}]} for role, content in asked]
    return {
        "name": f"chat {sent.model}",
        "trace_id": _trace_id(sent),
        "span_id": _span_id(sent),
        "start_time_unix_nano": str(sent.unix_ms * 1_000_000),
        "attributes": {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "acme",
            "gen_ai.conversation.id": sent.conversation_id,
            "gen_ai.request.model": sent.model,
            "gen_ai.response.model": f"{sent.model}-{sent.version}",
            "gen_ai.response.id": f"resp-{sent.interaction_id}",
            "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.usage.input_tokens": sent.input_tokens,
            "gen_ai.usage.output_tokens": sent.output_tokens,
            "gen_ai.input.messages": json.dumps(heard, ensure_ascii=False),
            "gen_ai.output.messages": json.dumps(said, ensure_ascii=False),
            "user.id": sent.user_id,
            "tenant": sent.tenant,
            "locale": sent.locale,
        },
    }


def _trace_id(sent: Sent) -> str:
    """One trace a conversation."""
    return f"{sent.conversation_id.removeprefix('c-'):0>32}"


def _span_id(sent: Sent) -> str:
    return f"{sent.conversation_id.removeprefix('c-')[:12]:0>12}{sent.turn + 1:04x}"
