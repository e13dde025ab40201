"""Endpoints of judges over HTTP: OpenAI's protocol and Anthropic's, with retries, a circuit breaker and limits."""

from typing import TYPE_CHECKING

from monitor.clock import Clock, SystemClock
from monitor.errors import ConfigError
from monitor.scoring.judge.call import Chat
from monitor.scoring.judge.settings import JudgeEndpoint

if TYPE_CHECKING:
    from monitor.scoring.judge.transport.chat import Dialect

EXTRA = frozenset({"aiohttp", "yarl", "certifi"})


def open_chat(endpoint: JudgeEndpoint, *, clock: Clock | None = None) -> Chat:
    """Open an endpoint; nothing is sent yet. One for each endpoint and process, used in one event loop, then closed.

    Concurrency, circuit and adapted options belong to what is given back: a second one for the same endpoint would
    know nothing of the first one's.

    Raises:
        ConfigError: the extra `judge` is not installed, the provider's own address is used without a key, or the key
            is none that a header can carry.
    """
    if endpoint.api_key is None and endpoint.base_url is None:
        raise ConfigError(
            f"the judge endpoint {endpoint.name!r} has no api_key; set it, or base_url for a server that needs none"
        )
    try:
        # Loaded only here: most installations have no judges, and the client takes a moment to import.
        from monitor.scoring.judge.transport.breaker import Breaker  # noqa: PLC0415
        from monitor.scoring.judge.transport.chat import HttpChat  # noqa: PLC0415
        from monitor.scoring.judge.transport.retry import Patience  # noqa: PLC0415

        dialect = _dialect(endpoint)
    except ModuleNotFoundError as error:
        if error.name not in EXTRA:
            raise
        raise ConfigError(
            f"the judge endpoint {endpoint.name!r} needs the package {error.name!r}: "
            "pip install 'alignment-monitor[judge]'"
        ) from None
    clock = clock or SystemClock()
    return HttpChat(endpoint, dialect, clock, Patience.of(endpoint), Breaker(name=endpoint.name, clock=clock))


def _dialect(endpoint: JudgeEndpoint) -> "Dialect":
    if endpoint.provider == "anthropic":
        from monitor.scoring.judge.transport.anthropic_chat import AnthropicDialect  # noqa: PLC0415

        return AnthropicDialect(endpoint)
    from monitor.scoring.judge.transport.openai_chat import OpenAIDialect  # noqa: PLC0415

    return OpenAIDialect(endpoint)
