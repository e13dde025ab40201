"""Servers to hold against the contract: embedded ClickHouse, a real one when it is named, and Valkey for budgets."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.httputil import get_pool_manager
from pydantic import SecretStr

from monitor.config import ClickHouseSettings
from monitor.store.client import Store
from monitor.store.migrate import migrate
from tests.support.judge_budget import World
from tests.support.valkey import Valkey, valkey

REAL = os.environ.get("ALIGNMENT_MONITOR_TEST_CLICKHOUSE", "")
"""http://user:password@host:port of a ClickHouse server that may be written to, or nothing."""


class Server:
    """An address to connect to."""

    def __init__(self, url: str, name: str) -> None:
        parts = urlsplit(url)
        self.name = name
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or 8123
        self.user = unquote(parts.username or "default")
        self.password = unquote(parts.password or "")
        self.url = f"http://{self.host}:{self.port}"

    @contextmanager
    def connect(self, **options: Any) -> Iterator[Client]:
        """Give a client and close its connections behind it."""
        pool = get_pool_manager()
        try:
            with clickhouse_connect.get_client(
                host=self.host,
                port=self.port,
                username=self.user,
                password=self.password,
                pool_mgr=pool,
                **options,
            ) as client:
                yield client
        finally:
            pool.clear()


class Embedded(Server):
    """The embedded server as a process of its own."""

    def __init__(self, folder: Path, *arguments: str, port: int = 0, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.log = folder.parent / f"{folder.name}.log"
        command = [sys.executable, "-m", "monitor.store.embedded", "--path", str(folder), "--port", str(port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | (environment or {}),
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            self.wait(10)
            raise RuntimeError(self.log.read_text())
        super().__init__(line.split()[1], "embedded")

    def wait(self, timeout: float = 30) -> int:
        """Wait for the process's end and give its exit code."""
        code = self.process.wait(timeout)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and give the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def end(self) -> None:
        """Kill the process if it still runs."""
        if self.process.poll() is None:
            self.stop(signal.SIGKILL)
        else:
            self.wait()


StartEmbedded = Callable[..., Embedded]


@pytest.fixture
def start_embedded(tmp_path: Path) -> Iterator[StartEmbedded]:
    """Start embedded servers that do not outlive the test."""
    started: list[Embedded] = []

    def start(*arguments: str, folder: str = "data", **options: Any) -> Embedded:
        server = Embedded(tmp_path / folder, *arguments, **options)
        started.append(server)
        return server

    yield start
    for server in started:
        server.end()


@pytest.fixture(scope="session", params=["embedded", *(["server"] if REAL else [])])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give each of the servers that the contract holds for."""
    if request.param == "server":
        yield Server(REAL, "server")
        return
    embedded = Embedded(tmp_path_factory.mktemp("clickhouse") / "data")
    yield embedded
    assert embedded.stop() == 0


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """Give a client whose database is new and goes with the test."""
    database = f"test_{uuid.uuid4().hex[:12]}"
    with server.connect() as setup:
        setup.command(f"CREATE DATABASE {database}")
        with server.connect(database=database) as client:
            yield client
        setup.command(f"DROP DATABASE {database} SYNC")


@contextmanager
def database(server: Server) -> Iterator[ClickHouseSettings]:
    """Make our tables in a new database, and drop it at the end."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    made = ClickHouseSettings(
        host=server.host, port=server.port, username=server.user, password=SecretStr(server.password), database=name
    )
    migrate(made)
    yield made
    with server.connect() as client:
        client.command(f"DROP DATABASE {name} SYNC")


@pytest.fixture
def settings(server: Server) -> Iterator[ClickHouseSettings]:
    """Give the address of a database with our tables that goes with the test."""
    with database(server) as made:
        yield made


@pytest.fixture
def store(settings: ClickHouseSettings) -> Iterator[Store]:
    """Give a connection to that database."""
    with Store.connect(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def budget_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """Give a Valkey for the budget's tests of a module."""
    with valkey(Path(tmp_path_factory.mktemp("valkey"))) as running:
        yield running


@pytest.fixture
def world(budget_server: Valkey) -> Iterator[World]:
    """Give a judges' budget of its own on that Valkey."""
    made = World(server=budget_server)
    yield made
    for one in made.made:
        one.close()
