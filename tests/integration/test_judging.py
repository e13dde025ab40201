"""Judges in the running service: from Kafka to a judge's verdict, through real processes, with nothing asked twice."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.store.budgets import StoreLedger
from tests.support.judge_server import JudgeServer, failing
from tests.support.live import stack, wait_for, write_lines
from tests.support.rubric import TEXT, good_judge

pytestmark = pytest.mark.integration
ROWS = 40


def endpoint(name: str, url: str, **more: object) -> dict[str, object]:
    price = {"input": 1, "output": 10}
    return {"name": name, "base_url": url, "api_key": "k-123", "model": "scripted-1", "price": price, **more}


def test_what_the_bot_says_is_judged_and_shown_though_another_judge_is_away(tmp_path: Path) -> None:
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
    with (
        JudgeServer(good_judge) as server,
        JudgeServer([failing(503)]) as away,
        stack(
            tmp_path / "data",
            SCORING__CANARY_EVERY_S="0",
            JUDGING__ENDPOINTS=json.dumps(
                [endpoint("away", away.openai_url, tries=1), endpoint("one", server.openai_url)]
            ),
            JUDGING__CONSTITUTION=str(constitution),
            JUDGING__EVERY_S="1",
        ) as live,
    ):
        live.json("replay", str(file))
        judged = wait_for(
            lambda: next(
                (j for s in [live.json("status")] for j in s["judges"] if j["scored"] == ROWS * 3 and not j["due"]),
                None,
            ),
            "all verdicts of the judge",
        )
        assert (judged["name"], judged["chosen"], judged["undecided"]) == ("judge-one", ROWS, 0)
        assert server.count == ROWS, "one call asks for both of its principles, and the third needs none"
        (refusal,) = [r for r in live.json("rates", "--dimension", "refusal") if r.get("judge") == "judge-one"]
        assert refusal["rate"] == pytest.approx(0.5)
        assert refusal["corrected_for_scorer_error"] is False
        told = live.command("status").stdout
        assert "judge-one" in told
        assert "k-123" not in told + live.said.read_text() + (live.data / "logs" / "judge.log").read_text()
        with live.store() as store:
            assert {row["name"] for row in store.query("constitutions")} == {"small"}
            calls, paid = StoreLedger(store).spent_since("one", datetime.now(UTC) - timedelta(hours=1))
        assert (calls, paid) == (ROWS, ROWS * (100 + 10 * 20))
        (of_day,) = [cap for cap in live.json("budget", "show")["caps"] if cap["cap"] == "usd_day"]
        assert of_day["spent"] == pytest.approx(paid / 1e6), "turned away, the other judge costs nothing"
        assert live.json("events", "--kind", "judge_away")
