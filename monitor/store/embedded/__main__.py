"""The command `python -m monitor.store.embedded --path DIR --host 127.0.0.1 --port N`."""

from __future__ import annotations

import argparse
import errno
import fcntl
import logging
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import IO

from monitor.store.embedded.engine import Engine
from monitor.store.embedded.errors import ClickHouseError
from monitor.store.embedded.runner import Runner, server_name
from monitor.store.embedded.server import HttpServer

log = logging.getLogger("monitor.store.embedded")

USER_VARIABLE = "ALIGNMENT_MONITOR_EMBEDDED_USER"
PASSWORD_VARIABLE = "ALIGNMENT_MONITOR_EMBEDDED_PASSWORD"  # noqa: S105 - a name, not a password


class CannotStartError(Exception):
    """What, where, and what to do: one line for the person who started the server."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Returns 0 after a clean stop, 1 when it could not start."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        return _serve(options)
    except CannotStartError as error:
        print(f"embedded ClickHouse: {error}", file=sys.stderr)  # noqa: T201 - the line the person reads
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m monitor.store.embedded",
        description="Serve ClickHouse's HTTP protocol over the chDB engine.",
        epilog=f"The environment names user and password: {USER_VARIABLE}, {PASSWORD_VARIABLE}.",
    )
    parser.add_argument("--path", type=Path, required=True, help="folder of the data; made when it is not there")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8123, help="port to listen on, 0 for a free one (default: 8123)")
    parser.add_argument(
        "--memory-mb",
        type=int,
        default=_default_memory_mb(),
        help="engine memory limit (default: %(default)s)",
    )
    parser.add_argument(
        "--grace", type=float, default=20.0, help="seconds for running requests at the end (default: 20)"
    )
    parser.add_argument("--verbose", action="store_true", help="log each request: method, verb, status, ms, bytes")
    return parser


def _default_memory_mb() -> int:
    """A quarter of the machine or its control group, 1 to 4 GiB: broker and workers live here too."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        total = min(total, int(limit)) if limit.isdigit() else total
    except OSError:
        pass
    return max(1024, min(4096, total // 4 >> 20))


def _serve(options: argparse.Namespace) -> int:
    folder, _held = _lock(options.path)
    buffers = folder / "http_buffers"
    shutil.rmtree(buffers, ignore_errors=True)  # left behind by a kill
    buffers.mkdir()
    server = _bind(options.host, options.port, buffers)
    try:
        engine = Engine(folder, memory_bytes=options.memory_mb << 20)
    except ClickHouseError as error:
        server.server_close()
        raise CannotStartError(
            f"the engine cannot open {folder}: {error.message}. Move the folder away or restore a backup"
        ) from error
    server.runner = runner = Runner(
        engine,
        user=os.environ.get(USER_VARIABLE, "default"),
        password=os.environ.get(PASSWORD_VARIABLE, ""),
        folder=buffers,
        name=server_name(),
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    threading.Thread(target=server.watch, args=(stop,), daemon=True).start()
    if not server.loopback and not os.environ.get(PASSWORD_VARIABLE):
        log.warning("listening beyond this machine without a password: set %s", PASSWORD_VARIABLE)
    print(f"ready http://{options.host}:{server.port}", flush=True)  # noqa: T201 - a supervisor waits for it
    log.info("ClickHouse %s (chDB) serves %s on port %d", engine.version, folder, server.port)
    stop.wait()
    log.info("stopping: waiting for running requests")
    if not server.drain(options.grace):
        log.warning("cancelling the requests that still run after %.0f s", options.grace)
        engine.kill(None)
        server.wait_idle(5.0)
    runner.close()
    engine.close()
    log.info("stopped")
    return 0


def _lock(path: Path) -> tuple[Path, IO[str]]:
    """Make the data folder this process's own, for as long as the file stays open."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        folder = path.resolve()
        held = (folder / "embedded.lock").open("a+", encoding="ascii")
    except OSError as error:
        raise CannotStartError(
            f"cannot use the data folder {path}: {error.strerror}. Name another with --path"
        ) from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.seek(0)
        owner = held.read().strip() or "unknown"
        held.close()
        raise CannotStartError(
            f"the data folder {folder} is in use by process {owner}: stop that process or name another "
            "folder with --path"
        ) from error
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()
    return folder, held


def _bind(host: str, port: int, buffers: Path) -> HttpServer:
    try:
        return HttpServer(host, port, buffers)
    except (OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            reason = f"port {port} on {host} is taken: stop what listens there or choose another with --port"
        else:
            reason = f"cannot listen on {host} port {port}: {error}. Choose others with --host and --port"
        raise CannotStartError(reason) from error


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of idle connections and of the engine may still be there: leave without waiting for them.
    os._exit(code)
