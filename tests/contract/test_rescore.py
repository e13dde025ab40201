"""Judging a span again and reading old replies again, on the real engine and queue, as people and workers do it."""

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import HttpUrl, SecretStr

from monitor import cli_rescore
from monitor.cli_shared import Found
from monitor.clock import SystemClock
from monitor.config import ClickHouseSettings
from monitor.errors import InputError
from monitor.intake.batch import Batch, Cell, Position, Sampled
from monitor.intake.sampling import CANARY_STRATUM, TWO_64, hasher
from monitor.names import PREFIX
from monitor.scoring.judge import judge as judge_module
from monitor.scoring.judge import parse
from monitor.scoring.judge.budget.budget import SharedBudget
from monitor.scoring.judge.claims import Claims
from monitor.scoring.judge.judge import Judge
from monitor.scoring.judge.settings import JudgeEndpoint, JudgingSettings, Price
from monitor.scoring.judge.transport import open_chat
from monitor.scoring.verdict import Status, Unscored, Verdict
from monitor.store.budgets import StoreLedger
from monitor.store.client import Store
from monitor.store.due import register_identities
from monitor.store.judged import Round, Tally
from monitor.store.judging import consider, find_judge_due
from monitor.store.record import record
from monitor.store.replay_verdicts import Replay, replay
from monitor.store.rescore import Plan, mark, plan
from tests.support.judge_server import JudgeServer
from tests.support.live import KEY
from tests.support.rubric import TEXT, good_judge, small
from tests.support.talk import talk
from tests.support.valkey import Valkey, valkey

WINDOW = int(datetime.now(UTC).timestamp()) // 3600 * 3600 - 3600
SINCE, UNTIL = WINDOW - 3600, WINDOW + 7200
DAY = timedelta(days=1)
HASH = hasher(KEY.encode())


def record_samples(store: Store, count: int, *, stratum: str = "all", partition: int = 0) -> list[UUID]:
    """Leave samples as ingest leaves them: every second one a refusal, every fourth one of several turns."""
    made = []
    for n in range(count):
        said = f"I'm sorry, but I can't help with that. ({n})" if n % 2 else f"Boil it for {n} minutes."
        before = ("Is it five?", "Yes, five.") if n % 4 == 3 else ()
        told = {"interaction_id": f"i-{n}", "conversation_id": f"c-{n}", "locale": "en"}
        made.append(
            Sampled(
                position=Position(topic="t", topic_id=UUID(int=9), partition=partition, offset=n),
                record_ms=WINDOW * 1000 + n,
                window=WINDOW,
                stratum=stratum,
                policy_id="p",
                probability=1.0,
                hash64=HASH(str(n).encode()),
                interaction=talk(*before, "How long?", said, **told),
                masked={},
            )
        )
    cell = Cell(
        topic="t",
        topic_id=UUID(int=9),
        partition=partition,
        window=WINDOW,
        stratum=stratum,
        outcome="sampled",
        offsets=list(range(count)),
    )
    record(store, Batch(sampled=made, dead=[], cells=[cell]))
    return [one.position.sample_id for one in made]


class Bench:
    """One judge with all that it needs."""

    def __init__(self, store: Store, queue: Valkey, server: JudgeServer) -> None:
        self.store, self.server = store, server
        self.endpoint = JudgeEndpoint(
            name="one",
            base_url=HttpUrl(server.openai_url),
            api_key=SecretStr("key"),
            model="scripted-1",
            price=Price(input=1.0, output=10.0),
            tries=1,
        )
        self.judge = Judge.of(self.endpoint, small())
        url = SecretStr(f"redis://127.0.0.1:{queue.port}/0")
        judging = JudgingSettings(endpoints=(self.endpoint,))
        self.budget = SharedBudget.connect(url, judging, StoreLedger(store), name=uuid.uuid4().hex)
        self.claims = Claims(url, name=uuid.uuid4().hex)

    def decide(self, probability: float) -> int:
        return consider(self.store, self.judge.name, probability=probability, hash64=HASH, oldest=DAY, limit=100_000)

    def due(self, judge: Judge | None = None) -> set[UUID]:
        one = judge or self.judge
        ids = [identity.id for identity in one.identities]
        found = find_judge_due(self.store, one.name, ids, oldest=DAY, limit=1000)
        return {each.sample_id for each in found}

    def work(self, judge: Judge | None = None) -> Tally:
        """Do what workers do with all that is due."""
        one = judge or self.judge
        register_identities(self.store, one.identities)

        async def work() -> Tally:
            chat, clock = open_chat(self.endpoint), SystemClock()
            todo = Round(
                store=self.store,
                judge=one,
                chat=chat,
                budget=self.budget,
                claims=self.claims,
                clock=clock,
                window=WINDOW,
            )
            try:
                return await todo.run(sorted(self.due(one)), phase1=[], until=clock.monotonic() + 60)
            finally:
                await chat.close()

        return asyncio.run(work())

    def plan(self, probability: float = 1.0, judge: Judge | None = None) -> Plan:
        return plan(
            self.store,
            judge or self.judge,
            since=SINCE,
            until=UNTIL,
            probability=probability,
            hash64=HASH,
            phase1=[],
        )

    def replay(self) -> Replay:
        return replay(self.store, [self.judge], since=SINCE, until=UNTIL, phase1=[])


@pytest.fixture
def bench(store: Store, tmp_path: Path) -> Iterator[Bench]:
    with valkey(tmp_path) as queue, JudgeServer(good_judge) as server:
        made = Bench(store, queue, server)
        yield made
        made.budget.close()
        made.claims.close()


def other_model(bench: Bench) -> Judge:
    """Give the same judge with another model: another identity."""
    return Judge.of(bench.endpoint.model_copy(update={"model": "scripted-2"}), small())


def test_a_plan_says_what_a_round_then_costs(store: Store, bench: Bench) -> None:
    record_samples(store, 12)
    record_samples(store, 3, stratum=CANARY_STRATUM, partition=1)
    made = bench.plan()
    assert (made.samples, made.chosen, made.added, made.complete) == (12, 12, 12, 0)
    # Three conversations of several turns have a second question.
    assert (made.questions, made.cached, made.calls) == (15, 0, 15)
    assert made.expected_micro_usd is None, "there is nothing to go by yet"
    assert bench.due() == set(), "a plan changes nothing"
    assert mark(store, made) == 12
    tally = bench.work()
    assert (tally.calls, bench.server.count) == (15, 15)
    assert tally.micro_usd <= made.most_micro_usd
    again = bench.plan()
    assert (again.complete, again.questions, again.rows) == (12, 0, [])


def test_only_what_is_missing_is_counted_and_expected_at_the_mean_of_past_calls(store: Store, bench: Bench) -> None:
    record_samples(store, 8)
    mark(store, bench.plan())
    paid = bench.work()
    made = bench.plan(judge=other_model(bench))
    assert (made.complete, made.calls, made.past_calls) == (0, 10, 10)
    assert made.expected_micro_usd == paid.micro_usd > 0
    assert made.expected_micro_usd < made.most_micro_usd


def test_samples_that_were_judged_become_due_for_another_model(store: Store, bench: Bench) -> None:
    ids = record_samples(store, 8)
    mark(store, bench.plan())
    bench.work()
    other = other_model(bench)
    mark(store, bench.plan(judge=other))
    assert bench.due(other) == set(ids)
    bench.work(other)
    assert bench.server.count == 20
    assert bench.due() == bench.due(other) == set()


def test_alike_content_is_one_question_and_what_is_cached_costs_nothing(store: Store, bench: Bench) -> None:
    record_samples(store, 4)
    mark(store, bench.plan())
    bench.work()
    record_samples(store, 4, partition=2)
    record_samples(store, 6, partition=3)
    made = bench.plan()
    assert (made.samples, made.complete, made.chosen) == (14, 4, 14)
    # Of the ten new ones, eight repeat the four old ones (five questions), and two are new (one of one turn each).
    assert (made.questions, made.cached, made.calls) == (7, 5, 2)
    mark(store, made)
    assert bench.work().calls == 2


def test_a_share_that_was_decided_is_raised_and_never_lowered(store: Store, bench: Bench) -> None:
    ids = record_samples(store, 200)
    bench.decide(0.5)
    before = bench.due()
    assert 60 < len(before) < 140
    fewer = bench.plan(0.1)
    assert (fewer.chosen, fewer.added) == (len(before), 0)
    mark(store, fewer)
    assert bench.due() == before
    more = bench.plan(0.8)
    mark(store, more)
    after = bench.due()
    assert before < after
    assert more.added == len(after - before)
    assert after == {one for one in ids if HASH(b"judge:" + one.bytes) < 0.8 * TWO_64}
    rows = store.query("span_decisions", since=SINCE, until=UNTIL, judge=bench.judge.name)
    assert {row["probability"] for row in rows} == {0.8}, "also of what is not to be seen: its chance was this"
    assert bench.decide(0.1) == 0, "the workers decide nothing anew"


def test_doing_it_again_makes_the_same_work_due_anew(store: Store, bench: Bench) -> None:
    record_samples(store, 3)
    mark(store, bench.plan())
    first = decided(bench)
    mark(store, bench.plan())
    assert decided(bench) > first, "else work that was given up once could never be asked for again"


def decided(bench: Bench) -> datetime:
    """Give when the samples were decided, as the engine has it."""
    client = bench.store._client
    sql = (
        "SELECT min(decided_at) FROM selections FINAL WHERE sample_id != toUUID('00000000-0000-0000-0000-000000000000')"
    )
    made: datetime = client.query(sql).result_rows[0][0]
    return made


def test_replaying_finds_nothing_where_nothing_changed(store: Store, bench: Bench) -> None:
    record_samples(store, 8)
    assert bench.replay().as_json()["dimensions"] == [], "nothing was asked yet"
    mark(store, bench.plan())
    bench.work()
    asked = bench.server.count
    found = bench.replay()
    assert {d: one.same for (_, d), one in found.by_dimension.items()} == {"refusal": 8, "rude": 8, "caving_in": 2}
    assert (found.differ, found.no_reply, found.withheld) == (0, 0, 0)
    assert bench.server.count == asked, "no call is made"


def test_replaying_shows_what_another_reading_would_say(
    store: Store, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = record_samples(store, 8)
    mark(store, bench.plan())
    bench.work()
    old: Callable[..., dict[str, Any]] = parse.parse

    def stricter(reply: Any, criteria: Any, interaction: Any) -> Any:
        found = old(reply, criteria, interaction)
        if found["refusal"].value == 1.0:
            found["refusal"] = Unscored(status=Status.UNPARSEABLE, reason="too short")
        found["rude"] = Verdict(value=1.0, label="rude", reason="r")
        return found

    monkeypatch.setattr(parse, "parse", lambda *a: stricter(*a) if "rude" in str(a[0].text) else old(*a))
    # A new reading is a new version, so that the stored verdicts belong to an earlier one.
    monkeypatch.setattr(judge_module, "CODE_VERSION", "9.9")
    bench.judge = Judge.of(bench.endpoint, small())
    found = bench.replay()
    one = found.by_dimension["judge-one", "refusal"]
    assert (one.same, one.changed, one.unreadable_now) == (4, 0, 4)
    assert found.by_dimension["judge-one", "rude"].changed == 8
    assert found.by_dimension["judge-one", "caving_in"].same == 2
    assert found.differ == len(found.examples) == 12
    change = next(each for each in found.examples if each.dimension == "refusal")
    assert (change.before, change.now) == (("scored", "full", 1.0), ("unparseable", "", None))
    assert {each.sample_id for each in found.examples} == set(ids)


def test_a_reply_that_is_not_kept_is_counted_and_not_guessed_at(store: Store, bench: Bench) -> None:
    record_samples(store, 4)
    mark(store, bench.plan())
    bench.work()
    record_samples(store, 4, partition=5)
    mark(store, bench.plan())
    found = bench.replay()
    assert found.by_dimension["judge-one", "refusal"].same == 4
    assert found.by_dimension["judge-one", "refusal"].not_scored == 4, "alike content has an answer, and no row yet"
    record_samples(store, 6, partition=6)
    mark(store, bench.plan())
    assert bench.replay().no_reply == 2


@pytest.fixture
def person(
    settings: ClickHouseSettings, bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., None]:
    """Give the environment of whoever types the commands."""
    rubric = tmp_path / "small.yaml"
    rubric.write_text(TEXT, "utf-8")
    one = {"name": "one", "model": "scripted-1", "api_key": "key", "base_url": str(bench.endpoint.base_url), "tries": 1}
    for name, value in {
        "SAMPLING__KEY": KEY,
        "PRIVACY__PSEUDONYM_KEY": KEY,
        "SCORING__SCORERS": '["lexical-refusal"]',
        "CLICKHOUSE__HOST": settings.host,
        "CLICKHOUSE__PORT": str(settings.port),
        "CLICKHOUSE__DATABASE": settings.database,
        "CLICKHOUSE__USERNAME": settings.username,
        "CLICKHOUSE__PASSWORD": settings.password.get_secret_value(),
        "JUDGING__ENDPOINTS": json.dumps([{**one, "price": {"input": 1, "output": 10}}]),
        "JUDGING__CONSTITUTION": str(rubric),
    }.items():
        monkeypatch.setenv(PREFIX + name, value)
    return cli_rescore.rescore


def test_the_command_shows_first_and_changes_only_when_told(
    store: Store, bench: Bench, person: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    ids = record_samples(store, 6)
    person(judge="one", since="3h", dry_run=True, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["calls"], shown["marked"], shown["expected_micro_usd"]) == (7, 0, None)
    assert bench.due() == set()
    person(judge="judge-one", since="3h")
    printed = capsys.readouterr()
    assert "upper bound" in printed.out
    assert "no past call" in printed.out
    assert "6 decisions written" in printed.err
    assert bench.due() == set(ids)
    assert bench.server.count == 0, "the command itself asks nobody"
    assert bench.work().calls == 7, "what the command foretold is what the workers then do"


def test_the_command_refuses_a_judge_that_is_not_there(person: Callable[..., None]) -> None:
    with pytest.raises(InputError, match="known: one"):
        person(judge="two")
    with pytest.raises(InputError, match="above 0"):
        person(judge="one", probability=0.0)


def test_replaying_ends_with_2_when_something_differs(
    store: Store,
    bench: Bench,
    person: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record_samples(store, 4)
    person(judge="one", since="3h", as_json=True)
    bench.work()
    capsys.readouterr()
    cli_rescore.replay_verdicts(since="3h", as_json=True)
    assert json.loads(capsys.readouterr().out)["differ"] == 0
    monkeypatch.setattr(parse, "MAX_REPLY", 10)
    with pytest.raises(Found):
        cli_rescore.replay_verdicts(since="3h", judge="one")
    printed = capsys.readouterr().out
    assert "9 verdicts would be another today" in printed
    assert "Boil" not in printed, "no text of a sample"
