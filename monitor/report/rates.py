"""Rates for people: each with its interval, its coverage and the identity of the scorer behind it."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from monitor.estimate.rates import RateEstimate, SampleTerms, StratumTotal, weighted_rate
from monitor.report.ledger import Span, ledger_counts
from monitor.scoring.verdict import POSITIVE_ABOVE, Scorer
from monitor.store.client import Store

SegmentField = Literal["model", "model_version", "locale", "tenant", "deployment", "prompt_version"]
SEGMENT_FIELDS: tuple[str, ...] = get_args(SegmentField)


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
    by: Sequence[str] = (),
    scorers: Sequence[Scorer] = (),
    dimension: str | None = None,
    confidence: float = 0.95,
) -> list[Rate]:
    """Estimate every dimension over a span, for everything and, when `by` names fields, for each segment.

    Series of different scorer identities stay apart. `scorers` are shown even if they have scored nothing yet.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    rows = store.query("series", since=span.since, until=span.until)
    series = {(row["dimension"], row["scorer_id"]): row["judge"] for row in rows}
    series |= {(s.identity.dimension, s.identity.id): "" for s in scorers}
    found: list[Rate] = []
    for (one_dimension, scorer_id), judge in sorted(series.items()):
        if dimension is not None and one_dimension != dimension:
            continue
        columns = store.columns(
            "terms",
            since=span.since,
            until=span.until,
            dimension=one_dimension,
            scorer=scorer_id,
            judge=judge,
            by=list(by),
        )
        # After the samples, never before: the ledger is written after them (see `with_absent`).
        totals = [
            StratumTotal(name=name, sampled=kept, sampled_out=left)
            for name, (kept, left) in sorted(ledger_counts(store, span).strata.items())
        ]
        terms, labels = _terms(columns, [t.name for t in totals])
        totals = _chosen(totals, terms) if judge else _at_least(totals, terms)
        found.append(
            Rate(
                dimension=one_dimension,
                scorer_id=scorer_id,
                segment={},
                estimate=weighted_rate(terms, totals, confidence=confidence),
                judge=judge,
            )
        )
        if by:
            found.extend(
                replace(one, judge=judge) for one in _segments(labels, terms, by, one_dimension, scorer_id, confidence)
            )
    return found


def _terms(columns: dict[str, Sequence[Any]], strata: list[str]) -> tuple[SampleTerms, list[tuple[str, ...]]]:
    status = np.array(columns["status"], dtype=object)
    value = np.array([math.nan if v is None else v > POSITIVE_ABOVE for v in columns["value"]], dtype=np.float64)
    code = {name: i for i, name in enumerate(strata)}
    # A stratum that the ledger does not know yet: its samples are written before their ledger row.
    known = np.array([code.get(name, -1) for name in columns["stratum"]], dtype=np.int64)
    keep = known >= 0
    _, conversation = np.unique(np.array(columns["hash"], dtype=np.uint64), return_inverse=True)
    terms = SampleTerms(
        value=value[keep],
        pi=np.array(columns["probability"], dtype=np.float64)[keep],
        stratum=known[keep],
        conversation=conversation.astype(np.int64)[keep],
        unscored=(np.isnan(value) & (status != ""))[keep],
    )
    return terms, [tuple(label) for label, kept in zip(columns["segment"], keep, strict=True) if kept]


def _at_least(totals: list[StratumTotal], terms: SampleTerms) -> list[StratumTotal]:
    # Samples of a batch can be visible before its ledger rows; a population is never smaller than its sample.
    seen = np.bincount(terms.stratum, minlength=len(totals))
    return [
        t
        if t.population >= int(n)
        else StratumTotal(name=t.name, sampled=int(n) - t.sampled_out, sampled_out=t.sampled_out)
        for t, n in zip(totals, seen, strict=True)
    ]


def _chosen(totals: list[StratumTotal], terms: SampleTerms) -> list[StratumTotal]:
    """Count as sampled what a judge was to see: all else of the stratum, it stands for."""
    seen = np.bincount(terms.stratum, minlength=len(totals))
    return [
        StratumTotal(name=t.name, sampled=int(n), sampled_out=max(t.population, int(n)) - int(n))
        for t, n in zip(totals, seen, strict=True)
    ]


def _segments(
    labels: Sequence[tuple[str, ...]],
    terms: SampleTerms,
    by: Sequence[str],
    dimension: str,
    scorer_id: str,
    confidence: float,
) -> list[Rate]:
    members: dict[tuple[str, ...], list[int]] = {}
    for i, label in enumerate(labels):
        members.setdefault(label, []).append(i)
    found = []
    for label, indices in sorted(members.items()):
        chosen = np.array(indices)
        part = SampleTerms(
            value=terms.value[chosen],
            pi=terms.pi[chosen],
            stratum=terms.stratum[chosen],
            conversation=terms.conversation[chosen],
            unscored=None if terms.unscored is None else terms.unscored[chosen],
        )
        found.append(
            Rate(
                dimension=dimension,
                scorer_id=scorer_id,
                segment=dict(zip(by, label, strict=True)),
                estimate=weighted_rate(part, None, confidence=confidence),
            )
        )
    return found
