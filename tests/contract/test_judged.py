"""A judge's round on the real engine, queue and HTTP: each outcome is the right row, and nothing is paid twice."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import HttpUrl, SecretStr

from monitor.clock import SystemClock
from monitor.config import ClickHouseSettings
from monitor.errors import ConfigError, StoreUnavailable
from monitor.intake.batch import Batch, Cell, Position, Sampled
from monitor.intake.interaction import Interaction
from monitor.intake.sampling import TWO_64, hasher
from monitor.report.ledger import Span
from monitor.report.rates import rates
from monitor.report.status import status
from monitor.scoring.judge.budget.budget import SharedBudget
from monitor.scoring.judge.budget.model import Reservation
from monitor.scoring.judge.call import Usage
from monitor.scoring.judge.claims import Claims
from monitor.scoring.judge.judge import Judge
from monitor.scoring.judge.settings import Budget, JudgeEndpoint, JudgingSettings, Price
from monitor.scoring.judge.transport import open_chat
from monitor.store.budgets import StoreLedger
from monitor.store.client import Store
from monitor.store.due import read_sample, register_identities
from monitor.store.judged import Round, Tally
from monitor.store.judging import answers, consider, find_judge_due
from monitor.store.record import record
from tests.support.judge_server import JudgeServer, Request, Script, Step, failing
from tests.support.rubric import good_judge, small
from tests.support.talk import talk
from tests.support.valkey import Valkey, valkey

WINDOW = 1_795_420_800
SPAN = Span(since=WINDOW, until=WINDOW + 3600)
TOPIC_ID = UUID(int=9)
WEEK = timedelta(days=7)
HASH = hasher(b"a key for tests of judging")
SAID = ("Boil it for six minutes.", "I'm sorry, but I can't help with that.", "Lütfen haritaya bakın.")


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path) as server:
        yield server


def record_samples(store: Store, count: int, *, answer: Callable[[int], str] | None = None) -> list[UUID]:
    """Leave one window of samples as ingest leaves it, each fourth one a conversation of several turns."""
    made = []
    for n in range(count):
        said = answer(n) if answer else f"{SAID[n % len(SAID)]} ({n})"
        before = ("Is it five?", "Yes, five.") if n % 4 == 3 else ()
        made.append(
            Sampled(
                position=Position(topic="t", topic_id=TOPIC_ID, partition=0, offset=n),
                record_ms=WINDOW * 1000 + n,
                window=WINDOW,
                stratum="all",
                policy_id="p",
                probability=1.0,
                hash64=HASH(str(n).encode()),
                interaction=talk(
                    *before, "How long?", said, interaction_id=f"i-{n}", conversation_id=f"c-{n}", locale="en"
                ),
                masked={},
            )
        )
    cell = Cell(
        topic="t",
        topic_id=TOPIC_ID,
        partition=0,
        window=WINDOW,
        stratum="all",
        outcome="sampled",
        offsets=list(range(count)),
    )
    record(store, Batch(sampled=made, dead=[], cells=[cell]))
    return [one.position.sample_id for one in made]


class Bench:
    """One judge with all that it needs; a round is a task's."""

    def __init__(self, store: Store, queue: Valkey, script: Script, **more: Any) -> None:
        self.store, self.server = store, JudgeServer(script)
        self.server.__enter__()
        budget = more.pop("budget", Budget())
        endpoint = JudgeEndpoint(
            name="one",
            base_url=HttpUrl(self.server.openai_url),
            api_key=SecretStr("key"),
            model="scripted-1",
            price=Price(input=1.0, output=10.0),
            **{"tries": 1, "timeout_s": 5.0, **more},
        )
        self.judging = JudgingSettings(endpoints=(endpoint,), budget=budget)
        self.judge = Judge.of(endpoint, small())
        register_identities(store, self.judge.identities)
        url = SecretStr(f"redis://127.0.0.1:{queue.port}/0")
        self.budget = SharedBudget.connect(url, self.judging, StoreLedger(store), name=uuid.uuid4().hex)
        self.url, self.name = url, uuid.uuid4().hex

    def close(self) -> None:
        self.budget.close()
        self.server.__exit__(None, None, None)

    def decide(self, probability: float = 1.0) -> int:
        return consider(
            self.store, self.judge.name, probability=probability, hash64=HASH, oldest=WEEK * 5000, limit=100_000
        )

    def due(self) -> list[UUID]:
        ids = [one.id for one in self.judge.identities]
        found = find_judge_due(self.store, self.judge.name, ids, oldest=WEEK, limit=1000)
        return [one.sample_id for one in found]

    def round(self, ids: Sequence[UUID], *, store: Store | None = None) -> Tally:
        async def work() -> Tally:
            chat = open_chat(self.judge.endpoint)
            clock = SystemClock()
            claims = Claims(self.url, name=self.name)
            one = Round(
                store=store or self.store,
                claims=claims,
                judge=self.judge,
                chat=chat,
                budget=self.budget,
                clock=clock,
                window=WINDOW,
            )
            try:
                return await one.run(ids, phase1=[], until=clock.monotonic() + 30)
            finally:
                claims.close()
                await chat.close()

        return asyncio.run(work())

    def verdicts(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Give status and label of each row, by interaction and dimension."""
        rows = self.store.query("all_scores")
        return {(r["interaction_id"], r["dimension"]): (r["status"], r["label"]) for r in rows}


@pytest.fixture
def bench(store: Store, queue: Valkey) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(script: Script = good_judge, **more: Any) -> Bench:
        made.append(Bench(store, queue, script, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_every_selected_sample_ends_in_one_row_a_dimension(store: Store, bench: Callable[..., Bench]) -> None:
    record_samples(store, 12)
    one = bench()
    assert one.decide() == 12
    tally = one.round(one.due())
    found = one.verdicts()
    assert found.keys() == {(f"i-{n}", d) for n in range(12) for d in ("refusal", "rude", "caving_in")}
    assert {label for (_, d), (_, label) in found.items() if d == "refusal"} == {"none", "full"}
    assert [found[f"i-{n}", "refusal"][1] for n in range(3)] == ["none", "full", "none"]
    # Three of twelve have several turns: only about them the second question is asked.
    assert (tally.calls, one.server.count) == (15, 15)
    assert one.due() == []


def test_what_was_answered_is_never_asked_again(store: Store, bench: Callable[..., Bench]) -> None:
    ids = record_samples(store, 8, answer=lambda n: f"Boil it for {n % 2} minutes.")
    one = bench()
    one.decide()
    first = one.round(ids)
    # Of six single turns two differ, and the two of several turns are alike, with two questions about them.
    assert first.calls == one.server.count == 4
    assert one.round(ids).calls == 0
    assert one.server.count == 4
    assert len(one.verdicts()) == 8 * 3


def test_an_answer_is_paid_once_though_its_scores_get_lost(
    settings: ClickHouseSettings, store: Store, bench: Callable[..., Bench]
) -> None:
    ids = record_samples(store, 8, answer=lambda n: f"Answer {n}.")
    one = bench()
    one.decide()

    class Failing(Store):
        """Takes no scores once something was paid."""

        def insert(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
            if table == "scores" and columns and one.server.count:
                raise StoreUnavailable("away between the answer and its scores")
            super().insert(table, columns)

    with Failing.connect(settings) as failing_store, pytest.raises(StoreUnavailable):
        one.round(ids, store=failing_store)
    one.round(one.due())
    assert one.server.count == 8 + 2, "eight answers, two of them about several turns"
    assert len(one.verdicts()) == 8 * 3
    assert StoreLedger(store).spent_since(None, datetime(2020, 1, 1, tzinfo=UTC))[0] == 10


def test_two_workers_at_once_pay_for_no_question_twice(
    settings: ClickHouseSettings, store: Store, bench: Callable[..., Bench]
) -> None:
    ids = record_samples(store, 12, answer=lambda n: f"Answer {n}.")

    def slowly(request: Request) -> Step:
        return replace(good_judge(request), delay_s=0.2)

    one = bench(slowly, concurrency=2)
    one.decide()
    # The first worker of all opens the budget while the others wait for their next turn.
    room = one.budget.reserve("one", 1)
    assert isinstance(room, Reservation)
    one.budget.release(room)
    failed: list[Exception] = []

    def work() -> None:
        try:
            with Store.connect(settings) as own:
                one.round(ids, store=own)
        except Exception as error:  # noqa: BLE001 - told below, in the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    one.round(one.due())
    assert one.server.count == 12 + 3, "twelve answers, three of them about several turns"
    assert len(one.verdicts()) == 12 * 3


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Step(text="no JSON here"), "unparseable"),
        (Step(text='{"refusal": {"label": "none"'), "unparseable"),
        (Step(text="That I will not judge.", stop="refusal"), "refused_by_judge"),
        (Step(text="I'm sorry, but I can't help with that request."), "refused_by_judge"),
        (Step(text="x", stop="length"), "unparseable"),
        (Step(fault="cut"), "unparseable"),
        (failing(400, "context_length_exceeded"), "error"),
    ],
    ids=["words", "unfinished", "refused", "refused in words", "cut off", "half an answer", "rejected"],
)
def test_an_answer_that_is_no_verdict_ends_the_work_with_its_own_status(
    store: Store, bench: Callable[..., Bench], step: Step, expected: str
) -> None:
    ids = record_samples(store, 1)
    one = bench([step])
    one.decide()
    one.round(ids)
    found = one.verdicts()
    assert found["i-0", "refusal"][0] == found["i-0", "rude"][0] == expected
    assert found["i-0", "caving_in"] == ("scored", "held")
    assert one.server.count == 1
    assert one.due() == []


@pytest.mark.parametrize("step", [failing(503), failing(429), Step(fault="reset")], ids=["503", "429", "reset"])
def test_while_the_endpoint_is_away_work_stays_due(store: Store, bench: Callable[..., Bench], step: Step) -> None:
    ids = record_samples(store, 3)
    one = bench([step])
    one.decide()
    tally = one.round(ids)
    assert tally.unavailable
    assert sorted(one.due()) == sorted(ids)
    assert {d for _, d in one.verdicts()} == {"caving_in"}


def test_an_endpoint_that_refuses_the_key_costs_nothing_and_is_asked_again_once_it_does_not(
    store: Store, bench: Callable[..., Bench]
) -> None:
    ids = record_samples(store, 3)
    refused = [True]
    one = bench(lambda request: failing(401) if refused[0] else good_judge(request), budget=Budget(calls_day=3))
    one.decide()
    with pytest.raises(ConfigError):
        one.round(ids)
    refused[0] = False
    assert one.round(ids).calls == 3
    assert one.due() == []


def test_when_the_budget_is_spent_the_rest_stays_due_in_its_order(store: Store, bench: Callable[..., Bench]) -> None:
    record_samples(store, 12, answer=lambda n: f"Answer {n}.")
    one = bench(budget=Budget(calls_day=5), concurrency=1)
    one.decide()
    before = one.due()
    tally = one.round(before)
    assert tally.spent is not None
    assert (tally.spent.cap, one.server.count) == ("calls_day", 5)
    left = one.due()
    assert left
    assert left == [i for i in before if i in left]


def test_a_judge_sees_the_share_it_is_to_see_and_its_rate_stands_for_all(
    store: Store, bench: Callable[..., Bench]
) -> None:
    record_samples(store, 400, answer=lambda n: SAID[1] if n % 2 else SAID[0])
    one = bench()
    one.decide(0.25)
    chosen = one.due()
    assert 60 < len(chosen) < 140
    rows = store.query("judge_selected", window=WINDOW, ids=chosen, judge=one.judge.name)
    assert all(HASH(b"judge:" + row["sample_id"].bytes) < 0.25 * TWO_64 for row in rows)
    one.round(chosen)
    (refusal,) = [r for r in rates(store, SPAN, dimension="refusal") if r.judge]
    assert refusal.judge == "judge-one"
    estimate = refusal.estimate
    assert (estimate.n_population, estimate.n_sampled, estimate.n_scored) == (400, len(chosen), len(chosen))
    assert estimate.low < 0.5 < estimate.high
    assert estimate.high - estimate.low < 0.3


def test_deciding_again_changes_nothing_and_a_larger_share_holds_the_smaller(
    store: Store, bench: Callable[..., Bench]
) -> None:
    record_samples(store, 100)
    one = bench()
    one.decide(0.2)
    few = set(one.due())
    assert one.decide(0.9) == 0
    assert set(one.due()) == few
    consider(store, "judge-other", probability=0.6, hash64=HASH, oldest=WEEK * 5000, limit=1000)
    ids = [i.id for i in one.judge.identities]
    many = find_judge_due(store, "judge-other", ids, oldest=WEEK, limit=1000)
    assert few < {each.sample_id for each in many}


def test_status_tells_how_far_a_judge_is(store: Store, bench: Callable[..., Bench]) -> None:
    ids = record_samples(store, 6)
    one = bench()

    def now() -> Any:
        return status(store, SPAN, scorers=(), judges=(one.judge,), clock=SystemClock()).judges[0]

    assert (now().chosen, now().undecided) == (0, 6)
    one.decide()
    assert (now().chosen, now().undecided, now().wanted, now().due) == (6, 0, 18, 18)
    one.round(ids[:2])
    assert (now().scored, now().due) == (6, 12)


def test_replies_are_kept_masked_with_what_they_cost(store: Store, bench: Callable[..., Bench]) -> None:
    ids = record_samples(store, 1)
    one = bench([Step(text='Write to ayse.yilmaz@example.com. {"refusal": 1}', usage=(1000, 100, 0))])
    one.decide()
    one.round(ids)
    asking = one.judge.askings[0]
    (row,) = store.query("samples_by_id", window=WINDOW, ids=ids)
    interaction = read_sample(row)
    assert isinstance(interaction, Interaction)
    question = asking.question(interaction, asking.applying(interaction, {}))
    kept = answers(store, "one", [question])[question]
    assert "ayse" not in kept.text
    assert "[EMAIL_1]" in kept.text
    assert (kept.usage, kept.model) == (Usage(input=1000, output=100, cached=0), "scripted-1")
    assert StoreLedger(store).spent_since("one", datetime(2020, 1, 1, tzinfo=UTC)) == (1, 1000 * 1 + 100 * 10)
