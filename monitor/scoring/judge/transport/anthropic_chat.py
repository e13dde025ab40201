"""Anthropic's messages, the verdict asked for as the input of a tool that must be used."""

import json

from monitor.scoring.judge.call import Prompt, Reply, Stop, Usage
from monitor.scoring.judge.settings import JudgeEndpoint
from monitor.scoring.judge.transport.address import Address, key_of
from monitor.scoring.judge.transport.reading import count, items, part, text
from monitor.scoring.judge.transport.wire import Json, Refusal

OWN_URL = "https://api.anthropic.com"
VERSION = "2023-06-01"
"""Of the protocol."""
TOOL = "verdict"
STOPS: dict[str, Stop] = {
    "end_turn": "end",
    "tool_use": "end",
    "stop_sequence": "end",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}


class AnthropicDialect:
    """Puts the system part where the endpoint caches it, and reads the tool's input or the text. Has no seed."""

    def __init__(self, endpoint: JudgeEndpoint) -> None:
        self._endpoint = endpoint
        key = key_of(endpoint)
        headers = {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}
        self.address = Address.of(endpoint, own_url=OWN_URL, path="/v1/messages", headers=headers)

    def request(self, prompt: Prompt) -> Json:
        """Give the body to send."""
        one = self._endpoint
        body: Json = {
            "model": one.model,
            "max_tokens": one.max_tokens,
            "system": [{"type": "text", "text": prompt.system, "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": prompt.user}],
        }
        if one.structured != "none":
            body["tools"] = [{"name": TOOL, "description": "Gives the verdict.", "input_schema": prompt.schema}]
            body["tool_choice"] = {"type": "tool", "name": TOOL}
        if one.temperature is not None:
            body["temperature"] = one.temperature
        return body

    def read(self, answer: Json) -> Reply | None:
        """Give the reply, or None where the answer has no list of content."""
        if not isinstance(answer.get("content"), list):
            return None
        blocks = items(answer, "content")
        stop = STOPS.get(text(answer, "stop_reason"), "other")
        tools = [one for one in blocks if one.get("type") == "tool_use" and one.get("name") == TOOL]
        said = "".join(text(one, "text") for one in blocks if one.get("type") == "text")
        if tools and stop != "refusal":
            said = _canonical(part(tools[-1], "input"))
        return Reply(
            text=said,
            stop="other" if not said and stop == "end" else stop,
            usage=_usage(part(answer, "usage")),
            model=text(answer, "model", 200) or self._endpoint.model,
        )

    def adapt(self, refusal: Refusal) -> bool:
        """Nothing to take back: the protocol has one name for each option."""
        del refusal
        return False


def _canonical(value: Json) -> str:
    made = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return made.encode("utf-8", "replace").decode("utf-8")


def _usage(told: Json) -> Usage:
    cached = count(told, "cache_read_input_tokens")
    # What is written to or read from the cache is not in `input_tokens`.
    given = count(told, "input_tokens") + count(told, "cache_creation_input_tokens") + cached
    return Usage(input=given, output=count(told, "output_tokens"), cached=cached)
