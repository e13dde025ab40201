"""Pydantic's errors in the words of the person who wrote the file: where it is, what is wrong, what to do."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from monitor.scoring.constitution.model import Constitution, Principle
from monitor.scoring.constitution.parts import (
    AppliesWhen,
    Example,
    ForbiddenTopic,
    Label,
    Part,
    Phase1,
    Reference,
)

_FIELDS: Mapping[str, Mapping[str, str]] = {
    name: {field: info.description or "" for field, info in part.model_fields.items()}
    for name, part in dict[str, type[Part]](
        {
            "": Constitution,
            "principles": Principle,
            "labels": Label,
            "examples": Example,
            "forbidden_topics": ForbiddenTopic,
            "applies_when": AppliesWhen,
            "phase1": Phase1,
            "reference": Reference,
        }
    ).items()
} | {"messages": {"role": "system, user, assistant or tool", "content": "what is said"}}
"""What each part may hold, and what that is."""
_ONE_OF = {
    "principles": "principle",
    "labels": "label",
    "examples": "example",
    "messages": "message",
    "forbidden_topics": "topic",
    "phase1": "phase1 condition",
}
_CALLED_BY = ("id", "name", "dimension")

_PATTERNS = {
    "locale": "must be a language code such as `en`, `tr` or `tr-CY`",
    "locales": "must be language codes such as `en`, `tr` or `tr-CY`",
    "id": "must be lower-case letters a-z, digits, `_` and `-`, at most 40",
    "judges": "must be endpoint names: lower-case letters a-z, digits, `_` and `-`, at most 40",
    "group": "must be lower-case letters a-z, digits, `_` and `-`, at most 40",
}
_NAME = "must be lower-case letters a-z, digits and `_`, beginning with a letter, at most 60"


def place(path: tuple[str | int, ...], tree: Any) -> str:
    """Say where a path leads, in words: `principle refusal, label partial, value`."""
    words: list[str] = []
    value, before = tree, ""
    for part in path:
        value = _child(value, part)
        if isinstance(part, int):
            called = next((value[f] for f in _CALLED_BY if isinstance(value, dict) and _short(value.get(f))), part + 1)
            if words and before in _ONE_OF:
                words[-1] = f"{_ONE_OF[before]} {called}"
            else:
                words.append(f"entry {part + 1}")
        elif part != "[key]":
            words.append(shown(part))
            before = part
    return ", ".join(words) or "the file"


def what(error: ErrorDetails) -> str:
    """Say what is wrong and what to do."""
    kind, path, given = error["type"], error["loc"], error.get("input")
    if kind == "constitution":
        return str(error.get("ctx", {})["what"])
    if kind == "missing":
        about = _fields(path).get(str(path[-1]), "")
        return f"is missing; add `{path[-1]}: ...`" + (f", {about}" if about else "")
    if kind == "extra_forbidden":
        return _unknown(str(path[-1]), tuple(_fields(path)))
    if kind == "string_pattern_mismatch":
        return f"{_pattern(path)}, not {shown(given)}"
    if given is None:
        return "is empty; write it, or remove the line"
    # Whatever pydantic may find besides: its own words are better than none.
    rule = _RULES[kind].format(**error.get("ctx", {})) if kind in _RULES else error["msg"]
    if kind in _SAY_WHAT_WAS_GIVEN:
        rule += f", not {shown(given)}"
    return rule + (_percent(given) if "0 to 1" in rule else "")


_RULES = {
    "greater_than_equal": "must be from 0 to 1",
    "less_than_equal": "must be from 0 to 1",
    "finite_number": "must be from 0 to 1",
    "float_parsing": "must be a number from 0 to 1, such as 0.5",
    "float_type": "must be a number from 0 to 1, such as 0.5",
    "string_type": "must be text",
    "bool_parsing": "must be `true` or `false`",
    "bool_type": "must be `true` or `false`",
    "literal_error": "must be {expected}",
    "tuple_type": "must be a list, each entry on a line that begins with `- `",
    "model_type": "must be a block of `field: value` lines",
    "dict_type": "must be a block of `field: value` lines",
    "string_too_short": "must not be empty; write it",
    "string_too_long": "is longer than {max_length:,} characters; shorten it, a judge must hold it in mind",
    "too_short": "has {actual_length} entries and needs at least {min_length}; add some",
    "too_long": "has more than {max_length} entries; remove some",
}
_SAY_WHAT_WAS_GIVEN = {kind for kind, rule in _RULES.items() if rule.startswith("must") and ";" not in rule}


def shown(value: object) -> str:
    """Show a value of the file in a message: its beginning, in one line, without control characters."""
    if isinstance(value, dict):
        return "a block of fields"
    if isinstance(value, (list, tuple)):
        return "a list"
    clean = "".join(c if c.isprintable() else " " for c in str(value)[:60])
    return clean if isinstance(value, str) and clean.isidentifier() else repr(clean)


def _pattern(path: tuple[str | int, ...]) -> str:
    if "[key]" in path:
        return _PATTERNS["locale"]
    field = next((part for part in reversed(path) if isinstance(part, str)), "")
    return _PATTERNS.get(field, _NAME)


def _fields(path: tuple[str | int, ...]) -> Mapping[str, str]:
    """Give the fields of the part in which the last field of a path stands."""
    owner = next((part for part in reversed(path[:-1]) if isinstance(part, str)), "")
    return _FIELDS.get(owner, {})


def _unknown(name: str, known: tuple[str, ...]) -> str:
    if name == "<<":
        return "is a merge key, which is not read here; write the fields out"
    near = get_close_matches(name, known, n=1)
    return "is no field here; " + (f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}")


def _percent(given: object) -> str:
    text = str(given).strip().removesuffix("%").strip().replace(",", ".")
    try:
        share = float(text) / 100
    except ValueError:
        return ""
    return f"; for {text} % write {share:g}" if 0 <= share <= 1 else ""


def _child(value: Any, part: str | int) -> Any:
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None


def _short(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 60 and value.isprintable()
