"""One call of a judge's transport against the scripted server, in a loop of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from monitor.clock import Clock
from monitor.errors import ConfigError
from monitor.scoring.judge.call import Chat, JudgeRejected, JudgeUnavailable, Prompt, Reply
from monitor.scoring.judge.settings import JudgeEndpoint
from monitor.scoring.judge.transport import open_chat
from tests.support.judge_server import JudgeServer, Script

KEY = "sk-very-secret-4711"
WORDS = "the words of a user"
PROMPT = Prompt(system="You judge.", user=WORDS, schema={"type": "object", "properties": {"label": {"type": "string"}}})
SOON = {"retry-after-ms": "20"}
BOTH = pytest.mark.parametrize("provider", ["openai", "anthropic"])

T = TypeVar("T")


def endpoint(server: JudgeServer, provider: str, **settings: Any) -> JudgeEndpoint:
    return JudgeEndpoint(
        **{
            "name": "first",
            "provider": provider,
            "base_url": server.openai_url if provider == "openai" else server.anthropic_url,
            "api_key": KEY,
            "model": "judge-1",
            "timeout_s": 5,
            "tries": 3,
            **settings,
        }
    )


def using(one: JudgeEndpoint, work: Callable[[Chat], Awaitable[T]], clock: Clock | None = None) -> T:
    async def run() -> T:
        chat = open_chat(one, clock=clock)
        try:
            return await work(chat)
        finally:
            await chat.close()

    return asyncio.run(run())


def ask(provider: str, script: Script, **settings: Any) -> tuple[Reply | Exception, JudgeServer]:
    """Give what one call ends in; an error's whole chain is searched for what must not be in it."""

    async def once(chat: Chat) -> Reply | Exception:
        try:
            return await chat.complete(PROMPT)
        except (JudgeUnavailable, JudgeRejected, ConfigError) as error:
            return error

    with JudgeServer(script) as server:
        found = using(endpoint(server, provider, **settings), once)
    if isinstance(found, Exception):
        assert KEY not in str(found)
        assert WORDS not in str(found)
        assert found.__cause__ is None
        assert found.__suppress_context__ or found.__context__ is None
    return found, server


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - the server counts in another thread
        await asyncio.sleep(0.01)
