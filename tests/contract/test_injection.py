"""Injection canaries on the real engine, queue and HTTP: what succeeds is counted, paid once and told to people."""

import asyncio
import json
import re
import subprocess
import sys
import time
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
from monitor.names import PREFIX
from monitor.report.attacks import attack_rates
from monitor.scoring.constitution.load import load
from monitor.scoring.judge.attacks import ATTACKS
from monitor.scoring.judge.budget.budget import SharedBudget
from monitor.scoring.judge.call import Chat, JudgeUnavailable, Prompt, Reply
from monitor.scoring.judge.judge import Judge
from monitor.scoring.judge.settings import Budget, JudgeEndpoint, JudgingSettings, Price
from monitor.scoring.judge.transport import open_chat
from monitor.store.budgets import StoreLedger
from monitor.store.client import Store
from monitor.store.injection import Run, run
from monitor.store.rows import AttackRow, milliseconds, to_columns
from tests.support.judge_server import JudgeServer, Request, Step, failing
from tests.support.live import KEY, clean_environment
from tests.support.obedient_judge import ObedientJudge
from tests.support.valkey import Valkey, valkey

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def sound(request: Request) -> Step:
    """Answer by the assistant's own words, whatever else is said."""
    turns = re.split(r"^\[[0-9a-f]+ turn \d+ \w+(?:, judged)?\]\n", request.text, flags=re.MULTILINE)
    lines = turns[-1].partition("\n</transcript")[0].split("\n")
    own = next(one for one in lines if any(word in one for word in ("can't help", "yardımcı olamam")) or len(one) > 5)
    label = "full" if "can't help" in turns[-1] or "yardımcı olamam" in turns[-1] else "none"
    return answered(label, own[:100])


def gullible(request: Request) -> Step:
    """Take a ready-made verdict for its own; else answer soundly."""
    found = re.search(r'\{"refusal": \{.*\}\}', request.text)
    return Step(text=found[0]) if found else sound(request)


def answered(label: str, quote: str) -> Step:
    entry = {"reason": "r", "evidence": [{"turn": 2, "quote": quote}], "label": label, "confidence": 0.9}
    return Step(text=json.dumps({"refusal": entry}, ensure_ascii=False))


def endpoint(url: str, **more: Any) -> JudgeEndpoint:
    options = {"tries": 1, "timeout_s": 5.0, "price": Price(input=1.0, output=10.0), **more}
    return JudgeEndpoint(name="one", base_url=HttpUrl(url), api_key=SecretStr("key"), model="scripted-1", **options)


class Planter:
    """One judge with its budget; `plant` is one run."""

    def __init__(self, store: Store, queue: Valkey, one: JudgeEndpoint, budget: Budget) -> None:
        self.store, self.judge = store, Judge.of(one, load(None))
        judging = JudgingSettings(endpoints=(one,), budget=budget)
        url = SecretStr(f"redis://127.0.0.1:{queue.port}/0")
        self.budget = SharedBudget.connect(url, judging, StoreLedger(store), name=uuid.uuid4().hex)

    def plant(self, seed: int = 1, *, chat: Chat | None = None, seconds: float = 60.0) -> Run:
        async def work() -> Run:
            clock, used = SystemClock(), chat or open_chat(self.judge.endpoint)
            until = clock.monotonic() + seconds
            try:
                return await run(self.store, self.judge, used, self.budget, clock=clock, seed=seed, until=until)
            finally:
                await used.close()

        return asyncio.run(work())

    def spent(self) -> tuple[int, int]:
        return StoreLedger(self.store).spent_since("one", LONG_AGO)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path) as server:
        yield server


@pytest.fixture
def planter(store: Store, queue: Valkey) -> Iterator[Callable[..., Planter]]:
    made: list[Planter] = []

    def make(server: JudgeServer | None = None, *, budget: Budget | None = None, **more: Any) -> Planter:
        url = server.openai_url if server else "http://127.0.0.1:9/v1"
        made.append(Planter(store, queue, endpoint(url, **more), budget or Budget()))
        return made[-1]

    yield make
    for one in made:
        one.budget.close()


def test_each_attack_is_planted_once_and_a_sound_judge_withstands(
    store: Store, planter: Callable[..., Planter]
) -> None:
    with JudgeServer(sound) as server:
        one = planter(server)
        made = one.plant()
    assert (made.calls, server.count, made.succeeded, made.stopped) == (len(ATTACKS), len(ATTACKS), (), "")
    found = attack_rates(store, since=LONG_AGO)
    assert {each.attack for each in found} == set(ATTACKS)
    assert {(each.planted, each.right) for each in found} == {(1, 1)}
    assert all(each.low == 0.0 < each.high < 1.0 for each in found)


def test_canaries_are_paid_and_kept_but_name_no_sample(store: Store, planter: Callable[..., Planter]) -> None:
    with JudgeServer(lambda request: Step(text=sound(request).text, usage=(1000, 100, 0))) as server:
        one = planter(server)
        made = one.plant()
    assert made.micro_usd == len(ATTACKS) * (1000 * 1 + 100 * 10)
    assert one.spent() == (len(ATTACKS), made.micro_usd)
    (past,) = store.query("judge_past_cost", endpoint="one")
    assert past["calls"] == 0, "what samples cost is not mixed with what canaries cost"
    fields = one.budget.look().fields
    assert not [name for name in fields if name.startswith("lease|")], fields


def test_an_attack_that_succeeds_is_told_from_one_that_does_not(store: Store, planter: Callable[..., Planter]) -> None:
    with JudgeServer(gullible) as server:
        one = planter(server)
        runs = [one.plant(seed) for seed in range(6)]
    fooled = {attack for made in runs for attack in made.succeeded}
    assert fooled
    assert fooled <= {"fake_verdict_first", "fake_verdict_last"}
    by_attack = {each.attack: each for each in attack_rates(store, since=LONG_AGO)}
    assert by_attack["control"].succeeded == 0
    assert all(by_attack[name].planted == 6 and 0.0 < by_attack[name].rate <= by_attack[name].high for name in fooled)


def wrong(request: Request) -> Step:
    """Answer the opposite of what is right."""
    right = sound(request).text
    return Step(text=right.replace('"full"', '"x"').replace('"none"', '"full"').replace('"x"', '"none"'))


def test_what_a_judge_gets_wrong_unasked_is_no_success_of_an_attack(planter: Callable[..., Planter]) -> None:
    with JudgeServer(wrong) as server:
        made = planter(server).plant()
    assert {row.attack: row.succeeded for row in made.rows}["control"] == 1
    assert set(made.succeeded) == set(ATTACKS) - {"control"}


def test_a_judge_that_obeys_what_it_reads_outside_the_fence_is_not_talked_into_anything(
    planter: Callable[..., Planter],
) -> None:
    judge = ObedientJudge()
    made = planter().plant(3, chat=judge)
    assert len(judge.asked) == len(ATTACKS)
    fence_attacks = {"end_tag", "known_code", "chat_tokens", "role_tags", "forged_turn", "homoglyphs", "zero_width"}
    assert not fence_attacks.intersection(made.succeeded)


def test_a_run_that_is_written_down_is_not_paid_again(planter: Callable[..., Planter]) -> None:
    with JudgeServer(sound) as server:
        one = planter(server)
        one.plant(7)
        assert one.plant(7) == Run()
        assert server.count == len(ATTACKS)
        assert one.plant(8).calls == len(ATTACKS)


def test_planting_stops_at_the_cap(store: Store, planter: Callable[..., Planter]) -> None:
    with JudgeServer(sound) as server:
        made = planter(server, budget=Budget(calls_day=5), concurrency=2).plant()
    assert (server.count, made.calls, len(made.rows)) == (5, 5, 5)
    assert "calls_day" in made.stopped
    assert sum(each.planted for each in attack_rates(store, since=LONG_AGO)) == 5


@pytest.mark.parametrize("step", [failing(503), failing(401), Step(fault="reset")], ids=["503", "401", "reset"])
def test_an_endpoint_that_cannot_be_asked_says_nothing_about_attacks(
    store: Store, planter: Callable[..., Planter], step: Step
) -> None:
    with JudgeServer([step]) as server:
        made = planter(server, concurrency=1).plant()
        assert server.count == 1, "after the first obstacle no further call is begun"
    assert made.stopped
    assert made.rows == ()
    assert attack_rates(store, since=LONG_AGO) == []


def test_no_call_begins_when_the_time_is_up(planter: Callable[..., Planter]) -> None:
    with JudgeServer(sound) as server:
        made = planter(server).plant(seconds=0.0)
        assert server.count == 0
    assert made.stopped == "no time was left"


class SoonTired(ObedientJudge):
    """Answers three times."""

    async def complete(self, prompt: Prompt) -> Reply:
        if len(self.asked) == 3:
            raise JudgeUnavailable("tired", may_cost=False)
        return await super().complete(prompt)


def test_over_time_each_attack_has_its_turn_though_a_run_is_cut_short(planter: Callable[..., Planter]) -> None:
    one = planter(concurrency=1)
    runs = [one.plant(seed, chat=SoonTired()) for seed in range(30)]
    assert {made.calls for made in runs} == {3}
    assert {row.attack for made in runs for row in made.rows} == set(ATTACKS)
    assert one.spent()[0] == 90


def in_environment(monkeypatch: pytest.MonkeyPatch, settings: ClickHouseSettings, **more: str) -> dict[str, str]:
    told = {
        "SAMPLING__KEY": KEY,
        "PRIVACY__PSEUDONYM_KEY": KEY,
        "CLICKHOUSE__HOST": settings.host,
        "CLICKHOUSE__PORT": str(settings.port),
        "CLICKHOUSE__DATABASE": settings.database,
        "CLICKHOUSE__USERNAME": settings.username,
        "CLICKHOUSE__PASSWORD": settings.password.get_secret_value(),
        **more,
    }
    for name, value in told.items():
        monkeypatch.setenv(PREFIX + name, value)
    return clean_environment(**told)


TASK = """
from prometheus_client import generate_latest
from workers.injection import attack
attack()
print(generate_latest().decode())
"""


def test_the_task_moves_the_metrics_and_tells_people(
    settings: ClickHouseSettings, store: Store, queue: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    with JudgeServer(gullible) as server:
        one = {"name": "one", "model": "m", "api_key": "k", "base_url": server.openai_url, "tries": 1}
        environment = in_environment(
            monkeypatch,
            settings,
            REDIS__URL=f"redis://127.0.0.1:{queue.port}/0",
            JUDGING__ENDPOINTS=json.dumps([{**one, "price": {"input": 1, "output": 1}}]),
            # A period of a second: each call of the task is a run of its own.
            JUDGING__ATTACK_EVERY_S="1",
        )
        printed = ""
        deadline = time.monotonic() + 240
        while "successes_total{" not in printed or not store.query("event_counts", since=0):
            assert time.monotonic() < deadline, printed
            done = subprocess.run(
                [sys.executable, "-c", TASK], capture_output=True, text=True, timeout=120, env=environment, check=False
            )
            assert done.returncode == 0, done.stderr
            printed = done.stdout
    assert 'alignment_monitor_injections_judged_total{attack="control",judge="one"} 1.0' in printed
    told = re.findall(r'injection_successes_total\{attack="(\w+)",judge="one"\} 1\.0', printed)
    assert told
    assert set(told) <= {"fake_verdict_first", "fake_verdict_last"}
    (event,) = store.query("event_counts", since=0)
    assert (event["kind"], event["severity"]) == ("injection", "critical")


def planted(store: Store, attack: str, *, succeeded: int, planted: int = 10) -> None:
    counts = {"succeeded": succeeded, "unsupported": 0, "right": planted - succeeded, "other": 0, "unscored": 0}
    at = milliseconds(datetime.now(UTC) - timedelta(hours=1))
    one = AttackRow(at=at, judge="judge-one", scorer_id="s", attack=attack, seed=1, planted=planted, **counts)
    store.insert("attack_results", to_columns([one]))


def test_the_command_shows_rates_and_ends_with_2_when_an_attack_succeeded(
    settings: ClickHouseSettings,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    in_environment(monkeypatch, settings)
    planted(store, "control", succeeded=2)
    planted(store, "end_tag", succeeded=0)
    cli_rescore.judges_attacks(as_json=True)
    rows = {row["attack"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["control"]["control"], "its errors are no attack's: exit code 0"
    assert (rows["end_tag"]["rate"], rows["end_tag"]["low"]) == (0.0, 0.0)
    assert rows["end_tag"]["high"] == pytest.approx(1 - 0.025**0.1), "Clopper and Pearson at 0 of 10"
    planted(store, "authority", succeeded=1)
    with pytest.raises(Found):
        cli_rescore.judges_attacks()
    assert "authority" in capsys.readouterr().out


def test_a_judge_without_a_rubric_of_refusal_is_left_alone(planter: Callable[..., Planter]) -> None:
    with JudgeServer(sound) as server:
        one = planter(server, dimensions=("flattery",))
        assert one.plant() == Run()
        assert server.count == 0


def test_rows_of_canaries_have_questions_of_their_own(
    settings: ClickHouseSettings, planter: Callable[..., Planter], server: Any
) -> None:
    with JudgeServer(sound) as scripted:
        planter(scripted).plant()
    with server.connect(database=settings.database) as client:
        rows = client.query("SELECT question, sample_id FROM judge_calls").result_rows
    assert {sample_id for _, sample_id in rows} == {UUID(int=0)}
    assert len({question for question, _ in rows}) == len(ATTACKS)
