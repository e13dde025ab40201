"""Every term of one hour's estimates, so that a person can follow a number, beside what the rollup stored of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.errors import InputError
from monitor.estimate.grouped import Bound, CellMean, Grouped
from monitor.estimate.terms import SampleTerms, StratumTotal, with_absent
from monitor.intake.sampling import WINDOW_SECONDS
from monitor.report.ledger import Span
from monitor.report.rates import Rate, rates
from monitor.report.segments import SEGMENT_FIELDS
from monitor.report.terms import read_series
from monitor.store.client import Store

ALL = "all"
LAST = "last"
CLOSE = 1e-9
"""Two computations of one number from the same rows differ by less."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What the rollup wrote."""

    rate: float | None
    low: float
    high: float
    scored: int
    due: int
    computed_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """One estimate and its terms."""

    rate: Rate
    totals: tuple[StratumTotal, ...]
    """What the ledger counts; empty for a segment, whose total is not counted but estimated."""
    means: tuple[CellMean, ...]
    """Of a classifier's rate, which is the sum of `share * mean`; empty where the rate has phases."""
    bounds: tuple[Bound, ...]
    """Of a classifier's interval: one, or two where verdicts are missing."""
    stored: Stored | None

    @property
    def differs(self) -> bool:
        """Whether what is stored is another number."""
        if self.stored is None:
            return False
        here = self.rate.estimate
        if (self.stored.rate is None) != (here.rate is None):
            return True
        pairs = (
            (self.stored.low, here.low),
            (self.stored.high, here.high),
            (self.stored.rate or 0.0, here.rate or 0.0),
        )
        return any(abs(one - other) > CLOSE for one, other in pairs)

    def as_json(self) -> dict[str, Any]:
        """Give plain values, for `--json`."""
        phases = self.rate.phases
        return {
            **self.rate.as_json(),
            "strata": [asdict(one) for one in self.totals],
            "means": [asdict(one) for one in self.means],
            "bounds": [asdict(one) for one in self.bounds],
            "terms": asdict(phases) if phases else None,
            "stored": asdict(self.stored) if self.stored else None,
            "differs": self.differs,
        }


def explain(store: Store, span: Span, segment: Mapping[str, str], dimension: str) -> list[Explained]:
    """Compute every estimate of one hour, segment and dimension anew, with its terms; empty where there is none.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    by = tuple(sorted(segment))
    wanted = dict(segment)
    known = {
        (row["scorer_id"], int(row["corrected"])): row
        for row in store.query("estimates_of", since=span.since, dimension=dimension)
        if dict(row["segment"]) == wanted
    }
    found = []
    for rate in rates(store, span, splits=[by] if by else [], dimension=dimension):
        if rate.segment == wanted:
            row = known.get((rate.scorer_id, int(rate.corrected)))
            found.append(_explained(store, span, rate, _stored(row) if row else None))
    return found


def read_window(text: str, store: Store) -> Span:
    """Read `2026-11-24T10`, an hour in UTC, or `last`: the newest hour that has estimates.

    Raises:
        InputError: it is neither, or nothing is estimated yet.
        StoreUnavailable: ClickHouse does not answer.
    """
    if text == LAST:
        newest = store.query("newest_estimate")[0]["window"]
        if not newest:
            raise InputError("no hour has estimates yet: the rollup writes them, and needs samples that are scored")
        return Span(since=newest, until=newest + WINDOW_SECONDS)
    match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})[T ](\d{2})(?::00(?::00)?)?Z?", text)
    try:
        start = (
            datetime.fromisoformat(match[1]).replace(tzinfo=UTC) + timedelta(hours=_hour(match[2])) if match else None
        )
    except ValueError:
        start = None
    if start is None or start.year < 1970:
        raise InputError(f"cannot read {text!r} as an hour; write it in UTC like 2026-11-24T10, or {LAST}")
    return Span(since=int(start.timestamp()), until=int(start.timestamp()) + WINDOW_SECONDS)


def read_segment(text: str) -> dict[str, str]:
    """Read `locale=tr-TR,tenant=acme`, or `all`.

    Raises:
        InputError: it is neither, or a field is unknown or named twice.
    """
    if text == ALL:
        return {}
    found: dict[str, str] = {}
    for one in text.split(","):
        field, equals, value = one.partition("=")
        if not equals or field.strip() not in SEGMENT_FIELDS or field.strip() in found:
            raise InputError(
                f"cannot read {text!r} as a segment; write {ALL}, or field=value pairs like locale=tr-TR with each of "
                f"these fields at most once: {', '.join(SEGMENT_FIELDS)}"
            )
        found[field.strip()] = value.strip()
    return found


def _hour(text: str) -> int:
    if int(text) > 23:
        raise ValueError(text)
    return int(text)


def _explained(store: Store, span: Span, rate: Rate, stored: Stored | None) -> Explained:
    if rate.phases is not None:
        return Explained(rate=rate, totals=(), means=(), bounds=(), stored=stored)
    by = tuple(sorted(rate.segment))
    read = read_series(store, span, dimension=rate.dimension, scorer_id=rate.scorer_id, by=by)
    terms, totals = read.terms, None if by else read.totals
    for label, part in read.segments(by) if by else _nothing():
        if label == rate.segment:
            terms = part
    terms = terms if totals is None else with_absent(terms, totals)
    if rate.estimate.rate is None:
        return Explained(rate=rate, totals=tuple(totals or ()), means=(), bounds=(), stored=stored)
    grouped = Grouped(terms, totals)
    confidence, target = rate.estimate.confidence, rate.estimate.target
    return Explained(
        rate=rate,
        totals=tuple(totals or ()),
        means=tuple(grouped.means()),
        bounds=tuple(grouped.bound(fill, confidence, target) for fill in grouped.fills),
        stored=stored,
    )


def _nothing() -> Iterator[tuple[dict[str, str], SampleTerms]]:
    return iter(())


def _stored(row: Mapping[str, Any]) -> Stored:
    return Stored(
        rate=row["rate"],
        low=row["low"],
        high=row["high"],
        scored=row["scored"],
        due=row["due"],
        computed_at=datetime.fromtimestamp(row["computed_ms"] / 1000, tz=UTC),
    )
