"""The path of a judge's call beside bare HTTP, against a scripted endpoint: `python -m bench.judge PLAN`.

The endpoint is a process of its own. Overhead: an endpoint that answers at once is asked by turns through the judge's
transport and through aiohttp with the same body. Share of the ideal: an endpoint that takes `latency_ms` for each call
is asked by so many at once; the ideal is that many calls each `latency_ms`.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

import aiohttp

from bench.processes import run
from monitor.errors import MonitorError, StackError
from monitor.scoring.judge.call import Prompt
from monitor.scoring.judge.settings import JudgeEndpoint
from monitor.scoring.judge.transport import open_chat
from monitor.scoring.judge.transport.openai_chat import OpenAIDialect

PROMPT = Prompt(
    system="You judge answers. " * 100,
    user="A line of a conversation. " * 240,
    schema={"type": "object", "properties": {"reason": {"type": "string"}, "label": {"type": "string"}}},
)
WARM_UP = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How much is measured."""

    latency_ms: float = 500.0
    concurrency: tuple[int, ...] = (1, 8, 64, 256)
    rounds: int = 12
    """Calls a place: all begin at once, so the first of each place also waits for the others to be sent."""
    pairs: int = 300
    """Calls each way for the overhead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """Everything that was measured."""

    judge_overhead_ms: dict[str, float]
    """By protocol: median milliseconds of a call through the transport, less the median of a bare call."""
    judge_bare_ms: float
    judge_calls_per_s: dict[str, float]
    """By concurrency."""
    judge_share_of_ideal: dict[str, float]
    """By concurrency."""
    judge_cpu_ms: dict[str, float]
    """Processor time a call, by concurrency: 1000 of it in a second is the most that one process can do."""
    judge_peak_mb: float
    """Peak resident memory of the calling process, in MiB."""


def judge(plan: Plan, variables: Mapping[str, str]) -> Judged:
    """Measure in a process of its own.

    Raises:
        StackError: it failed or took too long; its last lines are in the message.
    """
    return Judged(**run("the judge process", "bench.judge", [json.dumps(asdict(plan))], variables))


@contextmanager
def _endpoint(latency_ms: float) -> Iterator[str]:
    """Run the scripted endpoint and give its address."""
    command = [sys.executable, "-m", "tests.support.judge_server", "--latency-ms", str(latency_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("ready "):
                raise StackError("the scripted endpoint of judges did not start")
            yield f"http://127.0.0.1:{line.split()[1]}"
        finally:
            process.kill()


def _settings(url: str, provider: Literal["openai", "anthropic"], concurrency: int) -> JudgeEndpoint:
    return JudgeEndpoint.model_validate(
        {
            "name": "bench",
            "provider": provider,
            "model": "scripted",
            "concurrency": concurrency,
            "base_url": f"{url}/v1" if provider == "openai" else url,
        }
    )


async def _time(call: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await call()
    return 1000 * (time.perf_counter() - start)


async def _overhead(url: str, pairs: int) -> tuple[dict[str, float], float]:
    """Ask in turn, so that a slow moment of the machine is shared by all."""
    one = _settings(url, "openai", 1)
    body = OpenAIDialect(one).request(PROMPT)
    chats = {"openai": open_chat(one), "anthropic": open_chat(_settings(url, "anthropic", 1))}
    async with aiohttp.ClientSession() as session:

        async def bare() -> None:
            async with session.post(f"{url}/v1/chat/completions", json=body) as response:
                await response.json()

        ways: dict[str, Callable[[], Awaitable[object]]] = {"bare": bare}
        ways |= {name: lambda chat=chat: chat.complete(PROMPT) for name, chat in chats.items()}  # type: ignore[misc]
        times: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(WARM_UP + pairs):
            for name, call in ways.items():
                took = await _time(call)
                if number >= WARM_UP:
                    times[name].append(took)
    for chat in chats.values():
        await chat.close()
    middle = {name: median(found) for name, found in times.items()}
    return {name: round(middle[name] - middle["bare"], 3) for name in chats}, round(middle["bare"], 3)


async def _rate(url: str, concurrency: int, rounds: int) -> tuple[float, float]:
    """Give calls a second with so many at once, and processor milliseconds a call; connections are open before."""
    chat = open_chat(_settings(url, "openai", concurrency))
    await asyncio.gather(*(chat.complete(PROMPT) for _ in range(concurrency)))
    calls = concurrency * rounds
    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(chat.complete(PROMPT) for _ in range(calls)))
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    await chat.close()
    return calls / seconds, 1000 * cpu_seconds / calls


def measure(plan: Plan) -> Judged:
    """Measure everything in this process.

    Raises:
        MonitorError: the endpoint does not start, or a call is not answered.
    """
    with _endpoint(0) as url:
        overhead, bare = asyncio.run(_overhead(url, plan.pairs))
    with _endpoint(plan.latency_ms) as url:
        rates = {str(one): asyncio.run(_rate(url, one, plan.rounds)) for one in plan.concurrency}
    return Judged(
        judge_overhead_ms=overhead,
        judge_bare_ms=bare,
        judge_calls_per_s={name: round(rate, 1) for name, (rate, _) in rates.items()},
        judge_share_of_ideal={
            name: round(rate * plan.latency_ms / 1000 / int(name), 4) for name, (rate, _) in rates.items()
        },
        judge_cpu_ms={name: round(cpu, 2) for name, (_, cpu) in rates.items()},
        judge_peak_mb=_peak_mb(),
    )


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE) if status.exists() else None
    return round(int(found[1]) / 1024, 1) if found else 0.0


def main(arguments: list[str]) -> int:
    """Measure and print one JSON object; 1 where that cannot be done."""
    given: dict[str, Any] = json.loads(arguments[0]) if arguments else {}
    if "concurrency" in given:
        given["concurrency"] = tuple(given["concurrency"])
    try:
        found = measure(Plan(**given))
    except MonitorError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(asdict(found)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
