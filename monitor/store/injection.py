"""Injection canaries: planted attacks judged through the real endpoint, within the budget, and what came of them.

A canary is paid like any call and written to `judge_calls` like one, but names no sample and has a question of its own,
so that it is never taken for an answer about traffic.
"""

import asyncio
import hashlib
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from uuid import UUID

from monitor.clock import Clock
from monitor.errors import ConfigError, MonitorError, QueueUnavailable, StoreUnavailable
from monitor.intake.sampling import WINDOW_SECONDS
from monitor.scoring.judge.attacks import ATTACKS, Case, Counts, cases, measure
from monitor.scoring.judge.attacks.catalogue import CONTROL
from monitor.scoring.judge.budget.model import Reservation, Spent
from monitor.scoring.judge.budget.prices import cost, most_of_a_call
from monitor.scoring.judge.call import Chat, JudgeRejected, JudgeUnavailable, Prompt, Reply, Usage
from monitor.scoring.judge.criteria import LANGUAGES
from monitor.scoring.judge.judge import Asking, Judge
from monitor.store.client import Store
from monitor.store.judged import CALL_S, AnyBudget, masked, storable
from monitor.store.judging import keep_calls
from monitor.store.rows import AttackRow, JudgeCallRow, milliseconds, to_columns

log = logging.getLogger("injection")

DIMENSION = "refusal"
"""Attacks are planted into answers of which it is known whether they refuse."""
NOBODY = UUID(int=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What came of one run on one judge."""

    rows: tuple[AttackRow, ...] = ()
    calls: int = 0
    micro_usd: int = 0
    stopped: str = ""
    """Why not all cases were judged; empty where all were, or where there was nothing to do."""

    @property
    def succeeded(self) -> tuple[str, ...]:
        """Attacks that turned a label; errors of the control are no attack's."""
        return tuple(one.attack for one in self.rows if one.succeeded and one.attack != CONTROL)


async def run(
    store: Store, judge: Judge, chat: Chat, budget: AnyBudget, *, clock: Clock, seed: int, until: float
) -> Run:
    """Judge one case of each attack by the judge's own rubric of refusal, and write down what came of them.

    No call begins after `until` (monotonic seconds) or after a cap is reached; in another order with each seed, so that
    over time all attacks have their turn. A run that was written down is not made again.

    What stands in the way (the budget, Redis, the endpoint, a key that it refuses) ends the run early and is told.

    Raises:
        StoreUnavailable: nothing was asked, or what came of it is not written down; what was paid is.
    """
    asking = next((one for one in judge.askings if DIMENSION in one.identities), None)
    if asking is None:
        log.info("no attack is planted: the judge has no rubric of refusal", extra={"judge": judge.name})
        return Run()
    scorer = asking.identities[DIMENSION].id
    if store.query("attack_ran", judge=judge.name, scorer=scorer, seed=seed)[0]["ran"]:
        return Run()
    began = milliseconds(clock.now())
    paid = _Paid(store=store, judge=judge, chat=chat, budget=budget, clock=clock, scorer=scorer, until=until)
    report = await measure(
        paid,
        {one: [c for c in asking.criteria(one) if c.dimension == DIMENSION] for one in LANGUAGES},
        _cases(asking, seed),
        max_characters=judge.endpoint.max_prompt_characters,
        at_once=judge.endpoint.concurrency,
    )
    rows = tuple(
        AttackRow(
            at=began,
            judge=judge.name,
            scorer_id=scorer,
            attack=attack,
            seed=seed,
            planted=counts.tried - counts.failed,
            **{one.name: getattr(counts, one.name) for one in fields(Counts) if one.name != "failed"},
        )
        for attack in ATTACKS
        if (counts := report.by_attack[attack]).tried > counts.failed
    )
    store.insert("attack_results", to_columns(rows))
    return Run(rows=rows, calls=paid.calls, micro_usd=paid.micro_usd, stopped=paid.stopped)


def _cases(asking: Asking, seed: int) -> Sequence[Case]:
    """One case of each attack, between the plainest no and the plainest yes of the rubric."""
    labels = next(one for one in asking.criteria("en") if one.dimension == DIMENSION).labels
    # Of labels of one value the last: rubrics go from little to much.
    absent = min(labels, key=lambda one: one.value)
    present = max(reversed(labels), key=lambda one: one.value)
    made = cases(seed, dimension=DIMENSION, absent=absent.name, present=present.name, each=1)
    random.Random(seed).shuffle(made)  # noqa: S311 - a repeatable order, no secret
    return made


@dataclass(kw_only=True)
class _Paid:
    """A `Chat` that pays: reserve, sent, request, row, settle. After the first obstacle no further call is begun."""

    store: Store
    judge: Judge
    chat: Chat
    budget: AnyBudget
    clock: Clock
    scorer: str
    until: float
    calls: int = 0
    micro_usd: int = 0
    stopped: str = ""

    async def complete(self, prompt: Prompt) -> Reply:
        """Ask, if there is room; raises JudgeUnavailable or JudgeRejected."""
        room = self._room(prompt)
        try:
            async with asyncio.timeout(CALL_S):
                reply = await self.chat.complete(prompt)
        except TimeoutError:
            raise self._stop(JudgeUnavailable(f"no answer in {CALL_S:g} s")) from None
        except JudgeRejected:
            self._settle(room, 0)
            raise
        except JudgeUnavailable as error:
            if not error.may_cost:
                self._settle(room, 0)
            # Else it may have been billed all the same: the reservation stays charged.
            raise self._stop(error) from error
        except ConfigError as error:
            raise self._stop(error) from error
        self._keep(room, prompt, reply)
        return reply

    async def close(self) -> None:
        """Leave the endpoint open: it is not ours."""

    def _room(self, prompt: Prompt) -> Reservation:
        if not self.stopped and self.clock.monotonic() >= self.until:
            self.stopped = "no time was left"
        if self.stopped:
            raise JudgeUnavailable(self.stopped, may_cost=False)
        try:
            room = self.budget.reserve(self.judge.endpoint.name, most_of_a_call(self.judge.endpoint, prompt))
            if isinstance(room, Spent):
                self.stopped = f"the budget {room.cap} is spent"
            elif self.budget.sent(room):
                return room
            else:
                self.stopped = "the reservation was gone before the request went out"
        except (StoreUnavailable, QueueUnavailable) as error:
            raise self._stop(error) from error
        raise JudgeUnavailable(self.stopped, may_cost=False)

    def _keep(self, room: Reservation, prompt: Prompt, reply: Reply) -> None:
        price = self.judge.endpoint.price
        # Where the endpoint does not tell, the most that it can have cost.
        known = price is not None and reply.usage != Usage()
        paid = cost(price, reply.usage) if price is not None and known else room.most_micro_usd
        row = JudgeCallRow(
            call_id=UUID(room.id),
            called_at=milliseconds(self.clock.now()),
            endpoint=self.judge.endpoint.name,
            question=self._question(prompt),
            window=int(self.clock.now().timestamp()) // WINDOW_SECONDS * WINDOW_SECONDS,
            sample_id=NOBODY,
            model=storable(reply.model)[:200],
            stop=reply.stop,
            reply=masked(reply.text),
            logprobs=[],
            input_tokens=max(0, reply.usage.input),
            output_tokens=max(0, reply.usage.output),
            cached_tokens=max(0, reply.usage.cached),
            cost_micro_usd=paid,
        )
        try:
            keep_calls(self.store, [row])
        except StoreUnavailable as error:
            raise self._stop(error) from error
        self.calls += 1
        self.micro_usd += paid
        self._settle(room, paid)

    def _question(self, prompt: Prompt) -> str:
        # Holds a fence that no other call has, and is no sha256 of what `Asking.question` hashes.
        return hashlib.sha256(f"attack\0{self.scorer}\0{prompt.user}".encode("utf-8", "replace")).hexdigest()

    def _settle(self, room: Reservation, micro_usd: int) -> None:
        try:
            self.budget.settle(room, micro_usd)
        except QueueUnavailable as error:
            # The lease charges it in full, and the ledger has what it really cost.
            log.warning("a call is not settled", extra={"why": str(error)})

    def _stop(self, error: MonitorError) -> JudgeUnavailable:
        """Begin no further call, and say so to whoever measures."""
        self.stopped = self.stopped or str(error)
        return JudgeUnavailable(str(error))
