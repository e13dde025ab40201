"""With which key an endpoint of judges is opened."""

from typing import Any

import pytest

from monitor.errors import ConfigError
from monitor.scoring.judge.settings import JudgeEndpoint
from monitor.scoring.judge.transport import open_chat
from monitor.scoring.judge.transport.openai_chat import OpenAIDialect

TOKEN = "eyJ0.eyJ1.c2ln"


def endpoint(**settings: Any) -> JudgeEndpoint:
    return JudgeEndpoint(**{"name": "one", "model": "m", "api_key": "k-1", **settings})


def opened(base_url: str | None, **settings: Any) -> dict[str, str]:
    return dict(OpenAIDialect(endpoint(base_url=base_url, **settings)).address.headers)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://mine.openai.azure.com/openai/v1/",
        "https://mine.openai.azure.com/openai/deployments/d?api-version=2024-10-21",
        "https://mine.cognitiveservices.azure.com/openai/deployments/d",
        "https://mine.services.ai.azure.com/openai/v1",
        "https://MINE.openai.azure.us/openai/v1",
    ],
)
def test_azure_is_given_a_key_in_its_own_header_and_a_token_as_bearer(base_url: str) -> None:
    assert opened(base_url) == {"api-key": "k-1"}
    assert opened(base_url, api_key=TOKEN) == {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    "base_url", [None, "https://openrouter.ai/api/v1", "https://openai.azure.com.example/v1", "http://127.0.0.1/v1"]
)
def test_everybody_else_is_given_it_as_bearer(base_url: str | None) -> None:
    assert opened(base_url) == {"Authorization": "Bearer k-1"}


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("key", ["sk-4711\n", "sk-\r\nhost: elsewhere", "sk-ğ", "\x00"])
def test_a_key_that_no_header_can_carry_is_refused_at_once_and_not_shown(provider: str, key: str) -> None:
    with pytest.raises(ConfigError, match="api_key of the judge endpoint 'one'") as found:
        open_chat(endpoint(provider=provider, api_key=key))
    assert "sk-" not in str(found.value)


def test_neither_key_nor_login_is_shown_where_an_address_is_printed() -> None:
    shown = repr(OpenAIDialect(endpoint(base_url="https://user:secret@host/v1")).address)
    assert "host/v1" in shown
    assert "k-1" not in shown
    assert "secret" not in shown
