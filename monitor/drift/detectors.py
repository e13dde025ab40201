"""Compares two spans with evidently and says which columns changed."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from monitor.drift.columns import Pair, effect, pairs
from monitor.drift.noise import chance_threshold, jensen_shannon, wasserstein
from monitor.drift.resample import representative_rows
from monitor.drift.result import ColumnDrift, DriftReport, SkippedColumn, Test
from monitor.drift.windows import SpanColumns
from monitor.errors import InputError
from monitor.estimate.terms import Bools
from monitor.estimate.variance import Ints

MIN_CONVERSATIONS = 30
"""On each side, in all and with a value of a column; below it nothing is said."""
MIN_EFFECT = 0.1
"""Evidently's default threshold of both distances: what is nearer does not matter."""
FALSE_ALARMS = 0.05
"""The chance that a comparison of two spans of one distribution names any column at all."""
SEED = 20_260_101

_NUMBERS: Test = "wasserstein"
_LABELS: Test = "jensenshannon"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Rows:
    """The rows that are compared: those of the reference, then those of the current span."""

    reference: Ints
    current: Ints
    is_reference: Bools
    conversation: Ints
    """Unique over both sides: a conversation that reaches into both spans counts as two."""

    def side(self, *, reference: bool) -> int:
        """How many conversations a side has."""
        return len(np.unique(self.conversation[self.is_reference == reference]))


def compare(
    reference: SpanColumns, current: SpanColumns, *, min_effect: float = MIN_EFFECT, with_html: bool = False
) -> DriftReport:
    """Say which columns' distributions differ between two spans; the same input gives the same answer.

    Evidently cannot weigh, and strata are sampled at different rates, so a change of the sampling policy alone would
    look like drift: both sides are first resampled in proportion to 1 / probability, with a fixed seed. A column has
    drifted when its distance reaches `min_effect` and is more than chance explains; over all columns of one call
    chance is let through in at most 5 % of drift-free comparisons. Looking again every hour is not covered by that.

    Blocks for seconds (evidently's import and its tests); needs no network.

    Raises:
        InputError: `min_effect` is not in (0, 10].
    """
    if not 0 < min_effect <= 10:
        raise InputError(f"the smallest effect must be above 0 and at most 10, got {min_effect}")
    rows = _rows(reference, current)
    before, after = rows.side(reference=True), rows.side(reference=False)
    if min(before, after) < MIN_CONVERSATIONS:
        return _report(reference, current, rows, too_few=f"too few conversations: {_counts(before, after)}")
    compared: list[Pair] = []
    skipped: list[SkippedColumn] = []
    for pair in pairs(reference, current):
        if reason := _why_not(pair, rows):
            skipped.append(SkippedColumn(name=pair.name, scorer_id=pair.scorer_id, reason=reason))
        else:
            compared.append(pair)
    if not compared:
        return _report(reference, current, rows, skipped=tuple(skipped))
    rng = np.random.default_rng(SEED)
    level = FALSE_ALARMS / len(compared)
    thresholds = {one.title: max(min_effect, _chance(one, rows, level, rng)) for one in compared}
    scores, share, html = _evidently(compared, rows, thresholds, with_html=with_html)
    columns = []
    for pair in compared:
        what, was, now = effect(pair, reference, current)
        columns.append(
            ColumnDrift(
                name=pair.name,
                scorer_id=pair.scorer_id,
                test=_NUMBERS if pair.kind == "number" else _LABELS,
                score=scores[pair.title],
                threshold=thresholds[pair.title],
                drifted=scores[pair.title] >= thresholds[pair.title],
                effect=what,
                before=was,
                after=now,
            )
        )
    return _report(
        reference, current, rows, columns=tuple(columns), skipped=tuple(skipped), share_drifted=share, html=html
    )


def _rows(reference: SpanColumns, current: SpanColumns) -> _Rows:
    rng = np.random.default_rng(SEED)
    before, after = (representative_rows(side.probability, rng) for side in (reference, current))
    is_reference = np.repeat([True, False], [len(before), len(after)])
    hashes, conversation = np.unique(reference.conversation[before], return_inverse=True)
    _, later = np.unique(current.conversation[after], return_inverse=True)
    return _Rows(
        reference=before,
        current=after,
        is_reference=is_reference,
        conversation=np.concatenate([conversation, later + len(hashes)]),
    )


def _values(pair: Pair, rows: _Rows) -> tuple[Any, Bools]:
    """Give a column's values over both sides, and where there are any."""
    values = np.concatenate([pair.reference[rows.reference], pair.current[rows.current]])
    return values, (~np.isnan(values) if pair.kind == "number" else np.ones(len(values), dtype=np.bool_))


def _why_not(pair: Pair, rows: _Rows) -> str:
    values, there = _values(pair, rows)
    if not there.any():
        return "no values on either side"
    before, after = (len(np.unique(rows.conversation[there & (rows.is_reference == side)])) for side in (True, False))
    if min(before, after) < MIN_CONVERSATIONS:
        return f"too few values: {_counts(before, after)}"
    if len(np.unique(values[there])) == 1:
        return "one value throughout"
    return ""


def _chance(pair: Pair, rows: _Rows, level: float, rng: np.random.Generator) -> float:
    values, there = _values(pair, rows)
    if pair.kind == "number":
        distance = wasserstein(values[there])
    else:
        distance = jensen_shannon(np.unique(values[there], return_inverse=True)[1])
    _, conversation = np.unique(rows.conversation[there], return_inverse=True)
    return chance_threshold(distance, rows.is_reference[there], conversation, level=level, rng=rng)


def _evidently(
    compared: list[Pair], rows: _Rows, thresholds: dict[str, float], *, with_html: bool
) -> tuple[dict[str, float], float, str]:
    """Give evidently's score by column, its share of drifted columns, and its page."""
    with warnings.catch_warnings():
        # Evidently 0.7 still uses numpy.core, names that litestar has renamed and loose escapes: not ours to mend.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", SyntaxWarning)
        # Here, since the import takes 7 to 15 s, and no other command is to pay for it.
        from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415
        from evidently.presets import DataDriftPreset  # noqa: PLC0415

    definition = DataDefinition(
        numerical_columns=[one.title for one in compared if one.kind == "number"],
        categorical_columns=[one.title for one in compared if one.kind == "label"],
    )
    before = pd.DataFrame({one.title: one.reference[rows.reference] for one in compared})
    after = pd.DataFrame({one.title: one.current[rows.current] for one in compared})
    preset = DataDriftPreset(
        columns=list(thresholds), num_method=_NUMBERS, cat_method=_LABELS, per_column_threshold=thresholds
    )
    # Evidently also draws correlations, which a column that is constant on one side does not have.
    with np.errstate(divide="ignore", invalid="ignore"):
        snapshot = Report([preset]).run(
            current_data=Dataset.from_pandas(after, data_definition=definition),
            reference_data=Dataset.from_pandas(before, data_definition=definition),
        )
    count, *drifts = snapshot.dict()["metrics"]
    scores = {one["config"]["column"]: float(one["value"]) for one in drifts}
    return scores, float(count["value"]["share"]), snapshot.get_html_str(as_iframe=False) if with_html else ""


def _counts(before: int, after: int) -> str:
    return f"{before} in the reference and {after} now; {MIN_CONVERSATIONS} are needed on each side"


def _report(
    reference: SpanColumns,
    current: SpanColumns,
    rows: _Rows,
    *,
    too_few: str = "",
    columns: tuple[ColumnDrift, ...] = (),
    skipped: tuple[SkippedColumn, ...] = (),
    share_drifted: float | None = None,
    html: str = "",
) -> DriftReport:
    return DriftReport(
        n_reference=len(reference),
        n_current=len(current),
        conversations_reference=rows.side(reference=True),
        conversations_current=rows.side(reference=False),
        too_few=too_few,
        columns=columns,
        skipped=skipped,
        share_drifted=share_drifted,
        html=html,
    )
