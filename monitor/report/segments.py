"""Splits the records of a series into segments, in one sort for all of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from monitor.estimate.terms import Bools
from monitor.estimate.variance import Ints

SegmentField = Literal["model", "model_version", "locale", "tenant", "deployment", "prompt_version"]
SEGMENT_FIELDS: tuple[str, ...] = get_args(SegmentField)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Coded:
    """One segment field of n records."""

    code: Ints
    """Position of each record's value in `values`, shape (n,)."""
    values: list[str]

    def only(self, keep: Bools) -> "Coded":
        """Leave the other records out."""
        return Coded(code=self.code[keep], values=self.values)


def coded(column: Sequence[str]) -> Coded:
    """Give the codes of a column of values."""
    position: dict[str, int] = {}
    codes = np.array([position.setdefault(name, len(position)) for name in column], dtype=np.int64)
    return Coded(code=codes, values=list(position))


def segments(fields: Mapping[str, Coded], by: Sequence[str]) -> Iterator[tuple[dict[str, str], Ints]]:
    """Give each combination of values of the fields `by` that occurs, sorted, with the positions of its records."""
    codes = np.stack([fields[field].code for field in by])
    if not codes.size:
        return
    found, member = np.unique(codes, axis=1, return_inverse=True)
    # A search a segment would make many tenants slow.
    order = np.argsort(member, kind="stable")
    edges = np.cumsum(np.bincount(member, minlength=found.shape[1]))[:-1]
    names = [tuple(fields[field].values[code] for field, code in zip(by, one, strict=True)) for one in found.T]
    for label, chosen in sorted(zip(names, np.split(order, edges), strict=True), key=lambda pair: pair[0]):
        yield dict(zip(by, label, strict=True)), chosen
