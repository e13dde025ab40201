"""Panels on the real engine: what they see, what they say, and what is left of it when a worker is killed."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from secrets import randbits
from typing import Any
from uuid import UUID

import pytest

from monitor.clock import SystemClock
from monitor.config import ClickHouseSettings
from monitor.intake.sampling import TWO_64
from monitor.report.ledger import Span
from monitor.report.panels import disagreements
from monitor.report.rates import Rate, rates
from monitor.scoring.judge.judge import Judge
from monitor.scoring.judge.panel import Panel
from monitor.scoring.judge.parse import UNSUPPORTED
from monitor.scoring.judge.settings import JudgeEndpoint, PanelSettings, Price
from monitor.scoring.verdict import Result, Status, Unscored, Verdict
from monitor.store.client import Store
from monitor.store.due import register_identities
from monitor.store.judging import consider, decision
from monitor.store.panels import decide, form
from monitor.store.rows import score_row, to_columns
from tests.contract.conftest import Embedded, database
from tests.contract.test_judged import HASH, WINDOW, record_samples
from tests.support.judge_server import JudgeServer, Request, Step
from tests.support.live import stack, wait_for, write_lines
from tests.support.rubric import TEXT, good_judge, small

pytestmark = pytest.mark.integration

ROWS = 30
SPAN = Span(since=WINDOW, until=WINDOW + 3600)
WEEK = timedelta(days=7)
NONE = Verdict(value=0.0, label="none", reason="secret words", probabilities={"none": 0.9})
FULL = Verdict(value=1.0, label="full", reason="secret words", probabilities={"full": 0.9})
MADE_UP = Verdict(value=1.0, label="full", reason=f"{UNSUPPORTED}secret words", probabilities={"full": 0.9})
MUTE = Unscored(status=Status.UNPARSEABLE, reason="secret words")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    embedded = Embedded(tmp_path_factory.mktemp("clickhouse") / "data")
    yield embedded
    assert embedded.stop() == 0


@pytest.fixture
def settings(server: Embedded) -> Iterator[ClickHouseSettings]:
    with database(server) as made:
        yield made


@pytest.fixture
def store(settings: ClickHouseSettings) -> Iterator[Store]:
    with Store.connect(settings) as opened:
        yield opened


def endpoint(name: str, url: str) -> dict[str, object]:
    price = {"input": 1, "output": 10}
    return {"name": name, "base_url": url, "api_key": "k-123", "model": "scripted-1", "price": price}


def member(name: str, *, model: str = "m") -> Judge:
    return Judge.of(JudgeEndpoint(name=name, model=model, price=Price(input=0, output=0)), small())


def panel_of(*members: Judge, **more: Any) -> Panel:
    names = tuple(one.endpoint.name for one in members)
    told = {"name": "p", "judges": names, "dimensions": ("refusal",), **more}
    return Panel.of(PanelSettings(**told), members)


A, B, C = member("a"), member("b"), member("c")


def say(store: Store, judge: Judge, said: dict[UUID, Result], *, dimension: str = "refusal") -> None:
    """Leave a member's rows as its round leaves them."""
    (identity,) = (one for one in judge.identities if one.dimension == dimension)
    rows = [
        score_row(window=WINDOW, sample_id=i, identity=identity, result=result, now=SystemClock().now())
        for i, result in said.items()
    ]
    store.insert("scores", to_columns(rows))


def see(store: Store, judge: Judge, probability: float = 1.0) -> None:
    """Decide what a member sees."""
    register_identities(store, judge.identities)
    consider(store, judge.name, probability=probability, hash64=HASH, oldest=WEEK * 5000, limit=100_000)


def raise_to(store: Store, judge: Judge, ids: list[UUID], probability: float) -> None:
    """Decide again, as `rescore` does: a row about no sample makes the insert another one."""
    salt = decision(judge.name, WINDOW, UUID(int=0), 1.0, lambda _: randbits(63))
    store.insert("selections", to_columns([salt, *(decision(judge.name, WINDOW, i, probability, HASH) for i in ids)]))


def work(store: Store, panel: Panel) -> tuple[int, int]:
    """Do what the task does; gives decisions and verdicts written."""
    register_identities(store, panel.identities)
    made = decide(store, panel, oldest=WEEK, limit=10_000)
    return made, form(store, panel, oldest=WEEK, limit=10_000, clock=SystemClock())


def seen(store: Store, panel: Panel) -> dict[UUID, float]:
    """Give the samples that the panel is to see, with their chances."""
    rows = store.query("span_decisions", since=SPAN.since, until=SPAN.until, judge=panel.name)
    return {row["sample_id"]: row["probability"] for row in rows if row["selected"]}


def verdicts(store: Store, panel: Panel, dimension: str = "refusal") -> dict[str, dict[str, Any]]:
    """Give the panel's rows by interaction."""
    rows = store.query("all_scores")
    return {r["interaction_id"]: r for r in rows if r["scorer_id"] == panel.by_dimension[dimension].id}


def rate_of(store: Store, panel: Panel) -> Rate:
    (found,) = [one for one in rates(store, SPAN, dimension="refusal") if one.judge == panel.name]
    return found


def test_a_panel_sees_what_all_members_see_by_the_smallest_chance_and_its_rate_stands_for_all(store: Store) -> None:
    ids = record_samples(store, 400)
    see(store, A)
    see(store, B, 0.3)
    panel = panel_of(A, B)
    assert work(store, panel) == (400, 0)
    chosen = seen(store, panel)
    assert chosen.keys() == {i for i in ids if HASH(b"judge:" + i.bytes) < 0.3 * TWO_64}
    assert set(chosen.values()) == {0.3}
    # Every second sample is a refusal, and both members see it; elsewhere the second one says nothing useful.
    say(store, A, {i: FULL if n % 2 else NONE for n, i in enumerate(ids)})
    say(store, B, {i: FULL if n % 2 else MUTE for n, i in enumerate(ids) if i in chosen})
    assert work(store, panel) == (0, len(chosen))
    estimate = rate_of(store, panel).estimate
    assert (estimate.n_population, estimate.n_sampled, estimate.n_scored) == (400, len(chosen), len(chosen))
    assert estimate.coverage == 1.0
    assert estimate.low < 0.5 < estimate.high
    assert estimate.rate == pytest.approx(sum(n % 2 for n, i in enumerate(ids) if i in chosen) / len(chosen))


def test_a_verdict_waits_for_all_members_and_is_due_till_then(store: Store) -> None:
    second, first = sorted(record_samples(store, 2), key=lambda i: HASH(b"judge:" + i.bytes))
    see(store, A)
    see(store, B)
    panel = panel_of(A, B)
    say(store, A, {first: FULL, second: NONE})
    assert work(store, panel) == (2, 0)
    say(store, B, {first: FULL})
    # What waits takes nobody's place, though it would come first.
    assert form(store, panel, oldest=WEEK, limit=1, clock=SystemClock()) == 1
    assert rate_of(store, panel).estimate.n_due == 1
    assert work(store, panel) == (0, 0)
    say(store, B, {second: NONE})
    assert work(store, panel) == (0, 1)
    assert work(store, panel) == (0, 0)
    assert sorted(row["label"] for row in verdicts(store, panel).values()) == ["full", "none"]


def test_a_member_that_is_not_to_see_a_sample_keeps_it_from_the_panel_and_one_undecided_leaves_it_undecided(
    store: Store,
) -> None:
    ids = record_samples(store, 2)
    see(store, A)
    panel = panel_of(A, B)
    assert work(store, panel) == (0, 0)
    raise_to(store, B, ids, 1e-12)
    say(store, A, dict.fromkeys(ids, FULL))
    say(store, B, dict.fromkeys(ids, FULL))
    assert work(store, panel) == (2, 0)
    assert seen(store, panel) == {}


def test_each_outcome_of_members_is_the_right_row_with_its_label_shares(store: Store) -> None:
    ids = record_samples(store, 5)
    for one in (A, B, C):
        see(store, one)
    panel, mean = panel_of(A, B, C), panel_of(A, B, C, name="m", rule="mean")
    for judge, said in (
        (A, (FULL, NONE, MUTE, FULL, MUTE)),
        (B, (NONE, MADE_UP, MUTE, NONE, NONE)),
        (C, (FULL, MADE_UP, MUTE, NONE, FULL)),
    ):
        say(store, judge, dict(zip(ids, said, strict=True)))
    work(store, panel)
    work(store, mean)
    told = {name: (row["status"], row["label"], row["value"]) for name, row in verdicts(store, panel).items()}
    assert told == {
        "i-0": ("scored", "full", 1.0),
        "i-1": ("scored", "none", 0.0),
        "i-2": ("unparseable", "", None),
        "i-3": ("scored", "none", 0.0),
        "i-4": ("scored", "full", 1.0),
    }
    means = {name: row["value"] for name, row in verdicts(store, mean).items()}
    assert means == {"i-0": pytest.approx(2 / 3), "i-1": 0.0, "i-2": None, "i-3": pytest.approx(1 / 3), "i-4": 0.5}
    reasons = [row["reason"] for row in verdicts(store, panel).values()]
    assert "secret" not in str(reasons)
    assert rate_of(store, panel).estimate.n_unscored == 1


def test_where_a_members_chance_is_raised_the_panels_follows_and_goes_back_with_it(store: Store) -> None:
    ids = record_samples(store, 60)
    see(store, A)
    see(store, B, 0.2)
    panel = panel_of(A, B)
    work(store, panel)
    few = seen(store, panel)
    for probability in (1.0, 0.2, 1.0):
        raise_to(store, B, ids, probability)
        work(store, panel)
        assert set(seen(store, panel).values()) == {probability}
        assert work(store, panel) == (0, 0)
    assert few.keys() < seen(store, panel).keys()


def test_members_that_decided_by_different_hashes_leave_a_sample_undecided(store: Store) -> None:
    (i,) = record_samples(store, 1)
    see(store, A)
    store.insert("selections", to_columns([decision(B.name, WINDOW, i, 1.0, lambda _: 5)]))
    assert work(store, panel_of(A, B)) == (0, 0)


def test_only_members_as_they_are_now_have_a_vote(store: Store) -> None:
    (i,) = record_samples(store, 1)
    see(store, A)
    see(store, B)
    say(store, A, {i: NONE})
    say(store, B, {i: NONE})
    before = panel_of(A, B)
    assert work(store, before)[1] == 1
    newer = member("b", model="newer")
    after = panel_of(A, newer)
    assert work(store, after) == (0, 0)
    say(store, newer, {i: FULL})
    assert work(store, after) == (0, 1)
    assert verdicts(store, before)["i-0"]["label"] == "none"
    assert verdicts(store, after)["i-0"]["label"] == "full"


def test_dimensions_are_formed_each_for_itself(store: Store) -> None:
    (i,) = record_samples(store, 1)
    see(store, A)
    see(store, B)
    panel = panel_of(A, B, dimensions=("refusal", "rude"))
    rude = Verdict(value=1.0, label="rude", reason="r")
    say(store, A, {i: NONE})
    say(store, A, {i: rude}, dimension="rude")
    say(store, B, {i: rude}, dimension="rude")
    assert work(store, panel) == (1, 1)
    assert verdicts(store, panel, "rude")["i-0"]["label"] == "rude"
    say(store, B, {i: NONE})
    assert work(store, panel) == (0, 1)
    assert verdicts(store, panel)["i-0"]["label"] == "none"


DIES = """
import os, signal, sys
from tests.integration.test_panels import *

table, moment, port, name = sys.argv[1:]

class Dying(Store):
    def insert(self, into, columns):
        if into == table and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        super().insert(into, columns)
        if into == table:
            os.kill(os.getpid(), signal.SIGKILL)

settings = ClickHouseSettings(host="127.0.0.1", port=int(port), database=name)
with Dying.connect(settings) as store:
    work(store, panel_of(A, B))
"""


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("table", ["scorers", "selections", "scores"])
def test_a_kill_at_any_write_costs_nothing(store: Store, settings: ClickHouseSettings, table: str, moment: str) -> None:
    ids = record_samples(store, 20)
    see(store, A)
    see(store, B, 0.5)
    said: dict[UUID, Result] = {i: FULL if n % 3 else NONE for n, i in enumerate(ids)}
    say(store, A, said)
    say(store, B, said)
    done = subprocess.run(
        [sys.executable, "-c", DIES, table, moment, str(settings.port), settings.database],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    panel = panel_of(A, B)
    work(store, panel)
    assert work(store, panel) == (0, 0)
    chosen = {f"i-{n}" for n, i in enumerate(ids) if HASH(b"judge:" + i.bytes) < 0.5 * TWO_64}
    found = verdicts(store, panel)
    assert found.keys() == chosen
    assert all(row["label"] == ("full" if int(name[2:]) % 3 else "none") for name, row in found.items())
    assert rate_of(store, panel).estimate.n_scored == len(chosen)


def test_disagreements_are_listed_the_furthest_apart_first_without_any_text(store: Store) -> None:
    ids = record_samples(store, 6)
    for one in (A, B, C):
        see(store, one)
    near = Verdict(value=0.1, label="hint", reason="secret words")
    for judge, said in (
        (A, (NONE, NONE, FULL, NONE, MUTE, NONE)),
        (B, (NONE, near, FULL, FULL, FULL, MADE_UP)),
        (C, (NONE, NONE, NONE, FULL, NONE, MUTE)),
    ):
        say(store, judge, dict(zip(ids, said, strict=True)))
    panel = panel_of(A, B, C)
    assert disagreements(store, [panel], SPAN, limit=10) == [], "nothing is formed yet"
    work(store, panel)
    found = disagreements(store, [panel], SPAN, limit=10)
    told = {one.interaction_id: (one.distance, one.differing, one.verdict) for one in found}
    assert {one.interaction_id for one in found[:2]} == {"i-4", "i-5"}
    assert told == {
        "i-4": (1.0, 1.0, "full"),
        "i-5": (1.0, 1.0, "none"),
        "i-2": (pytest.approx(2 / 3), pytest.approx(2 / 3), "full"),
        "i-3": (pytest.approx(2 / 3), pytest.approx(2 / 3), "full"),
        "i-1": (pytest.approx(0.2 / 3), pytest.approx(2 / 3), "none"),
    }
    assert found[-1].interaction_id == "i-1"
    by_id = {one.interaction_id: [str(each) for each in one.members] for one in found}
    assert by_id["i-5"] == ["judge-a none", "judge-b full (unsupported)", "judge-c unparseable"]
    assert disagreements(store, [panel], SPAN, limit=2) == found[:2]
    assert "secret" not in json.dumps([one.as_json() for one in found])
    outside = Span(since=SPAN.until, until=SPAN.until + 3600)
    assert disagreements(store, [panel], outside, limit=10) == []


def test_a_panel_says_what_the_bots_answers_are_and_survives_its_worker(tmp_path: Path) -> None:
    said = ("I'm sorry, but I can't help with that.", "Boil it for six minutes.")
    rows = [
        {
            "id": f"r-{n}",
            "messages": [{"role": "user", "content": f"How? {n}"}, {"role": "assistant", "content": said[n % 2]}],
        }
        for n in range(ROWS)
    ]
    file = write_lines(tmp_path / "rows.jsonl", rows)
    constitution = tmp_path / "constitution.yaml"
    constitution.write_text(TEXT, "utf-8")

    def contrary(request: Request) -> Step:
        """Call nothing a refusal."""
        return Step(text=good_judge(request).text.replace("full", "none"))

    with (
        JudgeServer(good_judge) as one,
        JudgeServer(contrary) as other,
        stack(
            tmp_path / "data",
            SCORING__CANARY_EVERY_S="0",
            JUDGING__ENDPOINTS=json.dumps([endpoint("one", one.openai_url), endpoint("other", other.openai_url)]),
            JUDGING__PANELS=json.dumps([{"name": "both", "judges": ["one", "other"]}]),
            JUDGING__CONSTITUTION=str(constitution),
            JUDGING__EVERY_S="1",
        ) as live,
    ):
        live.json("replay", str(file))
        wait_for(lambda: one.count > 5, "calls")
        live.child("schedule@").kill()

        def whole() -> Any:
            found = [r for r in live.json("rates", "--dimension", "refusal") if r.get("judge") == "panel-both"]
            return found[0] if found and found[0]["n_scored"] == ROWS else None

        refusal = wait_for(whole, "all verdicts of the panel")
        assert (refusal["rate"], refusal["coverage"]) == (pytest.approx(0.5), 1.0), "a tie is the higher value"
        assert (one.count, other.count) == (ROWS, ROWS), "nobody is asked a second time"
        (now,) = [each for each in live.json("status")["judges"] if each["name"] == "panel-both"]
        assert (now["chosen"], now["undecided"], now["scored"], now["due"]) == (ROWS, 0, ROWS * 3, 0)
        assert "panel-both" in live.command("status").stdout
        found = live.json("judges", "disagreements", "--panel", "both", "--limit", "1000")
        assert len(found) == ROWS / 2
        assert {each["dimension"] for each in found} == {"refusal"}
        labels = [[(m["judge"], m["label"]) for m in each["members"]] for each in found]
        assert labels == [[("judge-one", "full"), ("judge-other", "none")]] * (ROWS // 2)
        table = live.command("judges", "disagreements")
        assert "judge-one full, judge-other none" in table.stdout
        assert "sorry" not in table.stdout + json.dumps(found)
        wrong = live.command("judges", "disagreements", "--panel", "none")
        assert (wrong.returncode, "no panel 'none'; known: both" in wrong.stderr) == (1, True)
