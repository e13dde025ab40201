"""Reads a file of labels, JSONL or CSV: what people typed, hostile until it is checked.

One label a line: `id` (of a sample or an interaction), `dimension`, `label`, `reviewer`; where wished `window` (the
hour of the sample), `time` (when it was labelled) and `note`. What is wrong with a line is a `Flaw`; what is wrong with
the file as a whole raises. Whether the label means anything is not asked here: see `labels_import`.
"""

import csv
import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from monitor.errors import InputError
from monitor.intake.sampling import WINDOW_SECONDS

MAX_BYTES = 16 * 1024 * 1024
MAX_LINE = 64 * 1024
"""Bytes. A longer line is no label, and the file is something else."""
MAX_NOTE = 2_000
SHOWN = 60
"""Characters of what was typed that an error shows."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_DELIMITERS = (",", ";", "\t")
"""Excel writes `;` where the comma is the decimal sign, as in Turkey."""
_IN_NOTES = frozenset("\n\t\u00a0\u200c\u200d")
"""Beside what is printable: line breaks, the hard space, the joiners of Persian, Hindi and emoji."""


def shown(text: str) -> str:
    """Give what was typed as an error may show it: short, nothing hidden."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return f"'{clean[:SHOWN]}…'" if len(clean) > SHOWN else f"'{clean}'"


def _open(text: str) -> str:
    return _without_hidden(text, frozenset())


def _note(text: str) -> str:
    return _without_hidden(text.replace("\r\n", "\n"), _IN_NOTES)


def _without_hidden(text: str, allowed: frozenset[str]) -> str:
    for at, one in enumerate(text, 1):
        if not one.isprintable() and one not in allowed:
            raise ValueError(
                f"holds a control or invisible character, U+{ord(one):04X} at position {at}; type it again"
            )
    return text


def _composed(text: str) -> str:
    # One name typed on two keyboards must be one reviewer.
    return unicodedata.normalize("NFC", text)


def _moment(given: object) -> datetime | None:
    if given is None or given == "":
        return None
    try:
        read = datetime.fromisoformat(given.strip()) if isinstance(given, str) else None
        read = read.astimezone(UTC) if read and read.tzinfo else None
    except (ValueError, OverflowError):
        read = None
    if read is None:
        raise ValueError("is no time with its zone; write it like 2026-11-23T10:00:00Z")
    if read < EARLIEST:
        raise ValueError(f"lies before {EARLIEST:%Y}; write it like 2026-11-23T10:00:00Z")
    return read


def _hour(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.timestamp() % WINDOW_SECONDS:
        raise ValueError("is no full hour; a window is named by its start, like 2026-11-23T10:00:00Z")
    return moment


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256), AfterValidator(_open)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class Entry(BaseModel):
    """One line as people write it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Text
    """Of the sample, or of the interaction where it was sampled once."""
    dimension: Text
    label: Text
    reviewer: Annotated[Text, AfterValidator(_composed), Field(max_length=100)]
    window: Annotated[Moment, AfterValidator(_hour)] = None
    """Start of the hour of the sample, where an interaction was sampled more than once."""
    time: Moment = None
    """When it was labelled; without it, when it is imported."""
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_NOTE), AfterValidator(_note)] = ""


COLUMNS = tuple(Entry.model_fields)
NEEDED = tuple(name for name, field in Entry.model_fields.items() if field.is_required())


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Flaw:
    """What is wrong with one line, and what to do."""

    line: int
    """The file's first line is 1."""
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One readable line."""

    number: int
    entry: Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelFile:
    """A file that was read; blank lines are passed over."""

    name: str
    lines: tuple[Line, ...]
    flaws: tuple[Flaw, ...]


def read_labels(path: Path) -> LabelFile:
    """Read a file, `.jsonl` or `.csv`.

    Raises:
        InputError: it cannot be read, has another ending, is too large or empty, is no UTF-8, or a CSV's header is
            wrong.
    """
    readers = {".jsonl": _jsonl, ".csv": _csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: name a file that ends in .jsonl or .csv")
    lines: list[Line] = []
    flaws: list[Flaw] = []
    for number, given in reader(path, _content(path)):
        if isinstance(given, str):
            flaws.append(Flaw(line=number, what=given))
            continue
        try:
            lines.append(Line(number=number, entry=Entry.model_validate(given)))
        except ValidationError as error:
            flaws += [Flaw(line=number, what=_what(one)) for one in error.errors(include_url=False)]
    if not lines and not flaws:
        raise InputError(f"{path} holds no label; write one a line, with {', '.join(NEEDED)}")
    return LabelFile(name=str(path), lines=tuple(lines), flaws=tuple(flaws))


def _content(path: Path) -> list[str]:
    """Give the lines, each with its end."""
    try:
        if not path.is_file():
            raise InputError(f"{path}: there is no such file")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise InputError(f"{path} is larger than {MAX_BYTES // 2**20} MiB; split it")
    for number, line in enumerate(raw.split(b"\n"), 1):
        if len(line) > MAX_LINE:
            raise InputError(f"{path}, line {number}: is longer than {MAX_LINE // 1024} KiB; this is no label")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {number}: is not UTF-8; save the file as UTF-8 (in Excel: CSV UTF-8)") from None
    # Not `splitlines`: it also splits at U+2028 and others, which may stand inside a line.
    return [f"{line}\n" for line in text.replace("\r\n", "\n").split("\n")]


Given = dict[str, Any] | str
"""A line as a mapping, or what is wrong with it."""


def _jsonl(_path: Path, lines: Sequence[str]) -> Iterator[tuple[int, Given]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            given = json.loads(line, object_pairs_hook=_once)
        except _Twice as twice:
            yield number, f"{shown(str(twice))} stands in it twice; keep one"
        except (ValueError, RecursionError):
            yield number, 'is no JSON; write {"id": ..., "dimension": ..., "label": ..., "reviewer": ...}'
        else:
            yield number, given if isinstance(given, dict) else "is no JSON object; put it in { }"


class _Twice(Exception):  # noqa: N818 - a message to the reader above
    """A key stands twice in one object."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise _Twice(name)
        made[name] = value
    return made


def _csv(path: Path, lines: Sequence[str]) -> Iterator[tuple[int, Given]]:
    delimiter = max(_DELIMITERS, key=lines[0].count)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            if header is None:
                raise InputError(f"{path}, line {number}: is no CSV header ({error}); name the columns there") from None
            yield number, "is no CSV: a quotation mark is open or stands alone; write it twice inside a quoted field"
            continue
        if cells is None:
            break
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = _header(path, number, cells)
        elif len(cells) != len(header):
            yield (
                number,
                f"has {len(cells)} fields where the header names {len(header)}; quote a field with {delimiter!r} in it",
            )
        else:
            yield number, dict(zip(header, cells, strict=True))
    if header is None:
        raise InputError(f"{path} is empty; its first line must name the columns {', '.join(NEEDED)}")


def _header(path: Path, number: int, cells: Sequence[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    problems = [f"{name} is missing" for name in NEEDED if name not in names]
    problems += [f"{shown(name)} is none of ours" for name in names if name not in COLUMNS]
    problems += [f"{name} stands twice" for name in COLUMNS if names.count(name) > 1]
    if problems:
        raise InputError(
            f"{path}, line {number}: the columns are wrong: {', '.join(problems[:10])}; "
            f"needed: {', '.join(NEEDED)}; possible: {', '.join(COLUMNS[len(NEEDED) :])}"
        )
    return names


def _what(error: Any) -> str:
    """Say what pydantic found, without the value: it may be long, or not for every eye."""
    name = str(error["loc"][0])
    if error["type"] == "missing":
        return f"{name} is missing"
    if error["type"] == "extra_forbidden":
        return f"{shown(name)} is none of ours; possible: {', '.join(COLUMNS)}"
    if error["type"] == "string_type":
        return f"{name} is no text; put it in quotes"
    if error["type"] == "string_too_short":
        return f"{name} is empty"
    if error["type"] == "string_unicode":
        return f"{name} holds half a character (a lone surrogate); type it again"
    if error["type"] in {"string_too_long", "too_long"}:
        return f"{name} is longer than {error['ctx']['max_length']} characters"
    return f"{name} {error['msg'].removeprefix('Value error, ')}"
