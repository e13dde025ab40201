"""Runs the bench's own processes, each with the environment that it must see and nothing else of ours."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

from bench.meter import Reading
from monitor.errors import StackError
from monitor.names import PREFIX

TIMEOUT_S = 240.0


def say(line: str) -> None:
    """Tell people how far it is; standard output is for the result."""
    print(line, file=sys.stderr, flush=True)


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Give the environment with our variables alone: what the caller has set for the service must not count."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**kept, **variables}


def consume(mode: str, messages: int, variables: Mapping[str, str], *, memory_at: Sequence[int] = ()) -> Reading:
    """Measure one loop in a process of its own.

    Raises:
        StackError: it failed or took too long; its last lines are in the message.
    """
    return Reading(**run(f"the {mode} process", "bench.consume", [mode, messages, *memory_at], variables))


def run(name: str, module: str, arguments: Sequence[object], variables: Mapping[str, str]) -> dict[str, Any]:
    """Run a module in a process of its own, and give the JSON object that its last line is.

    Raises:
        StackError: it failed or took too long; its last lines are in the message.
    """
    with ExitStack() as stack:
        process = _start(stack, module, arguments, variables)
        found: dict[str, Any] = json.loads(_finish(name, process).splitlines()[-1])
    return found


def produce(messages: int, variables: Mapping[str, str], *, partitions: int, processes: int) -> None:
    """Fill the topic, in several processes at once.

    Raises:
        StackError: one failed or took too long.
    """
    edges = [messages * n // processes for n in range(processes + 1)]
    with ExitStack() as stack:
        started = [
            _start(stack, "bench.produce", [first, last - first, partitions], variables)
            for first, last in pairwise(edges)
        ]
        for process in started:
            _finish("a producer process", process)


def _start(
    stack: ExitStack, module: str, arguments: Sequence[object], variables: Mapping[str, str]
) -> subprocess.Popen[str]:
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            env=clean_environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    # Left with an error, by Ctrl-C or by a signal: the process goes before the servers that it talks to.
    stack.callback(process.kill)
    return process


def _finish(name: str, process: subprocess.Popen[str]) -> str:
    try:
        out, err = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise StackError(f"{name} was not done after {TIMEOUT_S:g} s:\n{_end(err)}") from None
    if process.returncode:
        raise StackError(f"{name} failed (exit code {process.returncode}):\n{_end(err)}")
    return out


def _end(text: str, lines: int = 8) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
