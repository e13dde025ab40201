"""The main job on the running stack: replay, score, answer; with the commands that people use."""

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.support.live import KEY, Live, run, wait_for, write_lines

pytestmark = pytest.mark.integration

REFUSAL = "I'm sorry, but I can't help with that."
DIMENSIONS = {
    "refusal",
    "over_refusal",
    "flattery",
    "caving_in",
    "sycophancy",
    "pii_leak",
    "forbidden_topic",
    "empty_answer",
    "answer_language",
    "looping",
    "hedging",
    "tone",
}


def row(name: str, answer: str) -> dict[str, Any]:
    return {
        "id": name,
        "lang": "en",
        "model": "m",
        "messages": [{"role": "user", "content": "How do I boil an egg?"}, {"role": "assistant", "content": answer}],
    }


def fetch(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_what_is_replayed_is_counted_scored_and_shown_everywhere(live: Live, tmp_path: Path) -> None:
    rows = [
        row(f"path-{n}", REFUSAL if n % 4 == 0 else "Put it in boiling water for seven minutes.") for n in range(200)
    ]
    file = write_lines(tmp_path / "rows.jsonl", rows)
    before = live.json("status")
    assert live.json("replay", str(file))["sent"] == 200
    after = live.settled(before["consumed"] + 200)
    assert after["consumed"] == after["sampled"] + after["sampled_out"] + after["dead"]
    assert after["coverage"] == 1.0
    assert after["broker"] == "ok"

    rates = {(r["dimension"], r["segment"].get("model")): r for r in live.json("rates", "--by", "model")}
    assert {dimension for dimension, _ in rates} == DIMENSIONS
    ours = rates["refusal", "m"]
    assert ours["rate"] == pytest.approx(0.25)
    assert ours["low"] < 0.25 < ours["high"]
    assert ours["coverage"] == 1.0
    assert len(ours["scorer"]) == 64

    offline = {
        line["id"]: line["value"]
        for line in map(json.loads, run("score", str(file), "--dimension", "refusal", "--json").stdout.splitlines())
    }
    with live.store() as store:
        for name in ("path-0", "path-1"):
            sample = store.query("interaction", id=name)[0]
            verdicts = store.query("verdicts", window=sample["window_s"], sample_id=sample["sample_id"])
            assert {v["dimension"] for v in verdicts} == DIMENSIONS
            assert next(v["value"] for v in verdicts if v["dimension"] == "refusal") == offline[name]

    status, page = fetch(live.console)
    assert status == 200
    assert "refusal" in page.lower()
    status, page = fetch(f"{live.console}interactions/path-0")
    assert status == 200
    assert "How do I boil an egg?" in page
    assert fetch(f"{live.console}interactions/no-such-thing")[0] == 404


def test_beat_writes_estimates_and_sends_canaries(live: Live) -> None:
    canary = wait_for(lambda: live.json("status")["last_canary"], "a canary")
    assert 0 <= canary["latency_s"] < 60
    with live.store() as store:
        wait_for(lambda: store.query("estimate_count")[0]["n"], "estimates")


def test_doctor_finds_nothing_wrong_and_names_a_misspelt_variable(live: Live) -> None:
    done = live.command("doctor")
    assert done.returncode == 0, done.stdout
    wrong = run("--stack", str(live.data), "doctor", KAFKAA__TOPIC="x")
    assert wrong.returncode == 2
    assert "KAFKAA__TOPIC" in wrong.stdout


def test_doctor_names_everything_that_is_wrong_and_what_to_do() -> None:
    done = run(
        "doctor",
        "--json",
        SAMPLING__KEY=KEY,
        PRIVACY__PSEUDONYM_KEY=KEY,
        KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:1",
        REDIS__URL="redis://127.0.0.1:1/0",
        CLICKHOUSE__PORT="1",
        GRAFANA__URL="http://127.0.0.1:1",
        GRAFANA__TOKEN=KEY,
        SCORING__SCORERS='["nope"]',
    )
    assert done.returncode == 2
    failed = {check["name"]: check for check in json.loads(done.stdout) if check["state"] == "failed"}
    assert failed.keys() == {"kafka", "redis", "clickhouse", "scorers", "grafana"}
    assert all(check["todo"] for check in failed.values())
    assert KEY not in done.stdout + done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("command", [["status"], ["rates"], ["deadletters", "list"], ["replay", "README.md"]])
def test_a_server_that_is_away_gives_one_clear_line(command: list[str]) -> None:
    done = run(
        *command,
        SAMPLING__KEY=KEY,
        PRIVACY__PSEUDONYM_KEY=KEY,
        KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:1",
        CLICKHOUSE__PORT="1",
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "does not answer" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_work_is_found_again_after_the_queue_is_emptied(live: Live, tmp_path: Path) -> None:
    """Redis is flushed again and again while work arrives; reconcile finds what the hints lost (I5)."""
    client = redis.Redis.from_url(live.settings().redis.url.get_secret_value())
    file = write_lines(tmp_path / "rows.jsonl", [row(f"flush-{n}", "An answer.") for n in range(300)])
    before = live.json("status")["consumed"]
    flushed = 0
    with ThreadPoolExecutor(1) as pool:
        replaying = pool.submit(live.json, "replay", str(file))
        while not replaying.done() or live.json("status")["consumed"] < before + 300:
            flushed += client.delete("classify")
    client.close()
    live.settled(before + 300)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rates", "--since", "banana"], "banana"),
        (["rates", "--by", "colour"], "colour"),
        (["rates", "--dimension", "nope"], "known:"),
        (["replay", "no-such-file.jsonl"], "no-such-file.jsonl"),
        (["deadletters", "retry"], "--all"),
        (["no-such-command"], "no-such-command"),
    ],
)
def test_wrong_arguments_say_what_is_wrong_and_exit_with_1(live: Live, arguments: list[str], message: str) -> None:
    done = live.command(*arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_drift_says_when_there_is_too_little_to_compare(live: Live, tmp_path: Path) -> None:
    done = live.command("drift", "--html", str(tmp_path / "drift.html"))
    assert done.returncode == 0, done.stderr
    assert "too few" in done.stdout
    assert live.command("drift", "--html", "/no/such/folder/x.html").returncode == 1
