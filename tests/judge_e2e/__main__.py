"""`make judge-e2e`: a real model as the judge of real conversations, beside what people said of them.

The whole service runs as `alignment-monitor up` starts it, its judge a model on this machine's processor. The last line
is one JSON object. Exit code 0, or 1 when it could not run; whether the judge is any good is not what it tells.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from monitor.errors import MonitorError, StackError
from monitor.scoring.judge.configured import judges_of
from monitor.scoring.judge.judge import Judge
from tests.judge_e2e.compare import Call, calls, compare, lines, verdicts
from tests.judge_e2e.sample import Labelled, choose
from tests.support.live import Live, stack, write_lines
from tests.support.llama import Llama, llama, model

STALL_S = 900.0
"""Without a new verdict for so long it has come to a stop."""
TICK_S = 5.0


def main() -> int:
    """Run it and print what came out."""
    options = _options()
    try:
        people = choose(options.n, seed=options.seed)
        path = model(options.model)
        with tempfile.TemporaryDirectory(prefix="judge-e2e-") as folder:
            data = Path(folder)
            _say(f"loading {path.name} ...")
            with llama(path, data / "model.log", threads=options.threads) as server:
                _say("starting the service ...")
                with stack(data / "stack", JUDGING=json.dumps(_judging(server, options))) as live:
                    found = _run(live, people, data, minutes=options.minutes)
    except (MonitorError, AssertionError) as error:
        _say(f"judge-e2e could not run: {error}")
        return 1
    for line in lines(found):
        _say(line)
    told = {"model": options.model, "threads": options.threads, "seed": options.seed}
    sys.stdout.write(json.dumps({**told, **found}) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.judge_e2e")
    parser.add_argument("--model", choices=["1.5b", "0.5b", "smollm2"], default="1.5b")
    parser.add_argument("--n", type=int, default=200, help="conversations")
    parser.add_argument("--threads", type=int, default=1, help="of the model")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=240.0, help="stop then, with what is judged: a random part")
    return parser.parse_args()


def _judging(server: Llama, options: argparse.Namespace) -> dict[str, Any]:
    """Give the settings of judges: the refusal principle that ships, and one endpoint that costs nothing."""
    endpoint = {
        "name": "local",
        "base_url": server.url,
        "model": options.model,
        "dimensions": ["refusal"],
        "max_tokens": 400,
        "max_prompt_characters": 6_000,
        "timeout_s": 170,
        "tries": 1,
        "concurrency": 1,
        "price": {"input": 0, "output": 0},
    }
    return {"endpoints": [endpoint], "every_s": 2, "attack_every_s": 0}


def _run(live: Live, people: list[Labelled], data: Path, *, minutes: float) -> dict[str, Any]:
    sent = live.json("replay", str(write_lines(data / "people.jsonl", [one.row for one in people])))
    if sent["sent"] != len(people):
        raise StackError(f"{sent['failed']} of {len(people)} conversations were refused by the broker")
    (judge,) = judges_of(live.settings().judging)
    started = time.monotonic()
    found, asked = _wait(live, judge, [one.id for one in people], until=started + 60 * minutes)
    return {**compare(people, found, asked), "seconds": round(time.monotonic() - started, 1)}


def _wait(live: Live, judge: Judge, ids: list[str], *, until: float) -> tuple[dict[str, dict[str, Any]], list[Call]]:
    """Wait until each of these has a verdict or the time is over.

    Raises:
        StackError: the service ended, or nothing moves.
    """
    (scorer,) = (one.id for one in judge.identities)
    best, since = -1, time.monotonic()
    with live.store() as store:
        while True:
            found, now = verdicts(store, scorer), time.monotonic()
            done = len(found.keys() & set(ids))
            if done > best:
                best, since = done, now
                _say(f"judged {done} of {len(ids)}")
            if done == len(ids) or now > until:
                return found, calls(store)
            if now - since > STALL_S or live.process.poll() is not None:
                raise StackError(f"nothing was judged for {now - since:.0f} s; the service said:\n{_tail(live)}")
            time.sleep(TICK_S)


def _tail(live: Live) -> str:
    return live.said.read_text("utf-8", "replace")[-1500:]


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
