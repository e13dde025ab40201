"""Rates for people: each with its interval, its coverage and the identity of the scorer behind it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from monitor.estimate.rates import RateEstimate, weighted_rate
from monitor.report.ledger import Span
from monitor.report.terms import read_series
from monitor.scoring.verdict import Scorer
from monitor.store.client import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """The rate of one dimension in one segment, by one scorer."""

    dimension: str
    scorer_id: str
    segment: dict[str, str]
    """Empty = everything."""
    estimate: RateEstimate
    judge: str = ""
    """Name of the judge whose series it is: its rate is not corrected for its errors. Empty = no judge."""

    def as_json(self) -> dict[str, Any]:
        """Give plain values, for `--json`."""
        return {
            "dimension": self.dimension,
            "segment": self.segment,
            "scorer": self.scorer_id,
            **({"judge": self.judge, "corrected_for_judge_error": False} if self.judge else {}),
            **asdict(self.estimate),
        }


def rates(
    store: Store,
    span: Span,
    *,
    splits: Sequence[Sequence[str]] = (),
    scorers: Sequence[Scorer] = (),
    dimension: str | None = None,
    confidence: float = 0.95,
) -> list[Rate]:
    """Estimate every dimension over a span, for everything and for each segment of each split.

    A split is a list of segment fields; all splits come from one reading of a series. Series of different scorer
    identities stay apart. `scorers` are shown even if they have scored nothing yet.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    rows = store.query("series", since=span.since, until=span.until)
    series = {(row["dimension"], row["scorer_id"]): row["judge"] for row in rows}
    series |= {(s.identity.dimension, s.identity.id): "" for s in scorers}
    by = sorted({field for split in splits for field in split})
    found: list[Rate] = []
    for (one, scorer_id), judge in sorted(series.items()):
        if dimension is not None and one != dimension:
            continue
        read = read_series(store, span, dimension=one, scorer_id=scorer_id, judge=judge, by=by)
        rate = partial(Rate, dimension=one, scorer_id=scorer_id, judge=judge)
        found.append(rate(segment={}, estimate=weighted_rate(read.terms, read.totals, confidence=confidence)))
        found.extend(
            rate(segment=segment, estimate=weighted_rate(terms, None, confidence=confidence))
            for split in splits
            for segment, terms in read.segments(split)
        )
    return found
