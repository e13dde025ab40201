"""What changed between two constitutions, field by field, and what follows: new verdicts, other alerts, or nothing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from monitor.scoring.constitution.model import JUDGED_FIELDS, Constitution, Principle, calls


class Effect(StrEnum):
    """What a change does."""

    SCORER = "scorer"
    """Another scorer identity: verdicts are due anew, and rates before and after are not of one scorer."""
    ALERT = "alert"
    """The verdicts stay; when people are called changes."""
    CHOICE = "choice"
    """The verdicts stay; which interactions are judged, or by whom, changes."""
    RECORD = "record"
    """Only what is written down for people."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One field that is not the same."""

    principle: str
    """Its id; empty = the constitution's own."""
    field: str
    """Its path, such as `labels.partial.meaning.tr`; empty = the principle as a whole."""
    before: str | None
    """None = it was not there."""
    after: str | None
    """None = it is gone."""
    effect: Effect


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """All changes from one constitution to another."""

    before: str
    """sha256."""
    after: str
    changes: tuple[Change, ...]
    rescored: tuple[str, ...]
    """Dimensions that both have and that judges must look at anew, those asked in one call with a changed one too."""


_ALERT = {"severity", "limit", "reference"}
_CHOICE = {"judges"}


def diff(old: Constitution, new: Constitution) -> Difference:
    """Compare two constitutions; principles are told by their ids."""
    changes = [*_compare("", old, new, _own_effect)]
    before, after = ({one.id: one for one in each.principles} for each in (old, new))
    for name, was in before.items():
        if name not in after:
            changes.append(Change(principle=name, field="", before=was.dimension, after=None, effect=Effect.SCORER))
        else:
            changes += _compare(name, was, after[name], _Effects(was, after[name]))
    changes += [
        Change(principle=name, field="", before=None, after=one.dimension, effect=Effect.SCORER)
        for name, one in after.items()
        if name not in before
    ]
    asked = _asked(old)
    rescored = tuple(one for one, digests in _asked(new).items() if one in asked and asked[one] != digests)
    return Difference(before=old.sha256, after=new.sha256, changes=tuple(changes), rescored=rescored)


def _asked(constitution: Constitution) -> dict[str, tuple[str, ...]]:
    """Give by dimension the digests of all that may be asked in its call, its own first."""
    found = {}
    for call in calls(constitution.principles):
        digests = [constitution.digest(one) for one in call]
        for n, one in enumerate(call):
            found[one.dimension] = (digests[n], *digests)
    return found


class _Effects:
    def __init__(self, was: Principle, now: Principle) -> None:
        self._labels_by_itself = any(one.applies_when.otherwise is not None for one in (was, now))

    def __call__(self, top: str) -> Effect:
        if top in _ALERT:
            return Effect.ALERT
        if top in {*JUDGED_FIELDS, "reads", "group"} or (top == "applies_when" and self._labels_by_itself):
            return Effect.SCORER
        return Effect.CHOICE if top in {*_CHOICE, "applies_when"} else Effect.RECORD


def _own_effect(top: str) -> Effect:
    return Effect.SCORER if top in {"forbidden_topics", "tone"} else Effect.RECORD


def _compare(principle: str, old: BaseModel, new: BaseModel, effect: Any) -> Iterator[Change]:
    was, now = (_flat(one.model_dump(mode="json", exclude_defaults=True)) for one in (old, new))
    for path in dict.fromkeys([*was.values, *now.values]):
        before, after = was.values.get(path), now.values.get(path)
        if before != after:
            yield Change(principle=principle, field=path, before=before, after=after, effect=effect(_top(path)))
    for path, order in was.orders.items():
        other = now.orders.get(path, ())
        kept = [[name for name in order if name in other], [name for name in other if name in order]]
        if kept[0] != kept[1]:
            before, after = (", ".join(names) for names in kept)
            yield Change(
                principle=principle, field=f"{path} (order)", before=before, after=after, effect=effect(_top(path))
            )


def _top(path: str) -> str:
    return path.split(".", 1)[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Flat:
    values: dict[str, str] = field(default_factory=dict)
    orders: dict[str, tuple[str, ...]] = field(default_factory=dict)


def _flat(plain: Mapping[str, Any]) -> _Flat:
    flat = _Flat()
    _flatten(plain, "", flat)
    return flat


def _flatten(value: Any, path: str, flat: _Flat) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _flatten(inner, f"{path}.{name}" if path else name, flat)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        keys = tuple(_keys(path, value))
        flat.orders[path] = keys
        if path == "principles":
            # Each is compared by itself.
            return
        for name, inner in zip(keys, value, strict=True):
            _flatten(inner, f"{path}.{name}", flat)
    else:
        flat.values[path] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _keys(path: str, entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Give each entry of a list a name that stays where others are put before it."""
    seen: dict[str, int] = {}
    for n, entry in enumerate(entries):
        if path == "examples":
            said = entry.get("request") or entry["messages"][-1]["content"]
            name = f"{entry['locale']} “{said[:60]}”"
        else:
            name = str(entry.get("id") or entry.get("name") or entry.get("dimension") or n + 1)
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})"
