"""Writes `estimates`: the rates of each hour, for everything and by segment; always recomputable (DESIGN §8)."""

from monitor.intake.sampling import WINDOW_SECONDS
from monitor.report.ledger import Span
from monitor.report.rates import Rate, rates
from monitor.store.client import Store
from monitor.store.rows import EstimateRow, to_columns

SEGMENTS: tuple[tuple[str, ...], ...] = (("model_version",), ("locale",), ("tenant",))
LOOK_BACK_DAYS = 9
"""How long the rollup may have been away and still miss nothing: longer than work is due (168 h) and a day."""
MARGIN_S = 180.0
"""Rows stored so shortly before a window's estimates were computed may not have been in them: an insert takes up to
60 s, and so long after the rows were read, at most a task's 120 s, is the time of computing stamped."""


def rollup(store: Store, *, margin_s: float = MARGIN_S) -> int:
    """Recompute every window whose estimates may lag behind, newest first, and give the number of rows written.

    What is written is durable window by window: a run that ends early leaves the rest to the next one. With nothing
    new, a run that starts `margin_s` after the last row was stored is the last one that writes.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    written = 0
    margin_ms = round(margin_s * 1000)
    for row in store.query("stale_windows", look_back_days=LOOK_BACK_DAYS, margin_ms=margin_ms):
        span = Span(since=row["window"], until=row["window"] + WINDOW_SECONDS)
        # One insert a window: its rows become visible together, so one of them can stand for all.
        rows = [_row(one, span) for one in rates(store, span, splits=SEGMENTS)]
        store.insert("estimates", to_columns(rows))
        written += len(rows)
    return written


def _row(rate: Rate, span: Span) -> EstimateRow:
    estimate, phases = rate.estimate, rate.phases
    return EstimateRow(
        window=span.since,
        window_hours=(span.until - span.since) // 3600,
        segment=rate.segment,
        dimension=rate.dimension,
        scorer_id=rate.scorer_id,
        corrected=int(rate.corrected),
        classifier=rate.classifier,
        rate=estimate.rate,
        low=estimate.low,
        high=estimate.high,
        sampling_low=estimate.sampling_low,
        sampling_high=estimate.sampling_high,
        confidence=estimate.confidence,
        conversations=estimate.n_effective or 0.0,
        population=float(estimate.n_population),
        sampled=estimate.n_sampled,
        scored=estimate.n_scored,
        unscored=estimate.n_unscored,
        due=estimate.n_due,
        coverage=estimate.coverage or 0.0,
        classified=phases.classifier.n if phases else 0,
        judged=phases.judge.n if phases else 0,
        labelled=phases.human.n if phases else 0,
        method=estimate.method,
    )
