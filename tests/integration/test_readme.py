"""What the README shows is what happens: its commands run, its table is the one that the demo prints."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from monitor.demo import read_sample, sample_path
from tests.support.live import COMMAND, Live, clean_environment, run, write_lines

pytestmark = pytest.mark.integration

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
STARTS_PROCESSES = {"up", "demo"}


def commands() -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [line[1:] for line in lines if line and line[0] == "alignment-monitor"]


def test_the_readme_has_commands() -> None:
    assert len(commands()) >= 6


@pytest.mark.parametrize("arguments", [c for c in commands() if c[0] not in STARTS_PROCESSES], ids=" ".join)
def test_a_command_of_the_readme_runs(live: Live, tmp_path: Path, arguments: list[str]) -> None:
    write_lines(tmp_path / "conversations.jsonl", [row.record for row in list(read_sample(sample_path()))[:50]])
    done = subprocess.run(
        [*COMMAND, "--stack", str(live.data), *arguments],
        cwd=tmp_path,
        env=clean_environment() | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stdout.strip() or done.stderr.strip()


def test_the_table_of_the_readme_is_what_the_demo_prints() -> None:
    shown = re.search(r"<!-- demo -->\n```text\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    done = run("demo", "--once", timeout=280)
    assert done.returncode == 0, done.stderr
    assert "OUTSIDE" not in done.stdout

    def lines(text: str) -> list[str]:
        return [line.rstrip() for line in text.strip().splitlines()]

    assert lines(done.stdout) == lines(shown[1])
