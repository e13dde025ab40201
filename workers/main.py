"""Where the console script begins: the commands of `monitor.cli`, and `up` and `demo`, which start processes."""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from monitor import __version__
from monitor.cli import app
from monitor.cli_shared import Found, Json
from monitor.errors import MonitorError
from monitor.names import PREFIX
from monitor.output import say
from workers.stack.layout import Ports, read_state

DEFAULT_DATA = Path("var")
Port = Annotated[int, typer.Option(min=0, max=65_535, help="Loopback port; 0 = any free one.")]
TICK_S = 0.5
FOUND_CODE = 2


class Stopped(Exception):  # noqa: N818 - not an error: somebody asked
    """SIGTERM or Ctrl-C."""


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)  # noqa: T201 - the result
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    *,
    stack: Annotated[
        Path,
        typer.Option(envvar=f"{PREFIX}STACK", help="Data folder of a stack that `up` runs, to talk to it."),
    ] = DEFAULT_DATA,
    version: Annotated[  # noqa: ARG001 - its callback prints and exits
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Point the command at the stack that runs here, unless the environment names the servers."""
    if context.invoked_subcommand in {"up", "demo", "score"} or f"{PREFIX}SAMPLING__KEY" in os.environ:
        return
    variables = read_state(stack)
    if variables:
        os.environ.update({name: value for name, value in variables.items() if name not in os.environ})
    elif stack != DEFAULT_DATA:
        say(f"no stack runs on {stack}; using the environment")


@app.command()
def up(
    *,
    data: Annotated[Path, typer.Option(help="Folder that holds everything.")] = DEFAULT_DATA,
    kafka_port: Port = 0,
    redis_port: Port = 0,
    clickhouse_port: Port = 0,
    console_port: Port = 0,
) -> None:
    """Start the whole service on this machine and keep it running until Ctrl-C."""
    from workers.stack.supervisor import Stack

    if own := os.environ.get(f"{PREFIX}JUDGING__CONSTITUTION"):
        from monitor.scoring.constitution.load import load

        # Before anything runs: a worker could only say so in its log.
        load(Path(own))
    ports = Ports(kafka=kafka_port, redis=redis_port, clickhouse=clickhouse_port, console=console_port)
    stop_on_signals()
    say(f"starting on {data}/ ...")
    try:
        with Stack(data, ports=ports, say=say) as stack:
            say(f"console     {stack.console_url}")
            say(f"kafka       127.0.0.1:{stack.ports.kafka}  (topic chat.interactions)")
            say(f"clickhouse  http://127.0.0.1:{stack.ports.clickhouse}  (database alignment_monitor)")
            say(f"logs        {stack.data / 'logs'}")
            say("running; Ctrl-C drains and stops. In another terminal: alignment-monitor status")
            while True:
                stack.tend()
                time.sleep(TICK_S)
    except Stopped:
        say("stopped")


@app.command()
def demo(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="JSONL or JSONL.gz files; none = the shipped sample.", show_default=False),
    ] = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="Stop when the table is printed.")] = False,
    as_json: Json = False,
) -> None:
    """Start everything on a temporary folder, replay conversations, and show their rates beside the planted ones."""
    from workers.demo import demo as run_demo

    stop_on_signals()
    try:
        run_demo(files or [], once=once, as_json=as_json)
    except Stopped:
        say("stopped")


def stop_on_signals() -> None:
    """Turn SIGTERM and Ctrl-C into one exception, so that everything is drained on the way out."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        # Once: a second Ctrl-C must not interrupt the draining.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise Stopped

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def main() -> None:
    """Run a command; usage errors and errors for people exit with 1 and one clear message."""
    code = 0
    try:
        app()
    except Found:
        code = FOUND_CODE
    except SystemExit as stop:
        # Typer exits with 2 on a wrong option; here 2 means that something was found.
        code = 0 if stop.code in {0, None} else 1
    except MonitorError as error:
        say(f"error: {error}")
        code = 1
    except BrokenPipeError:
        # The reader of our output went away, as `| head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(code)


if __name__ == "__main__":
    main()
