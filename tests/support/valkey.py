"""A queue server of a test's own, to be killed, emptied and filled."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from tests.support.live import wait_for
from workers.stack.layout import HOST, Ports
from workers.stack.supervisor import _valkey


class Valkey:
    """A server without persistence on one port, which it keeps over its deaths."""

    def __init__(self, folder: Path) -> None:
        """Take a folder for its log; `start` starts it."""
        self.port = Ports().resolved().redis
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        command = [_valkey(), "--bind", HOST, "--port", str(self.port), "--save", "", "--appendonly", "no"]
        with (self._folder / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--dir", str(self._folder)], stdout=log, stderr=log, start_new_session=True
            )
        wait_for(self.answers, "Valkey to answer")

    def kill(self) -> None:
        """Kill it with SIGKILL; all that it held is gone."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def answers(self) -> bool:
        """Tell whether it is there."""
        try:
            return bool(self.ask("PING"))
        except redis.ConnectionError:
            return False

    def ask(self, *command: str) -> Any:
        """Run a command and give its answer."""
        with redis.Redis(host=HOST, port=self.port) as client:
            return client.execute_command(*command)


@contextmanager
def valkey(folder: Path) -> Iterator[Valkey]:
    """Run a server and kill it on leaving."""
    server = Valkey(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
