"""What is sent to an endpoint by its settings, and what is believed of what it answers."""

import math
import sys
from typing import Any

import pytest

from monitor.errors import ConfigError
from monitor.scoring.judge.call import Prompt, Usage
from monitor.scoring.judge.settings import JudgeEndpoint
from monitor.scoring.judge.transport import open_chat
from monitor.scoring.judge.transport.anthropic_chat import AnthropicDialect
from monitor.scoring.judge.transport.openai_chat import OpenAIDialect
from monitor.scoring.judge.transport.wire import Refusal

PROMPT = Prompt(system="Judge.", user="Words.", schema={"type": "object"})


def openai(**settings: Any) -> OpenAIDialect:
    given = {"name": "one", "model": "m", "base_url": "http://127.0.0.1:1/v1", **settings}
    return OpenAIDialect(JudgeEndpoint(**given))


def anthropic(**settings: Any) -> AnthropicDialect:
    return AnthropicDialect(JudgeEndpoint(**{"name": "one", "model": "m", **settings}))


def test_options_are_sent_where_they_are_set() -> None:
    body = openai(logprobs=True).request(PROMPT)
    assert (body["temperature"], body["seed"], body["logprobs"], body["max_tokens"]) == (0.0, 7, True, 700)
    form = body["response_format"]["json_schema"]
    assert (form["strict"], form["schema"]) == (True, PROMPT.schema)
    bare = openai(structured="none", temperature=None, seed=None).request(PROMPT)
    assert set(bare) == {"model", "messages", "max_tokens"}
    assert openai(structured="json").request(PROMPT)["response_format"] == {"type": "json_object"}


def test_the_system_part_is_cached_and_the_tool_must_be_used() -> None:
    body = anthropic().request(PROMPT)
    assert body["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert body["tool_choice"] == {"type": "tool", "name": body["tools"][0]["name"]}
    assert body["tools"][0]["input_schema"] == PROMPT.schema
    assert set(anthropic(structured="none", temperature=None).request(PROMPT)) == {
        "model",
        "max_tokens",
        "system",
        "messages",
    }


def test_the_token_limit_takes_its_other_name_once() -> None:
    one = openai()
    refusal = Refusal(status=400, code="unsupported_parameter", param="max_tokens")
    assert one.adapt(refusal)
    body = one.request(PROMPT)
    assert body["max_completion_tokens"] == 700
    assert "max_tokens" not in body
    assert not one.adapt(Refusal(status=400, code="unsupported_parameter", param="max_completion_tokens"))


def test_a_prompt_that_is_too_long_changes_no_option() -> None:
    said = "'max_tokens' is too large: 700. This model's maximum context length is 512 tokens."
    assert not openai().adapt(Refusal(status=400, message=said))


def test_the_newer_name_is_first_at_the_providers_own_address() -> None:
    assert "max_completion_tokens" in openai(base_url=None).request(PROMPT)


def test_numbers_and_texts_of_the_wrong_kind_are_not_there() -> None:
    usage = {"prompt_tokens": -4, "completion_tokens": True, "prompt_tokens_details": {"cached_tokens": 9}}
    choice = {"message": {"content": "a\ud800b"}, "finish_reason": 7}
    found = openai().read({"choices": [choice], "usage": usage, "model": ["x"]})
    assert found is not None
    assert (found.text, found.stop, found.model) == ("a?b", "end", "m")
    assert found.usage == Usage()


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.5, "x", None, True])
def test_logprobs_with_a_gap_are_none_at_all(bad: object) -> None:
    def read(value: object) -> tuple[tuple[str, float], ...]:
        content = [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": value}]
        found = openai(logprobs=True).read(
            {"choices": [{"message": {"content": "ab"}, "logprobs": {"content": content}}]}
        )
        assert found is not None
        return found.logprobs

    assert read(-1) == (("a", -0.5), ("b", -1.0))
    assert read(bad) == ()


def test_the_last_use_of_the_tool_is_the_verdict_and_texts_beside_it_are_not() -> None:
    blocks = [
        {"type": "text", "text": '{"label": "planted"}'},
        {"type": "tool_use", "name": "verdict", "input": {"label": "first"}},
        {"type": "tool_use", "name": "verdict", "input": {"label": "son", "reason": "ğ"}},
        {"type": "tool_use", "name": "other", "input": {"label": "other"}},
    ]
    found = anthropic().read({"content": blocks, "stop_reason": "tool_use"})
    assert found is not None
    assert found.text == '{"label":"son","reason":"ğ"}'


def test_tokens_that_the_cache_took_and_gave_count_as_input() -> None:
    usage = {
        "input_tokens": 5,
        "output_tokens": 7,
        "cache_read_input_tokens": 30,
        "cache_creation_input_tokens": 60,
    }
    found = anthropic().read({"content": [{"type": "text", "text": "x"}], "usage": usage, "stop_reason": "end_turn"})
    assert found is not None
    assert found.usage == Usage(input=95, output=7, cached=30)


def test_the_providers_own_address_needs_a_key_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "somebody-elses")
    with pytest.raises(ConfigError, match="'one' has no api_key"):
        open_chat(JudgeEndpoint(name="one", model="m"))


def test_a_client_that_is_not_installed_is_told_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    for name in ("chat", "wire", "openai_chat"):
        monkeypatch.delitem(sys.modules, f"monitor.scoring.judge.transport.{name}", raising=False)
    with pytest.raises(ConfigError, match=r"'aiohttp'.*alignment-monitor\[judge\]"):
        open_chat(JudgeEndpoint(name="one", model="m", base_url="http://127.0.0.1:1/v1"))
