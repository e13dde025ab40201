"""What the command modules share: the `--json` option, exit code 2, safe printing."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Found(Exception):  # noqa: N818 - not an error: the command ran and has something to say
    """Exit code 2."""


def visible(text: str) -> str:
    """Replace control characters: what is printed may be what users wrote."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
