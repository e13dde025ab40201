"""Reads what each phase knows of a span's samples in one dimension, once, and gives it as the estimator takes it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import compress
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from monitor.estimate.phase_terms import PhaseTerms
from monitor.estimate.tail import cuts
from monitor.estimate.terms import Bools, StratumTotal
from monitor.estimate.variance import Floats, Ints
from monitor.report.ledger import Span, ledger_counts
from monitor.report.segments import Coded, coded
from monitor.scoring.verdict import POSITIVE_ABOVE
from monitor.store.client import Store

TWO_64 = 2.0**64


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Who gives verdicts on a dimension; empty = nobody."""

    dimension: str
    classifier: str = ""
    """Scorer id."""
    judge: str = ""
    """The judge's or panel's name, as `selections` has it."""
    scorer: str = ""
    """The judge's scorer id."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Frame:
    """The samples of a span, arrays (n,), in the order of window and sample id."""

    window: Ints
    sample_id: list[UUID]
    """Empty unless they were asked for."""
    stratum: list[str]
    pi1: Floats
    conversation: npt.NDArray[np.uint64]
    """The conversation's hash."""
    f: Floats
    """The classifier's value; NaN = none."""
    g: Floats
    """The judge's value; NaN = none."""
    pi2: Floats
    """The chance that the judge was to see it; 1 everywhere where there is no judge."""
    judged: Bools
    """Whether the judge was to see it; all, where there is no judge."""
    open: Bools
    """Whether its verdict is still due."""
    number: list[int]
    """The hash that decisions on the sample were made by; 0 = none was made."""
    chance: Floats
    """The chance, among all samples, that it was drawn for people; 0 = not considered yet."""
    drawn: Bools
    yes: Floats
    """Share of yes among the reviewers that are sure; NaN without one."""
    labelled: Bools
    """By anybody, sure or not."""
    done: Bools
    """Whether it is labelled, by the reviewer who was asked about or by anybody."""
    has_judge: bool
    fields: dict[str, Coded]
    """By segment field."""

    @property
    def eligible(self) -> Bools:
        """What may be drawn: with a judge, what has its verdict, since a label speaks for other verdicts of it."""
        return self.judged & ~np.isnan(self.g) if self.has_judge else self.judged


def read_frame(
    store: Store, span: Span, who: Sources, *, reviewer: str = "", ids: bool = False, by: Sequence[str] = ()
) -> Frame:
    """Read all traffic of a span, with the samples' ids and the segment fields `by`; canaries are none.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    columns = store.columns(
        "phases",
        since=span.since,
        until=span.until,
        dimension=who.dimension,
        classifier=who.classifier,
        judge=who.judge,
        scorer=who.scorer,
        reviewer=reviewer,
        with_ids=int(ids),
        by=list(by),
    )
    floats = partial(_array, columns, dtype=np.float64)
    flags = partial(_array, columns, dtype=np.bool_)
    everyone = np.ones(len(columns["window"]), dtype=np.bool_)
    has_judge = bool(who.judge)
    return Frame(
        window=_array(columns, "window", dtype=np.int64),
        sample_id=[UUID(one) for one in columns["sample"]] if ids else [],
        stratum=list(columns["stratum"]),
        pi1=floats("pi1"),
        conversation=_array(columns, "hash", dtype=np.uint64),
        f=floats("f"),
        g=floats("g"),
        pi2=floats("pi2") if has_judge else everyone.astype(np.float64),
        judged=flags("judged") if has_judge else everyone,
        open=flags("open") if has_judge else ~everyone,
        number=list(columns["number"]),
        chance=floats("chance"),
        drawn=flags("drawn"),
        yes=floats("yes"),
        labelled=flags("labels"),
        done=flags("done"),
        has_judge=has_judge,
        fields={field: coded(columns[field]) for field in by},
    )


def with_totals(store: Store, span: Span, frame: Frame) -> tuple[Frame, Ints, list[StratumTotal]]:
    """Give the frame without samples of strata that the ledger does not know yet, the strata's codes, and their totals.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    # After the samples, never before: the ledger is written after them.
    counts = sorted(ledger_counts(store, span).strata.items())
    code = {name: n for n, (name, _) in enumerate(counts)}
    stratum = np.array([code.get(name, -1) for name in frame.stratum], dtype=np.int64)
    keep = stratum >= 0
    seen = np.bincount(stratum[keep], minlength=len(counts))
    totals = [
        StratumTotal(name=name, sampled=max(kept, int(n) - left), sampled_out=left)
        for (name, (kept, left)), n in zip(counts, seen, strict=True)
    ]
    return frame if keep.all() else _only(frame, keep), stratum[keep], totals


def phase_terms(frame: Frame, stratum: Ints, *, labels: bool = True) -> PhaseTerms:
    """Give the frame as the estimator takes it; without `labels` for the judge's own rate. Pure.

    A judge's work that a budget or an outage cut off is a smaller draw (`monitor.estimate.tail`), hour by hour. So is
    what people have labelled: what is drawn and waits for a label holds back the labels of all that stand behind it in
    the list, since labels that came by any other way than down the list would bias it. A sample without the judge's
    verdict has no label that counts, and holds nothing back. Where reviewers are level, it is yes, as with panels;
    where all are unsure, the label is missing.
    """
    none = np.zeros_like(frame.judged)
    chance, counted = finished(frame) if labels else (frame.chance, none)
    if frame.has_judge:
        second, pi2 = _worked_off(frame)
        counted = counted & second
    else:
        # Without a judge people are all there is after the classifier: the estimator takes labels in the judge's place.
        second, pi2 = counted, np.where(counted, chance, 1.0)
    share = np.divide(chance, pi2, out=np.ones_like(pi2), where=counted & (pi2 > 0.0))
    said = np.where(np.isnan(frame.g), np.nan, frame.g > POSITIVE_ABOVE)
    _, conversation = np.unique(frame.conversation, return_inverse=True)
    return PhaseTerms(
        pi1=frame.pi1,
        stratum=stratum,
        conversation=conversation.astype(np.int64),
        f=frame.f,
        selected2=second,
        pi2=pi2,
        g=np.where(second, said, np.nan),
        selected3=counted,
        pi3=np.minimum(share, 1.0),
        y=np.where(counted & ~np.isnan(frame.yes), frame.yes >= 0.5, np.nan),
    )


def _worked_off(frame: Frame) -> tuple[Bools, Floats]:
    """Give what the judge was to see before its work was cut off, and the chance of that, each of shape (n,)."""
    windows, hour = np.unique(frame.window, return_inverse=True)
    chosen = frame.judged
    rank = np.ones_like(frame.pi2)
    rank[chosen] = np.array(frame.number, dtype=np.float64)[chosen] / TWO_64 / frame.pi2[chosen]
    cut = cuts(rank[chosen], ~frame.open[chosen], hour[chosen], windows.size)[hour]
    return chosen & ((rank < cut) | (cut == 1.0)), frame.pi2 * cut


def _only(frame: Frame, keep: Bools) -> Frame:
    """Leave the other samples out."""
    given = {one.name: getattr(frame, one.name) for one in fields(frame)}
    for name, values in given.items():
        if isinstance(values, np.ndarray):
            given[name] = values[keep]
        elif isinstance(values, list) and values:
            given[name] = list(compress(values, keep))
    given["fields"] = {name: one.only(keep) for name, one in frame.fields.items()}
    return Frame(**given)


def finished(frame: Frame) -> tuple[Floats, Bools]:
    """Give the chance of the part of the draw that is labelled without a gap, shape (n,), and what is in that part.

    Pure. What was said does not matter for it: only whether something was.
    """
    u = np.array(frame.number, dtype=np.float64) / TWO_64
    rank = np.divide(u, frame.chance, out=np.ones_like(u), where=frame.chance > 0.0)
    open_ = frame.drawn & frame.eligible & ~frame.labelled
    first = min(float(rank[open_].min()), 1.0) if open_.any() else 1.0
    return frame.chance * first, frame.drawn & frame.eligible & (rank < first)


def _array(columns: dict[str, Any], name: str, *, dtype: Any) -> Any:
    return np.array(columns[name], dtype=dtype)
