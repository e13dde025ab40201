"""Reads what a rate is made from: one series' sampled records with their verdicts, as arrays."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor.estimate.rates import SampleTerms, StratumTotal
from monitor.estimate.variance import Ints
from monitor.report.ledger import Span, ledger_counts
from monitor.report.segments import Coded, coded, segments
from monitor.scoring.verdict import POSITIVE_ABOVE
from monitor.store.client import Store


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Series:
    """The records of a span for one dimension and one scorer, in the order of their ids, with the span's totals."""

    terms: SampleTerms
    totals: list[StratumTotal]
    fields: dict[str, Coded]

    def segments(self, by: Sequence[str]) -> Iterator[tuple[dict[str, str], SampleTerms]]:
        """Give each combination of values of the fields `by` that occurs, sorted, with its records."""
        for label, chosen in segments(self.fields, by):
            yield label, _part(self.terms, chosen)


def read_series(store: Store, span: Span, *, dimension: str, scorer_id: str, by: Sequence[str]) -> Series:
    """Read one classifier's series once, with the segment fields `by`.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    columns = store.columns(
        "terms", since=span.since, until=span.until, dimension=dimension, scorer=scorer_id, by=list(by)
    )
    # After the samples, never before: the ledger is written after them (see `with_absent`).
    totals = [
        StratumTotal(name=name, sampled=kept, sampled_out=left)
        for name, (kept, left) in sorted(ledger_counts(store, span).strata.items())
    ]
    code = {total.name: i for i, total in enumerate(totals)}
    # A stratum that the ledger does not know yet: its samples are written before their ledger row.
    stratum = np.array([code.get(name, -1) for name in columns["stratum"]], dtype=np.int64)
    keep = stratum >= 0
    value = np.array(columns["value"], dtype=np.float64)
    missing = np.isnan(value)
    _, conversation = np.unique(np.array(columns["hash"], dtype=np.uint64), return_inverse=True)
    terms = SampleTerms(
        value=np.where(missing, math.nan, value > POSITIVE_ABOVE)[keep],
        pi=np.array(columns["probability"], dtype=np.float64)[keep],
        stratum=stratum[keep],
        conversation=conversation.astype(np.int64)[keep],
        unscored=(missing & np.array(columns["ended"], dtype=np.bool_))[keep],
    )
    fields = {field: coded(columns[field]).only(keep) for field in by}
    return Series(terms=terms, totals=_at_least(totals, terms), fields=fields)


def _at_least(totals: list[StratumTotal], terms: SampleTerms) -> list[StratumTotal]:
    # Samples of a batch can be visible before its ledger rows; a population is never smaller than its sample.
    seen = np.bincount(terms.stratum, minlength=len(totals))
    return [
        total if total.population >= int(n) else replace(total, sampled=int(n) - total.sampled_out)
        for total, n in zip(totals, seen, strict=True)
    ]


def _part(terms: SampleTerms, chosen: Ints) -> SampleTerms:
    return SampleTerms(
        value=terms.value[chosen],
        pi=terms.pi[chosen],
        stratum=terms.stratum[chosen],
        conversation=terms.conversation[chosen],
        unscored=None if terms.unscored is None else terms.unscored[chosen],
    )
