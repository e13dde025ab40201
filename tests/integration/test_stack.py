"""`up` as people meet it: locks, ports, Ctrl-C, children that die."""

import os
import signal
import socket
from pathlib import Path

import psutil
import pytest

from monitor.report.ledger import Span, ledger_counts
from tests.support.live import Live, processes_of, run, stack, wait_for, write_lines

pytestmark = pytest.mark.integration

MESSAGES = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello!"}]


def test_a_dead_child_is_restarted_and_said_so_and_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with stack(data) as live:
        second = run("up", "--data", str(data))
        assert second.returncode == 1
        assert "another stack" in second.stderr
        assert str(live.process.pid) in second.stderr

        for marker in ("workers.ingest", "monitor.store.embedded", "classify@"):
            victim = live.child(marker)
            os.kill(victim.pid, signal.SIGKILL)
            wait_for(lambda: "started again" in live.said.read_text(), "the restart to be said")
            wait_for(lambda: _replaced(live, marker, victim.pid), f"a new {marker}")  # noqa: B023 - used at once
        assert "SIGKILL" in live.said.read_text()
        wait_for(lambda: live.command("doctor").returncode == 0, "the stack to be well again")

        live.process.send_signal(signal.SIGINT)
        assert live.process.wait(60) == 0
    assert processes_of(str(data)) == []
    assert not (data / "stack.json").exists()


def _replaced(live: Live, marker: str, old: int) -> bool:
    children = psutil.Process(live.process.pid).children()
    alive = [c for c in children if c.status() != psutil.STATUS_ZOMBIE]
    return any(marker in " ".join(c.cmdline()) and c.pid != old for c in alive)


def test_a_supervisor_that_is_killed_takes_its_children_with_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with stack(data) as live:
        live.process.kill()
        live.process.wait()
        wait_for(lambda: processes_of(str(data)) == [], "the children to stop")
        assert (data / "stack.json").exists()
        told = live.command("status")
        assert told.returncode == 1, "the state of a dead stack must not be believed"
        assert "no stack runs" in told.stderr


def test_a_port_that_is_taken_gives_a_clear_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("up", "--data", str(tmp_path / "data"), "--console-port", str(port))
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--console-port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_used_gives_a_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    done = run("up", "--data", str(file))
    assert done.returncode == 1
    assert "--data" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_missed_when_the_broker_is_replaced_by_an_empty_one(tmp_path: Path) -> None:
    """The embedded broker forgets everything when it dies: the same offsets then belong to another incarnation."""
    file = write_lines(tmp_path / "rows.jsonl", [{"id": f"r-{n}", "messages": MESSAGES} for n in range(300)])
    with stack(tmp_path / "data", SCORING__CANARY_EVERY_S="0") as live:
        for rounds in (1, 2):
            live.json("replay", str(file))
            assert live.settled(300 * rounds)["consumed"] == 300 * rounds
            if rounds == 1:
                os.kill(live.child("tansu").pid, signal.SIGKILL)
                wait_for(lambda: "broker started again" in live.said.read_text(), "the broker's restart")
                wait_for(lambda: live.command("doctor").returncode == 0, "the topic")
        with live.store() as store:
            counts = ledger_counts(store, Span(since=0, until=2**32 - 1))
            assert (counts.sampled, counts.dead) == (600, 0)
