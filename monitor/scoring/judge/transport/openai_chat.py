"""OpenAI's chat completions, as OpenAI, Azure, vLLM, Ollama, llama.cpp and LiteLLM speak them."""

import re

from monitor.scoring.judge.call import Prompt, Reply, Stop, Usage
from monitor.scoring.judge.settings import JudgeEndpoint
from monitor.scoring.judge.transport.address import Address, bearer
from monitor.scoring.judge.transport.reading import count, items, logarithm, part, text
from monitor.scoring.judge.transport.wire import Json, Refusal

OWN_URL = "https://api.openai.com/v1"
LIMITS = ("max_tokens", "max_completion_tokens")
STOPS: dict[str, Stop] = {"length": "length", "content_filter": "refusal"}
NOT_KNOWN = re.compile(r"unsupported|not supported|not permitted|unrecognized|unknown|unexpected|extra", re.IGNORECASE)


class OpenAIDialect:
    """Puts a prompt as two messages, and reads the first choice."""

    def __init__(self, endpoint: JudgeEndpoint) -> None:
        self._endpoint = endpoint
        self.address = Address.of(endpoint, own_url=OWN_URL, path="/chat/completions", headers=bearer(endpoint))
        # Its own newer models refuse the old name; other servers may not know the new one and write without end.
        self._limit = LIMITS[endpoint.base_url is None]
        self._adapted = False

    def request(self, prompt: Prompt) -> Json:
        """Give the body to send."""
        one = self._endpoint
        body: Json = {
            "model": one.model,
            "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
            self._limit: one.max_tokens,
        }
        if one.structured == "schema":
            form = {"name": "verdict", "schema": prompt.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        elif one.structured == "json":
            body["response_format"] = {"type": "json_object"}
        if one.temperature is not None:
            body["temperature"] = one.temperature
        if one.seed is not None:
            body["seed"] = one.seed
        if one.logprobs:
            body["logprobs"] = True
        return body

    def read(self, answer: Json) -> Reply | None:
        """Give the reply, or None where the answer has no choice with a message."""
        choice = next(iter(items(answer, "choices")), {})
        message = part(choice, "message")
        if not message:
            return None
        refusal = text(message, "refusal")
        said = refusal or text(message, "content") or "".join(text(one, "text") for one in items(message, "content"))
        stop: Stop = "refusal" if refusal else STOPS.get(text(choice, "finish_reason"), "end")
        return Reply(
            text=said,
            stop="other" if not said and stop == "end" else stop,
            usage=_usage(part(answer, "usage")),
            model=text(answer, "model", 200) or self._endpoint.model,
            logprobs=_logprobs(choice) if self._endpoint.logprobs else (),
        )

    def adapt(self, refusal: Refusal) -> bool:
        """Take the other name of the token limit, once, where a model refuses the one."""
        other = LIMITS[self._limit == LIMITS[0]]
        # Requests that were under way when the name was changed are refused for the one that is no longer sent.
        if refusal.status not in {400, 422} or not _refused(refusal, other if self._adapted else self._limit):
            return False
        if not self._adapted:
            self._adapted, self._limit = True, other
        return True


def _refused(refusal: Refusal, limit: str) -> bool:
    return refusal.param == limit or (
        refusal.param not in LIMITS and limit in refusal.message and NOT_KNOWN.search(refusal.message) is not None
    )


def _usage(told: Json) -> Usage:
    given = count(told, "prompt_tokens")
    cached = count(part(told, "prompt_tokens_details"), "cached_tokens")
    return Usage(input=given, output=count(told, "completion_tokens"), cached=min(cached, given))


def _logprobs(choice: Json) -> tuple[tuple[str, float], ...]:
    found = [(text(one, "token"), logarithm(one.get("logprob"))) for one in items(part(choice, "logprobs"), "content")]
    # With a gap in them they would be the probability of another text.
    return (
        tuple((token, value) for token, value in found if value is not None)
        if all(value is not None for _, value in found)
        else ()
    )
