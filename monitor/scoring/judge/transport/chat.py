"""`call.Chat` over HTTP: what both protocols share. The protocols themselves are `Dialect`s."""

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

from monitor.clock import Clock
from monitor.scoring.judge.call import JudgeRejected, Prompt, Reply, Usage
from monitor.scoring.judge.settings import JudgeEndpoint
from monitor.scoring.judge.transport.address import Address
from monitor.scoring.judge.transport.breaker import Breaker
from monitor.scoring.judge.transport.limits import Slot, Slots
from monitor.scoring.judge.transport.refusals import endpoint_fails, meaning, withheld
from monitor.scoring.judge.transport.retry import Patience, TryAgain
from monitor.scoring.judge.transport.wire import Client, Json, NoAnswer, Refusal, exchange
from monitor.scoring.judge.transport.writing import Writer

LONGEST_REST_S = 3_600.0


class Dialect(Protocol):
    """One protocol: how a prompt is put and an answer read."""

    address: Address
    """Where requests go, with what opens it."""

    def request(self, prompt: Prompt) -> Json:
        """Give the body to send."""
        ...

    def read(self, answer: Json) -> Reply | None:
        """Give the reply, or None where the answer is not of this protocol; never raises."""
        ...

    def adapt(self, refusal: Refusal) -> bool:
        """Change how requests are put, after one was refused for that; whether to send it again at once."""
        ...


class HttpChat:
    """One endpoint: its places, its circuit, its tries. Belongs to the event loop of its first call."""

    def __init__(
        self, endpoint: JudgeEndpoint, dialect: Dialect, clock: Clock, patience: Patience, breaker: Breaker
    ) -> None:
        self._endpoint, self._dialect, self._clock = endpoint, dialect, clock
        self._patience, self._breaker = patience, breaker
        self._slots = Slots(endpoint.concurrency)
        self._writer = Writer(dialect.request)
        self._client = Client(dialect.address, concurrency=endpoint.concurrency, timeout_s=endpoint.timeout_s)

    async def complete(self, prompt: Prompt) -> Reply:
        """Ask and give the answer; see `call.Chat`.

        An answer that is cut, empty or no answer of the protocol is `Reply(text="", stop="other")`: it may have been
        paid. Its usage is all zero, which means "not told", never "free".
        """
        async with self._slots.one() as slot:
            reply = await self._patience.run(self._endpoint.name, self._trying(prompt, slot))
            self._slots.fine()
            return reply

    async def close(self) -> None:
        """Close connections; calls that are under way fail."""
        await self._client.close()

    def _trying(self, prompt: Prompt, slot: Slot) -> Callable[[], Awaitable[Reply]]:
        async def once() -> Reply:
            try:
                return await self._once(prompt)
            except TryAgain as error:
                if error.status == 429:
                    self._slots.too_many(slot)
                if self._patience.too_long(error) and error.wait_s is not None:
                    self._breaker.rest(min(error.wait_s, LONGEST_REST_S))
                raise

        return once

    async def _once(self, prompt: Prompt) -> Reply:
        with self._breaker.passage() as passage:
            try:
                answer = await self._exchange(prompt)
            except NoAnswer as error:
                passage.failed()
                problem: Exception = TryAgain(str(error), may_cost=error.sent)
            else:
                if not isinstance(answer, Refusal):
                    reply = self._dialect.read(answer) if answer is not None else None
                    # Endless garbage opens the circuit: each piece of it ends an item for good.
                    (passage.fine if reply else passage.failed)()
                    return reply or self._nothing("other")
                if endpoint_fails(answer):
                    passage.failed()
                if withheld(answer):
                    passage.fine()
                    return self._nothing("refusal")
                problem = meaning(answer, self._endpoint, self._clock.now())
                if isinstance(problem, JudgeRejected):
                    passage.fine()
        # Not inside the handler: what failed below can hold address and headers, and would be chained.
        raise problem

    async def _exchange(self, prompt: Prompt) -> Json | Refusal | None:
        timeout_s = self._endpoint.timeout_s
        answer = await exchange(self._client, self._writer.write(prompt), timeout_s=timeout_s)
        if isinstance(answer, Refusal) and self._dialect.adapt(answer):
            self._writer.forget()
            answer = await exchange(self._client, self._writer.write(prompt), timeout_s=timeout_s)
        return answer

    def _nothing(self, stop: Literal["refusal", "other"]) -> Reply:
        return Reply(text="", stop=stop, usage=Usage(), model=self._endpoint.model)
