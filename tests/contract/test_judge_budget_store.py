"""What ClickHouse knows of the judges' budget, on the engine and on the fake; and the commands that people use."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.config import ClickHouseSettings
from monitor.scoring.judge.budget.budget import SharedBudget, root_of
from monitor.scoring.judge.budget.model import ALL, Lost, Override, Reservation
from monitor.scoring.judge.budget.scripts import Scripts
from monitor.scoring.judge.settings import Budget
from monitor.store.budgets import StoreLedger
from monitor.store.client import Store
from monitor.store.fake import FakeStore
from monitor.store.rows import JudgeCallRow, milliseconds, to_columns
from tests.contract.conftest import Server, database
from tests.support.live import KEY, run
from tests.support.valkey import Valkey, valkey
from workers.stack.layout import HOST

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
ENDPOINTS = json.dumps([{"name": n, "model": "m", "price": {"input": 1, "output": 1}} for n in ("one", "two")])


@pytest.fixture(scope="module")
def made(server: Server) -> Iterator[ClickHouseSettings]:
    with database(server) as settings:
        yield settings


@pytest.fixture(params=["fake", "engine"])
def ledger(request: pytest.FixtureRequest, server: Server) -> Iterator[StoreLedger]:
    if request.param == "fake":
        yield StoreLedger(FakeStore())
        return
    with database(server) as settings, Store.connect(settings) as store:
        yield StoreLedger(store)


def call(ledger: StoreLedger, endpoint: str, at: datetime, cost: int, call_id: uuid.UUID | None = None) -> None:
    row = JudgeCallRow(
        call_id=call_id or uuid.uuid4(),
        called_at=milliseconds(at),
        endpoint=endpoint,
        question="q" * 64,
        window=milliseconds(at) // 3_600_000 * 3600,
        sample_id=uuid.UUID(int=1),
        model="m",
        stop="end",
        reply="{}",
        logprobs=[],
        input_tokens=1,
        output_tokens=1,
        cached_tokens=0,
        cost_micro_usd=cost,
    )
    ledger._store.insert("judge_calls", to_columns([row]))


def test_what_was_spent_is_counted_from_the_moment_on_by_endpoint_and_in_all(ledger: StoreLedger) -> None:
    assert ledger.spent_since(None, NOW) == (0, 0)
    call(ledger, "one", NOW, 10)
    call(ledger, "one", NOW - timedelta(milliseconds=1), 100)
    call(ledger, "two", NOW + HOUR, 1_000)
    assert ledger.spent_since("one", NOW) == (1, 10)
    assert ledger.spent_since(None, NOW) == (2, 1_010)
    assert ledger.spent_since(None, NOW - HOUR) == (3, 1_110)
    assert ledger.spent_since("no-such", NOW - HOUR) == (0, 0)


def test_a_lost_call_counts_once_however_often_it_is_told_and_not_beside_its_own_row(ledger: StoreLedger) -> None:
    lost = [Lost(id=str(uuid.UUID(int=n)), endpoint="one", micro_usd=50, at=NOW) for n in (1, 2)]
    ledger.note_lost(lost)
    ledger.note_lost(lost[:1])
    assert ledger.spent_since("one", NOW) == (2, 100)
    call(ledger, "one", NOW - HOUR, 7, uuid.UUID(int=2))
    assert ledger.spent_since("one", NOW - 2 * HOUR) == (2, 57)
    assert ledger.spent_since("two", NOW - HOUR) == (0, 0)


def test_an_opening_is_remembered(ledger: StoreLedger) -> None:
    assert not ledger.opened_before()
    ledger.note_opening(str(uuid.uuid4()), NOW)
    assert ledger.opened_before()


def test_a_call_that_was_paid_says_too_that_there_was_a_budget(ledger: StoreLedger) -> None:
    call(ledger, "one", NOW, 1)
    assert ledger.opened_before()


def test_the_last_change_of_each_cap_counts_and_the_same_one_can_be_made_again(ledger: StoreLedger) -> None:
    assert ledger.overrides().caps == ()
    for value in (20, 30, 20):
        before = ledger.overrides().version
        ledger.set_caps(ALL, {"usd_day": value, "calls_hour": None})
        assert ledger.overrides().version > before
        assert Override(scope=ALL, cap="usd_day", value=value) in ledger.overrides().caps
    ledger.set_caps("one", {"usd_day": 0})
    ledger.set_caps(ALL, {"usd_day": "settings"})
    assert set(ledger.overrides().caps) == {
        Override(scope=ALL, cap="calls_hour", value=None),
        Override(scope="one", cap="usd_day", value=0),
    }


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(Path(tmp_path_factory.mktemp("valkey"))) as running:
        yield running


@pytest.fixture
def variables(made: ClickHouseSettings, redis: Valkey) -> dict[str, str]:
    redis.ask("FLUSHALL")
    return {
        "SAMPLING__KEY": KEY,
        "PRIVACY__PSEUDONYM_KEY": KEY,
        "REDIS__URL": f"redis://{HOST}:{redis.port}/0",
        "CLICKHOUSE__HOST": made.host,
        "CLICKHOUSE__PORT": str(made.port),
        "CLICKHOUSE__USERNAME": made.username,
        "CLICKHOUSE__PASSWORD": made.password.get_secret_value(),
        "CLICKHOUSE__DATABASE": made.database,
        "JUDGING__ENDPOINTS": ENDPOINTS,
        "JUDGING__BUDGET": '{"usd_day": 10}',
    }


def command(variables: dict[str, str], *arguments: str, code: int = 0) -> Any:
    done = run("budget", *arguments, "--json", timeout=120, **variables)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if code != 1 else done.stderr


def day(shown: Any) -> Any:
    return next(one for one in shown["caps"] if one["endpoint"] is None and one["cap"] == "usd_day")


def test_a_cap_that_is_set_holds_for_a_worker_that_runs_and_shows_beside_what_settings_say(
    variables: dict[str, str], made: ClickHouseSettings, redis: Valkey
) -> None:
    with Store.connect(made) as store:
        worker = SharedBudget(
            Scripts(f"redis://{HOST}:{redis.port}/0", root_of(made.database)),
            StoreLedger(store),
            budget=Budget(usd_day=10),
            budgets={"one": Budget(), "two": Budget()},
            lease_s=0.001,
        )
        first = worker.reserve("one", 250_000)
        assert isinstance(first, Reservation)
        command(variables, "set", "--usd-day", "0.5")
        shown = command(variables, "show")
        assert shown["open"]
        assert (day(shown)["limit"], day(shown)["settings"], day(shown)["spent_out"]) == (0.5, 10.0, False)
        assert not isinstance(worker.reserve("one", 500_001), Reservation)
        assert day(command(variables, "show", code=2))["spent_out"]
        command(variables, "set", "--usd-day", "settings")
        assert isinstance(worker.reserve("one", 500_001), Reservation)
        assert day(command(variables, "show"))["limit"] == 10.0
        worker.close()


def test_people_are_told_in_dollars_what_is_left(variables: dict[str, str]) -> None:
    done = run("budget", "show", timeout=120, **variables)
    assert done.returncode == 0, done.stderr
    assert "10.00" in done.stdout
    assert "Redis holds no counts" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say which cap"),
        (("--usd-day", "-5"), "write US dollars"),
        (("--usd-day", "nan"), "write US dollars"),
        (("--usd-day", "1e3"), "write US dollars"),
        (("--usd-day", "\u0663"), "write US dollars"),
        (("--usd-day", "0.0000001"), "at most six decimals"),
        (("--calls-day", "1.5"), "a whole number of calls"),
        (("--calls-day", "5", "--endpoint", "tree"), "known: one, two"),
    ],
)
def test_what_cannot_be_a_cap_is_refused_in_words(
    variables: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    assert said in command(variables, "set", *arguments, code=1)


def test_without_judges_there_is_nothing_to_show(variables: dict[str, str]) -> None:
    assert "JUDGING__ENDPOINTS" in command({**variables, "JUDGING__ENDPOINTS": "[]"}, "show", code=1)


def test_a_cap_set_while_redis_is_away_is_stored(variables: dict[str, str]) -> None:
    away = {**variables, "REDIS__URL": "redis://127.0.0.1:1/0"}
    assert command(away, "set", "--calls-hour", "77", "--endpoint", "two")["in_force"] is False
    shown = command(variables, "show")
    assert [one["limit"] for one in shown["caps"] if (one["endpoint"], one["cap"]) == ("two", "calls_hour")] == [77]
    assert "Redis does not answer" in command(away, "show", code=1)
