"""Writes `estimates`: the rates of each hour, for everything and by segment; always recomputable (DESIGN §8)."""

from monitor.intake.sampling import WINDOW_SECONDS
from monitor.report.ledger import Span
from monitor.report.rates import Rate, rates
from monitor.store.client import Store
from monitor.store.rows import EstimateRow, to_columns

SEGMENTS: tuple[tuple[str, ...], ...] = (("model_version",), ("locale",), ("tenant",))
RECENT_S = 2 * 3600
"""A window is computed again while samples or scores of so late have reached it."""


def rollup(store: Store) -> int:
    """Recompute every window that changed of late and give the number of rows written.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    written = 0
    for row in store.query("touched_windows", recent_s=RECENT_S):
        span = Span(since=row["window"], until=row["window"] + WINDOW_SECONDS)
        found = rates(store, span)
        for by in SEGMENTS:
            found.extend(one for one in rates(store, span, by=by) if one.segment)
        rows = [_row(one, span) for one in found]
        store.insert("estimates", to_columns(rows))
        written += len(rows)
    return written


def _row(rate: Rate, span: Span) -> EstimateRow:
    estimate = rate.estimate
    return EstimateRow(
        window=span.since,
        window_hours=(span.until - span.since) // 3600,
        segment=rate.segment,
        dimension=rate.dimension,
        scorer_id=rate.scorer_id,
        rate=estimate.rate,
        low=estimate.low,
        high=estimate.high,
        confidence=estimate.confidence,
        population=float(estimate.n_population),
        sampled=estimate.n_sampled,
        scored=estimate.n_scored,
        unscored=estimate.n_unscored,
        due=estimate.n_due,
        coverage=estimate.coverage or 0.0,
        method=estimate.method,
    )
