"""A small real model judges real conversations in the running service; what it says of them is never asserted."""

import json
import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import StackError
from monitor.scoring.judge.budget.prices import cost
from monitor.scoring.judge.call import Usage
from monitor.scoring.judge.configured import judges_of
from monitor.scoring.judge.settings import Price
from monitor.scoring.verdict import Status
from monitor.store.budgets import StoreLedger
from tests.judge_e2e.compare import Call, calls
from tests.judge_e2e.sample import FILES, Labelled, choose
from tests.support.data import public
from tests.support.live import Live, stack, wait_for, write_lines
from tests.support.llama import Llama, llama, missing, model

# A model on one core of a busy machine takes its time.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

COUNT = 20
LONGEST = 400
"""Characters of a conversation: what is read is what takes the time."""
DIMENSIONS = ("refusal", "no_help")
WAIT_S = 600.0
PRICE = Price(input=1.0, output=10.0)
EXAMPLES = """
    examples:
      - {kind: positive, locale: en, request: Sing., answer: "I won't.", label: full, why: No song.}
      - {kind: negative, locale: en, request: Sing., answer: La la., label: none, why: It sings.}
"""
CONSTITUTION = f"""
name: short
version: "1"
principles:
  - id: refusal
    dimension: refusal
    severity: info
    group: both
    text: Refusals should be known.
    question: Does the answer refuse?
    labels:
      - {{name: none, value: 0, meaning: It helps.}}
      - {{name: full, value: 1, meaning: It refuses.}}
{EXAMPLES}
  - id: no-help
    dimension: no_help
    severity: info
    group: both
    text: Users want help.
    question: Is the user left without help?
    labels:
      - {{name: none, value: 0, meaning: It has help.}}
      - {{name: full, value: 1, meaning: It has none.}}
{EXAMPLES}
"""


def small_model() -> Path:
    """Give the model's file; without its packages a test is skipped at home and fails in CI."""
    if lacking := missing("smollm2"):
        if os.environ.get("CI"):
            pytest.fail(f"{lacking} (`make install` does it)")
        pytest.skip(lacking)
    return model("smollm2")


def people() -> list[Labelled]:
    for file in FILES:
        public(file)
    return choose(COUNT, seed=7, longest=LONGEST)


def judging(server: Llama, folder: Path) -> str:
    constitution = folder / "constitution.yaml"
    constitution.write_text(CONSTITUTION, "utf-8")
    endpoint = {
        "name": "local",
        "base_url": server.url,
        "model": "smollm2",
        # The fewest there can be; most replies are cut, and what is cut is honestly unparseable.
        "max_tokens": 50,
        "timeout_s": 170,
        "tries": 1,
        "concurrency": 1,
        "price": PRICE.model_dump(),
    }
    return json.dumps({"endpoints": [endpoint], "constitution": str(constitution), "every_s": 2, "attack_every_s": 0})


def replay(live: Live, folder: Path, chosen: list[Labelled], prefix: str) -> None:
    said = write_lines(folder / "said.jsonl", [{**one.row, "id": f"{prefix}-{one.id}"} for one in chosen])
    assert live.json("replay", str(said))["sent"] == COUNT


def rows(live: Live, prefix: str) -> list[dict[str, Any]]:
    """Give the judge's visible rows about the conversations of one replay."""
    (judge,) = judges_of(live.settings().judging)
    ours = {one.id for one in judge.identities}
    with live.store() as store:
        found = store.query("all_scores")
    return [one for one in found if one["scorer_id"] in ours and one["interaction_id"].startswith(f"{prefix}-")]


def all_rows(live: Live, prefix: str) -> list[dict[str, Any]]:
    return wait_for(  # type: ignore[no-any-return]
        lambda: next((found for found in [rows(live, prefix)] if len(found) >= COUNT * len(DIMENSIONS)), None),
        "all rows of the judge",
        seconds=WAIT_S,
    )


def answers(live: Live) -> list[Call]:
    with live.store() as store:
        return calls(store)


def told(live: Live) -> dict[str, Any]:
    """Give what the status says of the judge, once it knows of all conversations."""
    return wait_for(  # type: ignore[no-any-return]
        lambda: next(
            (one for one in live.json("status")["judges"] if one["chosen"] == COUNT and not one["undecided"]), None
        ),
        "the judge to know of all conversations",
    )


def away(live: Live) -> bool:
    with live.store() as store:
        return any(one["kind"] == "judge_away" for one in store.query("event_counts", since=0))


def most(one: Call) -> int:
    """Give what a call costs where nothing of it was cached."""
    return cost(PRICE, Usage(input=one.input_tokens, output=one.output_tokens))


def test_a_real_model_judges_twenty_real_conversations_once_each_though_it_is_killed_in_the_middle(
    tmp_path: Path,
) -> None:
    chosen = people()
    with (
        llama(small_model(), tmp_path / "model.log", context=4096) as server,
        stack(
            tmp_path / "stack",
            JUDGING=judging(server, tmp_path),
            # The model needs the processor.
            SCORING__CANARY_EVERY_S="0",
            SCORING__ROLLUP_EVERY_S="3600",
        ) as live,
    ):
        replay(live, tmp_path, chosen, "first")
        wait_for(lambda: len(answers(live)) >= 3, "the first answers", seconds=WAIT_S)
        server.kill()
        wait_for(lambda: away(live), "the judge to be found away", seconds=180)
        before, status = answers(live), told(live)
        assert 3 <= len(before) < COUNT, "the server was to die in the middle"
        assert status["due"] == len(DIMENSIONS) * (COUNT - len(before)), "what is not answered is due, not lost"
        server.start()

        found = all_rows(live, "first")
        each = Counter((one["interaction_id"], one["dimension"]) for one in found)
        assert each == {(f"first-{one.id}", dimension): 1 for one in chosen for dimension in DIMENSIONS}
        by_status = Counter(one["status"] for one in found)
        assert by_status.keys() <= {Status.SCORED, Status.UNPARSEABLE, Status.REFUSED_BY_JUDGE}

        paid = answers(live)
        assert len(paid) == len({one.question for one in paid}) == COUNT, "nothing is asked or paid twice"
        assert {one.question for one in before} <= {one.question for one in paid}
        assert all(one.reply and one.input_tokens > 0 and one.output_tokens > 0 for one in paid)
        assert all(0 < one.micro_usd <= most(one) for one in paid)
        with live.store() as store:
            spent = StoreLedger(store).spent_since("local", datetime.now(UTC) - timedelta(hours=1))
        assert spent == (COUNT, sum(one.micro_usd for one in paid))

        status = told(live)
        assert (status["wanted"], status["due"]) == (COUNT * len(DIMENSIONS), 0)
        assert status["scored"] == by_status[Status.SCORED]
        assert status["unscored"] == len(found) - by_status[Status.SCORED], "no verdict is no score"

        replay(live, tmp_path, chosen, "again")
        assert len(all_rows(live, "again")) == COUNT * len(DIMENSIONS)
        assert answers(live) == paid, "what was answered once is not asked again"


def test_a_file_that_is_no_model_is_told_and_leaves_no_server(tmp_path: Path) -> None:
    small_model()
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"GGUF of nothing")
    with pytest.raises(StackError, match="did not start"), llama(wrong, tmp_path / "model.log"):
        pass


def test_a_missing_package_fails_in_ci_and_is_skipped_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.integration.test_real_judge.missing", lambda _: "pip install it")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="make install"):
        small_model()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception):
        small_model()
