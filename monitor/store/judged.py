"""Judges at work: what they are to say of some samples, asked as far as cache, budget and time allow (DESIGN §7).

Order of one call: budget reserved, marked as sent, request, answer written to `judge_calls`, budget settled, scores
written. An answer that is written is never paid again: whoever comes later finds it. While ClickHouse is away nothing
is asked (I9).
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from monitor.clock import Clock
from monitor.errors import ConfigError, MonitorError, QueueUnavailable, StoreRejected, StoreUnavailable
from monitor.intake.redact import RedactionFailed, redact_text
from monitor.scoring.judge.budget.model import Reservation, Settled, Spent
from monitor.scoring.judge.budget.prices import cost, most_of_a_call
from monitor.scoring.judge.call import Chat, JudgeRejected, JudgeUnavailable, Prompt, Reply, Usage
from monitor.scoring.judge.claims import AnyClaims
from monitor.scoring.judge.judge import Asking, Judge
from monitor.scoring.verdict import Result, ScorerIdentity, Status, Unscored
from monitor.store.client import Store
from monitor.store.due import terminal
from monitor.store.judging import answers, keep_calls, selected
from monitor.store.questions import Question, looks, question_of
from monitor.store.rows import JudgeCallRow, ScoreRow, milliseconds, score_row, to_columns

log = logging.getLogger("judge")

CALL_S = 180.0
"""A call with all its tries is given up after so long: a task must end before Redis hands it to another worker."""
CLAIM_S = CALL_S + 120.0
"""How long a question is claimed. Claims of what was answered are not given back: a worker that looked for answers just
before this one was written may still begin calls for a minute, and must not ask it again."""
WITHHELD = "[the reply could not be masked and is not kept]"


class AnyBudget(Protocol):
    """What stands between a judge and the bill; see `monitor.scoring.judge.budget.SharedBudget`."""

    def reserve(self, endpoint: str, most_micro_usd: int) -> Reservation | Spent: ...  # noqa: D102
    def sent(self, reservation: Reservation) -> bool: ...  # noqa: D102
    def settle(self, reservation: Reservation, actual_micro_usd: int) -> Settled: ...  # noqa: D102
    def release(self, reservation: Reservation) -> bool: ...  # noqa: D102


@dataclass(kw_only=True, slots=True)
class Tally:
    """What came of one round."""

    rows: int = 0
    calls: int = 0
    cached: int = 0
    micro_usd: int = 0
    left: int = 0
    """Questions that stay due."""
    spent: Spent | None = None
    """The cap that stood in the way."""
    unavailable: str = ""
    """Why the endpoint gave no answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Todo:
    """One question, and what of it lacks a terminal row."""

    question: Question
    wanted: frozenset[str]
    """Dimensions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answered:
    """What a call gave."""

    todo: _Todo
    reservation: Reservation
    reply: Reply | None = None
    error: JudgeRejected | JudgeUnavailable | None = None


@dataclass(kw_only=True)
class Round:
    """One judge on samples of one window."""

    store: Store
    judge: Judge
    chat: Chat
    budget: AnyBudget
    claims: AnyClaims
    clock: Clock
    window: int
    tally: Tally = field(default_factory=Tally)

    async def run(self, ids: Sequence[UUID], *, phase1: Sequence[ScorerIdentity], until: float) -> Tally:
        """Judge what is due of these samples; no call begins after `until` (monotonic seconds).

        What is not judged stays due. Running it again, or twice at once, changes nothing that can be seen, and pays
        for no question twice.

        Raises:
            StoreUnavailable, QueueUnavailable: no further call was begun.
            ConfigError: the endpoint refuses the key or the model.
        """
        todo = self._todo(ids, phase1)
        known = answers(self.store, self.judge.endpoint.name, {one.question.key for one in todo})
        rows = [row for one in todo if one.question.key in known for row in self._rows(one, known[one.question.key])]
        self._write(rows)
        missing: dict[str, list[_Todo]] = {}
        for one in todo:
            if one.question.key not in known:
                missing.setdefault(one.question.key, []).append(one)
        self.tally.cached = len(todo) - sum(map(len, missing.values()))
        await self._ask(missing, until)
        return self.tally

    def _todo(self, ids: Sequence[UUID], phase1: Sequence[ScorerIdentity]) -> list[_Todo]:
        """Find what must be asked, and close what needs no asking."""
        chosen = selected(self.store, self.judge.name, window=self.window, ids=ids)
        done = terminal(self.store, self.judge.identities, self.window, list(chosen))
        found: list[_Todo] = []
        rows: list[ScoreRow] = []
        for look in looks(self.store, self.judge, window=self.window, ids=list(chosen), phase1=phase1):
            identities = look.asking.identities
            wanted = frozenset(d for d, one in identities.items() if (look.sample_id, one.id) not in done)
            if not wanted or look.waiting:
                continue
            if isinstance(look.interaction, Unscored):
                rows += self._scores(look.sample_id, look.asking, dict.fromkeys(wanted, look.interaction), wanted)
                continue
            given = look.asking.without_asking(look.interaction, look.phase1)
            rows += self._scores(look.sample_id, look.asking, given, wanted)
            question = question_of(look, look.interaction)
            if question and wanted.intersection(one.dimension for one in question.asked):
                found.append(_Todo(question=question, wanted=wanted))
        self._write(rows)
        return found

    async def _ask(self, missing: Mapping[str, Sequence[_Todo]], until: float) -> None:
        """Keep as many calls under way as the endpoint takes, and write down what comes back, together."""
        waiting = list(missing.values())[::-1]
        under_way: set[asyncio.Task[_Answered | None]] = set()
        try:
            while waiting or under_way:
                open_ = not (self.tally.spent or self.tally.unavailable) and self.clock.monotonic() < until
                while open_ and waiting and len(under_way) < self.judge.endpoint.concurrency:
                    todo = waiting.pop()
                    if not self.claims.take(todo[0].question.key, seconds=CLAIM_S):
                        # Another worker is asking just this: its answer will serve.
                        self.tally.left += len(todo)
                    elif not self._begin(todo[0], under_way):
                        waiting.append(todo)
                        open_ = False
                if not under_way:
                    break
                finished, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                self._take([found for task in finished if (found := task.result())], missing)
        except MonitorError:
            await self._save(under_way)
            raise
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
        self.tally.left += len(waiting)

    async def _save(self, under_way: set[asyncio.Task[_Answered | None]]) -> None:
        """Write down what is still answered after something went wrong: it is paid, and would be paid again."""
        ended = await asyncio.gather(*under_way, return_exceptions=True)
        answered = [one for one in ended if isinstance(one, _Answered) and one.reply is not None]
        with suppress(StoreUnavailable, StoreRejected):
            keep_calls(self.store, [self._call_row(one, one.reply) for one in answered if one.reply is not None])
            for one in answered:
                self._settle(one.reservation, self._cost(one))

    def _begin(self, todo: _Todo, under_way: set[asyncio.Task[_Answered | None]]) -> bool:
        prompt = todo.question.asking.prompt(todo.question.interaction, todo.question.asked)
        try:
            room = self.budget.reserve(self.judge.endpoint.name, most_of_a_call(self.judge.endpoint, prompt))
        except MonitorError:
            self.claims.give_back(todo.question.key)
            raise
        if isinstance(room, Spent):
            self.claims.give_back(todo.question.key)
            self.tally.spent = room
            return False
        under_way.add(asyncio.create_task(self._call(todo, prompt, room)))
        return True

    async def _call(self, todo: _Todo, prompt: Prompt, room: Reservation) -> _Answered | None:
        if not self.budget.sent(room):
            self.claims.give_back(todo.question.key)
            self.tally.left += 1
            return None
        try:
            async with asyncio.timeout(CALL_S):
                reply = await self.chat.complete(prompt)
        except TimeoutError:
            error = JudgeUnavailable(f"{self.judge.endpoint.name} gave no answer in {CALL_S:g} s")
            return _Answered(todo=todo, reservation=room, error=error)
        except (JudgeRejected, JudgeUnavailable) as error:
            return _Answered(todo=todo, reservation=room, error=error)
        except ConfigError:
            # Turned away at the door: nothing was paid, and it can be asked again once a person has mended it.
            self._release(room)
            self.claims.give_back(todo.question.key)
            raise
        return _Answered(todo=todo, reservation=room, reply=reply)

    def _take(self, finished: Sequence[_Answered], missing: Mapping[str, Sequence[_Todo]]) -> None:
        """Write down answers, then settle, then score: in this order nothing is paid twice."""
        calls = [self._call_row(one, one.reply) for one in finished if one.reply is not None]
        if calls:
            keep_calls(self.store, calls)
        rows: list[ScoreRow] = []
        for one in finished:
            if one.reply is not None:
                paid = self._cost(one)
                self._settle(one.reservation, paid)
                self.tally.calls += 1
                self.tally.micro_usd += paid
                rows += [row for todo in missing[one.todo.question.key] for row in self._rows(todo, one.reply)]
            elif isinstance(one.error, JudgeRejected):
                self._settle(one.reservation, 0)
                why = Unscored(status=Status.ERROR, reason=f"the endpoint refused the request: {one.error}")
                for todo in missing[one.todo.question.key]:
                    results: dict[str, Result] = dict.fromkeys(todo.wanted, why)
                    rows += self._scores(todo.question.sample_id, todo.question.asking, results, todo.wanted)
            else:
                if isinstance(one.error, JudgeUnavailable) and not one.error.may_cost:
                    self._release(one.reservation)
                # Else it may have been billed all the same: the reservation stays charged.
                self.claims.give_back(one.todo.question.key)
                self.tally.unavailable = str(one.error)
                self.tally.left += len(missing[one.todo.question.key])
        self._write(rows)

    def _settle(self, reservation: Reservation, micro_usd: int) -> None:
        try:
            self.budget.settle(reservation, micro_usd)
        except QueueUnavailable as error:
            # The lease charges it in full, and the ledger has what it really cost.
            log.warning("a call is not settled", extra={"why": str(error)})

    def _release(self, reservation: Reservation) -> None:
        try:
            self.budget.release(reservation)
        except QueueUnavailable as error:
            log.warning("a call that cost nothing is not given back", extra={"why": str(error)})

    def _cost(self, one: _Answered) -> int:
        """Give what a call cost; where the endpoint does not tell, the most that it can have cost."""
        price = self.judge.endpoint.price
        if price is None or one.reply is None or one.reply.usage == Usage():
            return one.reservation.most_micro_usd
        return cost(price, one.reply.usage)

    def _rows(self, todo: _Todo, reply: Reply) -> list[ScoreRow]:
        asked = todo.question
        results = asked.asking.read(reply, asked.interaction, asked.asked)
        return self._scores(asked.sample_id, asked.asking, results, todo.wanted)

    def _scores(
        self, sample_id: UUID, asking: Asking, results: Mapping[str, Result], wanted: Iterable[str]
    ) -> list[ScoreRow]:
        now = self.clock.now()
        return [
            score_row(
                window=self.window,
                sample_id=sample_id,
                identity=asking.identities[dimension],
                result=results[dimension],
                now=now,
            )
            for dimension in wanted
            if dimension in results
        ]

    def _call_row(self, one: _Answered, reply: Reply) -> JudgeCallRow:
        return JudgeCallRow(
            call_id=UUID(one.reservation.id),
            called_at=milliseconds(self.clock.now()),
            endpoint=self.judge.endpoint.name,
            question=one.todo.question.key,
            window=self.window,
            sample_id=one.todo.question.sample_id,
            model=storable(reply.model)[:200],
            stop=reply.stop,
            reply=masked(reply.text),
            logprobs=[(storable(token), chance) for token, chance in reply.logprobs],
            input_tokens=max(0, reply.usage.input),
            output_tokens=max(0, reply.usage.output),
            cached_tokens=max(0, reply.usage.cached),
            cost_micro_usd=self._cost(one),
        )

    def _write(self, rows: Sequence[ScoreRow]) -> None:
        if rows:
            self.store.insert("scores", to_columns(rows))
            self.tally.rows += len(rows)


def masked(text: str) -> str:
    """Mask a reply; one that cannot be masked is withheld."""
    try:
        return redact_text(storable(text))[0]
    except RedactionFailed:
        return WITHHELD


def storable(text: str) -> str:
    """Replace what ClickHouse cannot store."""
    # A lone surrogate would fail the whole insert.
    return text.encode("utf-8", "replace").decode()
