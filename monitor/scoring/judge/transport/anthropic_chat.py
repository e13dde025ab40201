"""Anthropic's messages, the verdict asked for as the input of a tool that must be used."""

import json

# Without it the vendor's client says only at its first use that it is missing.
import aiohttp  # noqa: F401
import anthropic

from monitor.scoring.judge.call import Prompt, Reply, Stop, Usage
from monitor.scoring.judge.settings import JudgeEndpoint
from monitor.scoring.judge.transport.reading import count, items, part, text
from monitor.scoring.judge.transport.wire import Client, Json, Refusal, http_options

OWN_URL = "https://api.anthropic.com"
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

    path = "/v1/messages"

    def __init__(self, endpoint: JudgeEndpoint, key: str) -> None:
        self._endpoint, self._key = endpoint, key

    def client(self) -> Client:
        """Make the vendor's client, its own retries off; nothing but the endpoint's settings says where it connects."""
        one = self._endpoint
        return anthropic.AsyncAnthropic(
            api_key=self._key,
            base_url=str(one.base_url) if one.base_url else OWN_URL,
            max_retries=0,
            timeout=one.timeout_s,
            # Its spans can be told by the environment to carry prompts.
            open_telemetry=False,
            http_client=anthropic.DefaultAioHttpClient(**http_options(one.concurrency, one.timeout_s)),
        )

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
