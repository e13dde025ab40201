"""What commands print: tables and bars for people, one JSON document with `--json`."""

import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

PIPE_WIDTH = 200
PLAIN_EVERY = 5_000
"""Without a terminal, progress is said in a line each so many steps."""


def stdout() -> Console:
    """Give the console for results; a file or a pipe gets whole lines."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def stderr() -> Console:
    """Give the console for everything that is not a result."""
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def say(line: str) -> None:
    """Tell people what happens, on standard error."""
    stderr().print(line, markup=False)


def print_json(value: Any) -> None:
    """Print one JSON document; numbers that JSON does not have become null."""
    print(json.dumps(_finite(value), ensure_ascii=False, indent=2, default=str))  # noqa: T201 - the result


def print_json_line(value: Any) -> None:
    """Print one JSON document in one line."""
    print(json.dumps(_finite(value), ensure_ascii=False, default=str))  # noqa: T201 - the result


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> Table:
    """Lay out a table; `right` names the columns of numbers."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for i, column in enumerate(columns):
        # Folded, never cut: a name that ends in dots cannot be copied.
        made.add_column(column, justify="right" if i in right else "left", no_wrap=i in right, overflow="fold")
    for row in rows:
        made.add_row(*(_plain(cell) for cell in row))
    return made


def percent(value: float | None, digits: int = 1) -> str:
    """Write a share as a percentage; a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{100 * value:.{digits}f} %"


@contextmanager
def progress(label: str, total: int | None) -> Iterator["Bar"]:
    """Show a bar on a terminal and plain lines elsewhere; both on standard error."""
    if sys.stderr.isatty():
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=False) as shown:
            yield Bar(label, total, shown)
    else:
        bar = Bar(label, total, None)
        yield bar
        bar.finish()


class Bar:
    """A count of steps done."""

    def __init__(self, label: str, total: int | None, shown: Progress | None) -> None:
        """Start at nothing."""
        self._label, self._total, self._shown = label, total, shown
        self._task = shown.add_task(label, total=total) if shown else None
        self.done = 0
        self._said = -1

    def advance(self, steps: int = 1) -> None:
        """Count steps."""
        before = self.done
        self.done += steps
        if self._shown is not None and self._task is not None:
            self._shown.update(self._task, completed=self.done)
        elif self.done // PLAIN_EVERY > before // PLAIN_EVERY:
            self._say()

    def set(self, done: int) -> None:
        """Set the count."""
        self.advance(done - self.done)

    def finish(self) -> None:
        """Say the last count once."""
        if self._said != self.done:
            self._say()

    def _say(self) -> None:
        self._said = self.done
        say(f"{self._label}: {self.done}" + (f" of {self._total}" if self._total is not None else ""))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value


def _plain(text: str) -> str:
    # Cells can hold what users wrote: no markup, no control characters.
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return clean.replace("[", r"\[")
