"""One call of a judge: what is asked, what comes back, what can go wrong."""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from monitor.errors import Poison, Retryable

Stop = Literal["end", "length", "refusal", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What is sent. The system part is the same for all interactions of a judge, so that endpoints can cache it."""

    system: str
    user: str
    """Holds the transcript, fenced."""
    schema: dict[str, Any]
    """JSON schema of the answer that is wanted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens that the endpoint says it counted; `cached` is the part of `input` that it had cached."""

    input: int = 0
    output: int = 0
    cached: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What the judge said, raw: nothing here is believed yet."""

    text: str
    stop: Stop
    """`refusal` where the endpoint itself says that the model refused; `length` where it was cut."""
    usage: Usage
    model: str
    """As the endpoint names what answered: may be more exact than what was asked for."""
    logprobs: tuple[tuple[str, float], ...] = field(default=())
    """(token, natural logarithm of its probability) of the answer, where the endpoint gives them."""


class JudgeUnavailable(Retryable):
    """The endpoint did not answer, or asks to wait: the work stays due."""

    def __init__(self, message: str, *, may_cost: bool = True) -> None:
        """`may_cost` is false where no try can have been billed: none went out, or each was turned away."""
        super().__init__(message)
        self.may_cost = may_cost


class JudgeRejected(Poison):
    """The endpoint will never take this one request, as a transcript that is too long for the model."""


class Chat(Protocol):
    """An endpoint. A call may wait for seconds; it is retried inside as the settings say.

    Raises:
        JudgeUnavailable: no answer after all tries, or the circuit is open; nothing was read of an answer.
        JudgeRejected: this request is at fault.
        ConfigError: the key, the model or the address is wrong.
    """

    async def complete(self, prompt: Prompt) -> Reply:
        """Ask once and give the answer."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
