"""Reads a span of windows into typed columns, one row a sample."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from monitor.errors import InputError
from monitor.estimate.variance import Floats
from monitor.report.ledger import Span
from monitor.store.client import Store

Labels: TypeAlias = npt.NDArray[np.object_]
Hashes: TypeAlias = npt.NDArray[np.uint64]
Series: TypeAlias = tuple[str, str]
"""Dimension and scorer id: verdicts of two scorers are two columns, never one."""

NUMBERS = ("request_length", "answer_length", "turn", "feedback")
LABELS = ("locale", "model_version", "tenant", "finish_reason")

SAMPLE_LIMIT = 10_000
"""Samples a span: beyond it a comparison takes longer and finds nothing more that matters."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SpanColumns:
    """The samples of a span as columns of shape (n,), in one order.

    Raises ValueError on unequal lengths or a probability outside (0, 1].
    """

    probability: Floats
    """The chance with which the sample was kept."""
    conversation: Hashes
    """Equal for samples of one conversation: they are not independent of each other."""
    numbers: Mapping[str, Floats]
    """NaN where there is no value."""
    labels: Mapping[str, Labels]
    """Strings; empty where there is no value."""
    verdicts: Mapping[Series, Floats]
    """In [0, 1]; NaN where there is no verdict."""

    def __post_init__(self) -> None:
        """Refuse columns that do not belong together."""
        n = len(self)
        columns = (self.conversation, *self.numbers.values(), *self.labels.values(), *self.verdicts.values())
        if any(len(column) != n for column in columns):
            raise ValueError(f"columns of a span must all have {n} rows")
        if not bool(np.all((self.probability > 0) & (self.probability <= 1))):
            raise ValueError("probabilities must lie in (0, 1]")

    def __len__(self) -> int:
        """How many samples."""
        return len(self.probability)


def spans_before(since_s: float, against_s: float, *, now: datetime) -> tuple[Span, Span]:
    """Give the reference and the current span: the last `since_s` seconds, and the `against_s` before them.

    Whole windows; the running one counts as current. The two never overlap.

    Raises:
        InputError: one of the two is not longer than nothing.
    """
    if not (since_s > 0 and against_s > 0):
        raise InputError("drift compares two spans; both must be longer than nothing")
    current = Span.last(since_s, now=now)
    before = Span.last(since_s + against_s, now=now)
    if before.since >= current.since:
        raise InputError("the reference is shorter than a window; name one of an hour or more")
    return Span(since=before.since, until=current.since), current


def read_span(store: Store, span: Span, *, limit: int = SAMPLE_LIMIT) -> SpanColumns:
    """Read at most `limit` samples of a span; what is left out is left out at random, by hash over probability.

    Blocks on ClickHouse. Canaries are no traffic and not read.

    Raises:
        InputError: the limit is below 1.
        StoreUnavailable: ClickHouse does not answer.
    """
    if limit < 1:
        raise InputError(f"the limit of samples must be 1 or more, got {limit}")
    found = store.columns("drift_columns", since=span.since, until=span.until, limit=limit)
    return SpanColumns(
        probability=np.array(found["probability"], dtype=np.float64),
        conversation=np.array(found["hash"], dtype=np.uint64),
        numbers={name: _numbers(found[name]) for name in NUMBERS},
        labels={name: np.array(found[name], dtype=object) for name in LABELS},
        verdicts=_verdicts(found["verdicts"]),
    )


def _numbers(values: Sequence[Any]) -> Floats:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _verdicts(maps: Sequence[Mapping[str, float]]) -> dict[Series, Floats]:
    found: dict[Series, Floats] = {}
    for row, verdicts in enumerate(maps):
        for key, value in verdicts.items():
            dimension, _, scorer_id = key.rpartition("@")
            column = found.setdefault((dimension, scorer_id), np.full(len(maps), math.nan))
            column[row] = value
    return found
