"""The real stack for tests: started as people start it, waited for by conditions, never by sleeping alone."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from monitor.config import Settings
from monitor.names import PREFIX
from monitor.store.client import Store
from workers.stack.layout import read_state

LIGHT = '["lexical-refusal", "lexical-flattery", "lexical-caving-in", "rule-pii-leak", "rule-empty-answer"]'
"""Scorers without an encoder: delivery does not depend on what scores, and a case starts many workers."""
KEY = "test-key-0123456789abcdef"
SAMPLE_ALL = '[{"name":"all","probability":1.0}]'
START_S, WAIT_S = 90.0, 90.0
COMMAND = [sys.executable, "-m", "workers.main"]


@dataclass
class Live:
    """A stack that runs in another process, and what is needed to talk to it."""

    process: subprocess.Popen[str]
    data: Path
    variables: dict[str, str]
    console: str
    said: Path

    def settings(self) -> Settings:
        """Give the settings that every process of the stack has."""
        return settings_from(self.variables)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open a connection to the stack's ClickHouse."""
        with Store.connect(self.settings().clickhouse) as store:
            yield store

    def command(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command against this stack, as in another terminal."""
        return run("--stack", str(self.data), *arguments, timeout=timeout)

    def json(self, *arguments: str) -> Any:
        """Run a command with `--json` and give what it printed."""
        done = self.command(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def settled(self, consumed: int) -> dict[str, Any]:
        """Wait until so many messages are consumed and no verdict is due, and give the status.

        Raises:
            AssertionError: it does not come to that in time; says how far it came.
        """
        last: dict[str, Any] = {}

        def done() -> bool:
            last.update(self.json("status"))
            return last["consumed"] >= consumed and not last["due"]

        try:
            wait_for(done, f"{consumed} messages and their verdicts")
        except AssertionError as error:
            raise AssertionError(f"{error}; last seen: {last}") from None
        return last

    def child(self, marker: str) -> psutil.Process:
        """Give the child process whose command line holds `marker`."""
        return next(c for c in psutil.Process(self.process.pid).children() if marker in " ".join(c.cmdline()))


def settings_from(variables: Mapping[str, str]) -> Settings:
    """Read settings from these variables instead of the environment."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        return Settings()
    finally:
        os.environ.clear()
        os.environ.update(before)


def clean_environment(**variables: str) -> dict[str, str]:
    """Give our environment without any setting of the service, plus these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**kept, **{PREFIX + name: value for name, value in variables.items()}}


def run(*arguments: str, timeout: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the console script."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=clean_environment(**variables),
        check=False,
    )


@contextmanager
def stack(data: Path, *options: str, **variables: str) -> Iterator[Live]:
    """Run `alignment-monitor up` on a folder and stop it with Ctrl-C's signal."""
    data.mkdir(parents=True, exist_ok=True)
    said = data / "said.log"
    chosen = {
        "SAMPLING__KEY": KEY,
        "PRIVACY__PSEUDONYM_KEY": KEY,
        "SAMPLING__STRATA": SAMPLE_ALL,
        "SCORING__SCORERS": LIGHT,
        "SCORING__RECONCILE_EVERY_S": "2",
        "SCORING__RECONCILE_AFTER_S": "2",
        "SCORING__ROLLUP_EVERY_S": "2",
        "SCORING__CANARY_EVERY_S": "2",
        **variables,
    }
    with said.open("w") as output:
        process = subprocess.Popen(
            [*COMMAND, "up", "--data", str(data), *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean_environment(**chosen),
        )
    try:
        wait_for(
            lambda: "running;" in said.read_text() or process.poll() is not None,
            "the stack to start",
            seconds=START_S,
        )
        assert process.poll() is None, said.read_text()
        state = read_state(data)
        assert state is not None
        console = next(line.split()[-1] for line in said.read_text().splitlines() if line.startswith("console"))
        yield Live(process=process, data=data, variables={**state, **_prefixed(chosen)}, console=console, said=said)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


def _prefixed(variables: Mapping[str, str]) -> dict[str, str]:
    return {PREFIX + name: value for name, value in variables.items()}


def wait_for(condition: Callable[[], Any], what: str, *, seconds: float = WAIT_S) -> Any:
    """Ask until the condition holds, and give what it gave.

    Raises:
        AssertionError: it does not hold in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.2)


def processes_of(marker: str) -> list[str]:
    """Give the command lines of all processes that mention `marker`, but for this one."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "environ"]):
        line = " ".join(process.info["cmdline"] or [])
        environment = process.info["environ"] or {}
        if process.pid != os.getpid() and (marker in line or marker in environment.get("AM_TEST_MARK", "")):
            found.append(line)
    return found


def write_lines(path: Path, rows: Sequence[Any]) -> Path:
    """Write JSON lines; bytes are written as they are."""
    with path.open("wb") as file:
        for row in rows:
            file.write(row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode())
            file.write(b"\n")
    return path
