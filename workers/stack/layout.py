"""Ports, folders and environment of the embedded stack."""

import fcntl
import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from monitor.errors import StackError
from monitor.names import PREFIX

HOST = "127.0.0.1"
STATE_FILE = "stack.json"
LOCK_FILE = "lock"
KEYS_FILE = "keys.json"


@dataclass(frozen=True, kw_only=True)
class Ports:
    """One loopback port a server; 0 asks for any free one."""

    kafka: int = 0
    redis: int = 0
    clickhouse: int = 0
    console: int = 0
    health: int = 0

    def resolved(self) -> "Ports":
        """Give the ports with each 0 replaced by a free one.

        Raises:
            StackError: a port that was asked for is taken.
        """
        held: list[socket.socket] = []
        chosen: dict[str, int] = {}
        try:
            for name, port in asdict(self).items():
                probe = socket.socket()
                held.append(probe)
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError as error:
                    raise StackError(
                        f"port {port} for {name} cannot be used ({error.strerror}); "
                        f"stop what listens there or choose another with --{name}-port"
                    ) from error
                chosen[name] = probe.getsockname()[1]
        finally:
            for probe in held:
                probe.close()
        return Ports(**chosen)


def environment(data: Path, ports: Ports) -> dict[str, str]:
    """Give the variables of every process of this stack: the settings it was started with, its keys, its addresses.

    A command in another terminal reads them too. Without the settings it would, for one, count as due what scorers
    would have to say that this stack does not run.
    """
    ours = {
        "KAFKA__BOOTSTRAP_SERVERS": f"{HOST}:{ports.kafka}",
        "REDIS__URL": f"redis://{HOST}:{ports.redis}/0",
        "CLICKHOUSE__HOST": HOST,
        "CLICKHOUSE__PORT": str(ports.clickhouse),
        "CONSOLE__HOST": HOST,
        "CONSOLE__PORT": str(ports.console),
        "INGEST__HEALTH_PORT": str(ports.health),
    }
    theirs = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    return {**_prefixed(_keys(data)), **theirs, **_prefixed(ours)}


def _prefixed(variables: dict[str, str]) -> dict[str, str]:
    return {PREFIX + name: value for name, value in variables.items()}


def _keys(data: Path) -> dict[str, str]:
    """Give the stack's own secrets, made once a data folder: with them the same conversations are sampled again."""
    path = data / KEYS_FILE
    if path.exists():
        loaded: dict[str, str] = json.loads(path.read_text("utf-8"))
        return loaded
    keys = {"SAMPLING__KEY": secrets.token_hex(32), "PRIVACY__PSEUDONYM_KEY": secrets.token_hex(32)}
    _write_private(path, keys)
    return keys


def write_state(data: Path, variables: dict[str, str]) -> None:
    """Leave the stack's addresses and keys for commands in other terminals, readable by the owner alone."""
    _write_private(data / STATE_FILE, variables)


def read_state(data: Path) -> dict[str, str] | None:
    """Give the variables of the stack that runs on this folder, if one does."""
    if not _is_locked(data):
        return None
    try:
        loaded: dict[str, str] = json.loads((data / STATE_FILE).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise StackError(f"{data / STATE_FILE} cannot be read ({error}); stop the stack and start it again") from error
    return loaded


def _is_locked(data: Path) -> bool:
    # A supervisor that was killed leaves its state file behind, but not its lock.
    try:
        with (data / LOCK_FILE).open("r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _write_private(path: Path, content: dict[str, str]) -> None:
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
    part.replace(path)
