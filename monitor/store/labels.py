"""Labels by people in ClickHouse: which samples they are about, what was said before, whether a draw stands behind."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar
from uuid import UUID

from monitor.store.client import Store
from monitor.store.rows import LabelRow, to_columns

ASKED_AT_ONCE = 500
"""Ids in one question: they travel in its address."""

T = TypeVar("T")

Key = tuple[UUID, str, str]
"""Sample, dimension and reviewer: of each there is one visible label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a sample lies."""

    window: int
    sample_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A stored label."""

    label: str
    note: str
    labelled_at: int
    """Milliseconds since 1970."""


def drawn_name(dimension: str) -> str:
    """Give the name under which `selections` holds the draws for people to label."""
    return f"human:{dimension}"


def find_places(store: Store, ids: Iterable[str]) -> Mapping[str, Sequence[Place]]:
    """Give the samples that each id means, as the id of a sample or of an interaction; none where it is not known.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    found: dict[str, set[Place]] = {}
    for part in _parts(dict.fromkeys(ids)):
        written: dict[UUID, list[str]] = {}
        for one in part:
            if (number := _uuid(one)) is not None:
                written.setdefault(number, []).append(one)
        for row in store.query("label_places", ids=list(written), names=part):
            place = Place(window=row["window"], sample_id=row["sample_id"])
            for name in {*written.get(row["sample_id"], ()), row["interaction_id"]}.intersection(part):
                found.setdefault(name, set()).add(place)
    return {name: sorted(places, key=lambda one: (one.window, one.sample_id)) for name, places in found.items()}


def said_before(store: Store, places: Iterable[Place]) -> Mapping[Key, Said]:
    """Give all labels of these samples; raises StoreUnavailable."""
    found = {}
    for part in _parts(dict.fromkeys(places)):
        windows = sorted({one.window for one in part})
        for row in store.query("labels_of", windows=windows, ids=[one.sample_id for one in part]):
            found[row["sample_id"], row["dimension"], row["reviewer"]] = Said(
                label=row["label"], note=row["note"], labelled_at=row["labelled_ms"]
            )
    return found


def drawn(store: Store, dimension: str, places: Iterable[Place]) -> set[UUID]:
    """Give those of the samples that were drawn to be labelled in the dimension; raises StoreUnavailable."""
    found: set[UUID] = set()
    for part in _parts(dict.fromkeys(places)):
        windows = sorted({one.window for one in part})
        rows = store.query(
            "labels_drawn", windows=windows, ids=[one.sample_id for one in part], judge=drawn_name(dimension)
        )
        found |= {row["sample_id"] for row in rows}
    return found


def write(store: Store, rows: Sequence[LabelRow]) -> None:
    """Store labels, in one insert: of a run that is cut short all are there or none, a month of windows apart.

    Raises:
        StoreUnavailable: it cannot be told whether they are stored; storing them again ends the same.
    """
    store.insert("labels", to_columns(rows))


def _parts(things: Iterable[T]) -> Iterator[list[T]]:
    left = iter(things)
    while part := list(islice(left, ASKED_AT_ONCE)):
        yield part


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
