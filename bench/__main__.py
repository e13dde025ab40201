"""`python -m bench [--full] [--only PART] [--json PATH]`: measure, and print one JSON object as the last line."""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from bench import classify, judge
from bench.estimate import estimate
from bench.ingest import Runs
from bench.processes import produce, say
from bench.store import ROWS, WAYS, Inserts
from bench.summary import classify_summary, summary
from monitor.config import ClickHouseSettings
from monitor.errors import MonitorError
from monitor.names import PREFIX
from workers.stack.supervisor import PARTITIONS, Stack

LONG_RUN = 1_000_000
MEMORY_AT = (200_000, LONG_RUN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How much is measured."""

    messages: int
    """A run of the ingest or poll loop."""
    rounds: int
    inserts: int
    classify: classify.Plan
    judge: judge.Plan
    samples: int
    """In the window that is estimated."""


SHORT = Plan(
    messages=200_000,
    rounds=3,
    inserts=7,
    classify=classify.Plan(rounds=3, size=80, batches=((1, 16), (10, 30), (50, 50), (200, 200))),
    judge=judge.Plan(rounds=4, pairs=100),
    samples=200_000,
)
FULL = Plan(
    messages=500_000,
    rounds=7,
    inserts=41,
    classify=classify.Plan(rounds=5, size=80, batches=((1, 40), (10, 60), (50, 100), (200, 200))),
    judge=judge.Plan(),
    samples=1_000_000,
)
PARTS = ("service", "classify", "estimate", "judge")


def measure(plan: Plan, parts: Sequence[str] = PARTS) -> dict[str, Any]:
    """Start broker and engine on a temporary folder, measure on them, and leave nothing behind.

    Raises:
        MonitorError: a part does not start, or does not do its work.
    """
    found: dict[str, Any] = {}
    if "judge" in parts:
        say("the judges' transport beside bare HTTP, against a scripted endpoint ...")
        found |= asdict(judge.judge(plan.judge, {}))
        say(f"  {found['judge_overhead_ms']} ms a call, shares of the ideal {found['judge_share_of_ideal']}")
    if set(parts) <= {"judge"}:
        return found
    with (
        tempfile.TemporaryDirectory(prefix="alignment-monitor-bench-") as folder,
        Stack(Path(folder), say=say, services=False) as stack,
    ):
        if "service" in parts:
            found |= _service(plan, stack.variables)
        if "classify" in parts:
            say(f"the classify path beside the bare embedder, {plan.classify.needed} interactions ...")
            found |= classify_summary(classify.classify(plan.classify, stack.variables))
            say(f"  {found['classify_per_s_core']:g}/s beside {found['embedder_per_s_core']:g}/s")
        if "estimate" in parts:
            say(f"the rates of a window with {plan.samples:,} samples ...")
            found |= estimate(plan.samples, stack.variables)
            say(f"  {found['estimate_rates_s']:g} s, peak {found['estimate_rates_peak_mb']:g} MB")
        return found


def _service(plan: Plan, variables: Mapping[str, str]) -> dict[str, Any]:
    inserts = _inserts(plan, variables)
    say(f"filling the topic with {LONG_RUN:,} messages ...")
    start = time.monotonic()
    produce(LONG_RUN, variables, partitions=PARTITIONS, processes=2)
    say(f"  {LONG_RUN / (time.monotonic() - start):,.0f}/s")
    runs = Runs(variables, messages=plan.messages)
    say(f"ingest at 1 % sampling beside a bare poll loop, {plan.messages:,} messages each ...")
    rounds = list(runs.rounds(plan.rounds))
    say(f"memory of ingest over {LONG_RUN:,} messages ...")
    long = runs.long(LONG_RUN, memory_at=MEMORY_AT)
    say(f"  {long.per_second:,.0f}/s, peak {long.peak_mb:,.0f} MB")
    return summary(rounds=rounds, long=long, **inserts)


def _inserts(plan: Plan, variables: Mapping[str, str]) -> dict[str, Any]:
    say(f"inserts of {ROWS:,} rows beside bare ones ...")
    settings = ClickHouseSettings(
        host=variables[f"{PREFIX}CLICKHOUSE__HOST"],
        port=int(variables[f"{PREFIX}CLICKHOUSE__PORT"]),
        database="bench_store",
    )
    measured: dict[str, Any] = {}
    with Inserts(settings) as inserts:
        for table, run in (("samples", inserts.samples), ("scores", inserts.scores)):
            # The first turn fills caches and is not kept.
            _, *measured[table] = run(plan.inserts + 1)
            inserts.check(table, rows=WAYS * ROWS * (plan.inserts + 1))
    return measured


def main() -> int:
    """Run the bench; 0 when it measured everything, 1 when it could not."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="more and longer runs (about 10 minutes)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the JSON object to this file")
    parser.add_argument("--only", choices=PARTS, help="measure this part alone")
    options = parser.parse_args()
    # Leave through the context managers, as with Ctrl-C: processes and the folder must go.
    signal.signal(signal.SIGTERM, _interrupted)
    start = time.monotonic()
    try:
        result = measure(FULL if options.full else SHORT, (options.only,) if options.only else PARTS)
        result["form"] = "full" if options.full else "short"
        result["took_s"] = round(time.monotonic() - start, 1)
        line = json.dumps(result)
        if options.json:
            options.json.write_text(line + "\n", encoding="utf-8")
    except (MonitorError, OSError) as error:
        say(f"cannot measure: {error}")
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 1
    say(f"done after {result['took_s']:g} s")
    print(line, flush=True)
    return 0


def _interrupted(_number: int, _frame: FrameType | None) -> NoReturn:
    # Once is enough: a second one must not break off the cleaning up.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
