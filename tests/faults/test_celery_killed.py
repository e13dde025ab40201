"""kill -9 of scoring at each point of a task: nothing is lost, nothing counts twice, and what kills is given up."""

import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
import redis

from monitor.store.client import Store
from tests.support.crashing_celery import DEADLY, passings
from tests.support.faults import FULL, SEEDS, environment
from tests.support.live import SAMPLE_ALL, settings_from, wait_for
from tests.support.oracle import Produced, check, check_scores, incarnation, predicted, settle, settle_rollup
from tests.support.scoring import QUICK, ask, celery, kill_group, record_traffic, varied
from workers.celery_app import CLASSIFY, ROLLUP
from workers.stack.supervisor import Stack

pytestmark = pytest.mark.integration
MOST_SEEDS = 5
"""Each takes 10 to 30 s."""
RECORDS = 120
CRASHING = "tests.support.crashing_celery"


def case(servers: Stack, folder: Path, name: str, redis_db: int, **more: str) -> dict[str, str]:
    """Give a database and a queue of its own to a case, and the folder where its fault leaves traces."""
    url = f"redis://127.0.0.1:{servers.ports.redis}/{redis_db}"
    with redis.Redis.from_url(url) as queue:
        queue.flushdb()
    variables = environment(servers, f"celery-{name}", **{**QUICK, "REDIS__URL": url, **more})
    return {**variables, "AM_TEST_FOLDER": str(folder)}


def check_all(variables: dict[str, str], produced: Sequence[Produced], given_up: Sequence[str] = ()) -> None:
    """Ask the whole oracle, once nothing is due any more."""
    settings = settings_from(variables)
    with Store.connect(settings.clickhouse) as store:
        settle(store, settings)
        check(store, settings, produced)
        check_scores(store, settings, produced, given_up=given_up)
        ask(settings, ROLLUP)
        settle_rollup(store, settings, produced, given_up=given_up)


@pytest.mark.parametrize("seed", range(min(SEEDS, MOST_SEEDS)))
def test_children_killed_before_and_after_their_insert_cost_no_verdict(
    servers: Stack, tmp_path: Path, seed: int
) -> None:
    before, after = seed % 3 + 1, seed % 2 + 2
    variables = case(servers, tmp_path, f"child-{seed}", 1)
    variables |= {"AM_TEST_POINTS": f"before_scores:{before},after_scores:{after}"}
    produced = record_traffic(settings_from(variables), varied(seed, RECORDS))
    with celery(tmp_path, variables, app=CRASHING) as worker:
        check_all(variables, produced)
        assert passings(tmp_path, "before_scores") >= before, "nobody was killed"
        assert passings(tmp_path, "after_scores") >= after, "nobody was killed"
        assert worker.process.poll() is None, "the worker outlives its children"


@pytest.mark.parametrize("seed", range(min(SEEDS, MOST_SEEDS)))
def test_a_whole_worker_killed_in_mid_task_is_followed_by_another(servers: Stack, tmp_path: Path, seed: int) -> None:
    variables = case(servers, tmp_path, f"group-{seed}", 2)
    variables |= {"AM_TEST_POINTS": f"hold_scores:{seed % 3 + 1}"}
    produced = record_traffic(settings_from(variables), varied(seed, RECORDS))
    with celery(tmp_path, variables, app=CRASHING) as worker:
        wait_for(lambda: passings(tmp_path, "hold_scores") > seed % 3, "a task to be in its middle")
        kill_group(worker.process)
    with celery(tmp_path, variables, name="successor"):
        check_all(variables, produced)


@pytest.mark.parametrize("seed", range(min(SEEDS, MOST_SEEDS)))
def test_a_hint_lost_between_redis_and_the_worker_is_no_lost_work(servers: Stack, tmp_path: Path, seed: int) -> None:
    variables = case(servers, tmp_path, f"popped-{seed}", 3)
    variables |= {"AM_TEST_POINTS": "popped:1"}
    settings = settings_from(variables)
    produced = record_traffic(settings, varied(seed, RECORDS))
    with redis.Redis.from_url(settings.redis.url.get_secret_value()) as queue:
        sent = queue.llen(CLASSIFY)
        with celery(tmp_path, variables, app=CRASHING, queues=CLASSIFY, beat=False) as worker:
            assert worker.process.wait(60) == -signal.SIGKILL, worker.said()
        assert (queue.llen(CLASSIFY), queue.hlen("unacked")) == (sent - 1, 0), "the hint is nowhere any more"
    with celery(tmp_path, variables, name="successor"):
        check_all(variables, produced)


@pytest.mark.parametrize("seed", range(min(SEEDS, MOST_SEEDS)))
@pytest.mark.parametrize(("point", "redis_db"), [("deadly", 4), *([("hang", 5), ("stuck", 6)] if FULL else [])])
def test_a_sample_that_always_kills_its_scorer_is_given_up_and_all_others_are_scored(
    servers: Stack, tmp_path: Path, point: str, redis_db: int, seed: int
) -> None:
    """Killed outright, it comes back by Celery alone; after a time limit, which ends the task, by reconcile."""
    changed = {"SAMPLING__STRATA": SAMPLE_ALL, "SCORING__RECONCILE_AFTER_S": "3600" if point == "deadly" else "1"}
    variables = case(servers, tmp_path, f"{point}-{seed}", redis_db, **changed)
    variables |= {"AM_TEST_POINTS": f"{point}:1"}
    settings = settings_from(variables)
    others = varied(seed, RECORDS)
    produced = record_traffic(settings, [*others[:50], *varied(seed + 1000, 1, answers=(DEADLY,)), *others[50:]])
    with Store.connect(settings.clickhouse) as store:
        sampled = predicted(settings, produced, incarnation(store, settings)).sampled
        given_up = [one.interaction.interaction_id for one in sampled if one.interaction.answer == DEADLY]
        assert given_up, "this seed samples nothing that is deadly"
        with celery(tmp_path, variables, app=CRASHING):
            check_all(variables, produced, given_up)
        events = store.query("events", since=0, kind="scoring_death", limit=100)
        # Two children may give it up at the same moment; then each says so.
        assert len({event["detail"] for event in events}) == len(given_up)
    # Once unforeseen, once together with its neighbours, twice alone; another child may be at it at the same time.
    assert passings(tmp_path, point) <= (4 if point == "deadly" else 8) * len(given_up)
