"""Reads a constitution from YAML; what is wrong with it is told all at once, each with its line."""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from monitor.errors import ConfigError
from monitor.scoring.constitution.explain import place, what
from monitor.scoring.constitution.model import Constitution, doubles
from monitor.scoring.constitution.tree import Flaw, Node, Unreadable, read

MAX_BYTES = 512 * 1024
SHIPPED = "default.yaml"
MAX_LINES = 50
"""Flaws that are told at once; the others come up when these are mended."""


def load(path: Path | None = None) -> Constitution:
    """Read a file; None = the constitution that ships, read once a process.

    Raises:
        ConfigError: the file cannot be read, or is no constitution; names each line and what to do about it.
    """
    if path is None:
        return _shipped()
    return parse(content(path), name=str(path))


def content(path: Path) -> str:
    """Read a file's text, bounded.

    Raises:
        ConfigError: there is no such file, or it is too large or no UTF-8 text.
    """
    try:
        if not path.is_file():
            raise ConfigError(f"{path}: there is no such file; name a constitution in YAML")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(
            f"{path} is larger than {MAX_BYTES // 1024} KiB; a constitution is read by people, shorten it"
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: is not UTF-8 text; save the file as UTF-8") from None


def parse(text: str, *, name: str = "constitution") -> Constitution:
    """Read a constitution from text; `name` stands in errors.

    Raises:
        ConfigError: as `load` does.
    """
    return parse_with_lines(text, name=name)[0]


def parse_with_lines(text: str, *, name: str = "constitution") -> tuple[Constitution, Node]:
    """Read a constitution with the tree it was made from, which tells lines.

    Raises:
        ConfigError: as `load` does.
    """
    if len(text) > MAX_BYTES:
        raise ConfigError(
            f"{name} is larger than {MAX_BYTES // 1024} KiB; a constitution is read by people, shorten it"
        )
    try:
        tree, flaws = read(text)
    except Unreadable as unreadable:
        raise _error(name, unreadable.flaws) from None
    plain = tree.plain()
    try:
        made = Constitution.model_validate(plain)
    except ValidationError as error:
        found = [
            Flaw(line=tree.line_of(e["loc"]), what=f"{place(e['loc'], plain)}: {what(e)}")
            for e in error.errors(include_url=False)
            if not _follows(e)
        ]
        raise _error(name, [*flaws, *found, *_doubles(tree, plain)]) from None
    if flaws:
        raise _error(name, flaws)
    return made, tree


def _follows(error: ErrorDetails) -> bool:
    """Say whether a list is called too short only because entries in it are wrong, which is told of each."""
    given = error["input"]
    return error["type"] == "too_short" and isinstance(given, list) and len(given) >= error["ctx"]["min_length"]


def _doubles(tree: Node, plain: object) -> list[Flaw]:
    """Find names that stand twice in a file that pydantic gave up before it came to compare them."""
    found = []
    if isinstance(plain, dict):
        for part, field in (("principles", "id"), ("principles", "dimension"), ("forbidden_topics", "id")):
            entries = plain.get(part)
            names = [one.get(field) if isinstance(one, dict) else None for one in _as_list(entries)]
            found += [
                Flaw(line=tree.line_of(path), what=f"{place(path, plain)}: {message}")
                for path, message in doubles(part, field, names)
            ]
    return found


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _error(name: str, flaws: list[Flaw] | tuple[Flaw, ...]) -> ConfigError:
    ordered = sorted({(flaw.line, flaw.what) for flaw in flaws})
    lines = [f"  line {line}: {text}" for line, text in ordered[:MAX_LINES]]
    if len(ordered) > MAX_LINES:
        lines.append(f"  and {len(ordered) - MAX_LINES} more")
    things = "one thing is" if len(ordered) == 1 else f"{len(ordered)} things are"
    return ConfigError(f"{name} is no constitution that can be used; {things} wrong:\n" + "\n".join(lines))


@lru_cache(maxsize=1)
def _shipped() -> Constitution:
    text = files("monitor.scoring.constitution").joinpath(SHIPPED).read_text("utf-8")
    return parse(text, name=f"the shipped {SHIPPED}")
