"""What the command modules share: common options, exit code 2, safe printing."""

import re
from typing import Annotated

import typer

from monitor.errors import InputError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Since = Annotated[str, typer.Option(help="How far back: 30m, 24h, 7d.")]


class Found(Exception):  # noqa: N818 - not an error: the command ran and has something to say
    """Exit code 2."""


def visible(text: str) -> str:
    """Replace control characters: what is printed may be what users wrote."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def seconds(text: str) -> float:
    """Read `30m`, `24h`, `7d`.

    Raises:
        InputError: it is none of these.
    """
    match = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip())
    if not match or int(match[1]) == 0:
        raise InputError(f"cannot read {text!r} as a time span; write a number and s, m, h, d or w, like 24h")
    return float(int(match[1]) * UNITS[match[2]])
