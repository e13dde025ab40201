"""Reads what each phase knows of a span's samples in one dimension: what draws for people and plans are made from."""

from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np

from monitor.config import Settings
from monitor.errors import InputError
from monitor.estimate.phase_terms import PhaseTerms
from monitor.estimate.terms import Bools, StratumTotal
from monitor.estimate.variance import Floats
from monitor.report.labels_file import shown
from monitor.report.ledger import Span, ledger_counts
from monitor.scoring.judge.configured import judges_of, panels_of
from monitor.scoring.registry import enabled_scorers
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

    window: list[int]
    sample_id: list[UUID]
    stratum: list[str]
    pi1: Floats
    conversation: list[int]
    """The conversation's hash."""
    f: Floats
    """The classifier's value; NaN = none."""
    g: Floats
    """The judge's value; NaN = none."""
    pi2: Floats
    """The chance that the judge was to see it; 1 everywhere where there is no judge."""
    judged: Bools
    """Whether the judge was to see it; all, where there is no judge."""
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

    @property
    def eligible(self) -> Bools:
        """What may be drawn: with a judge, what has its verdict, since a label speaks for other verdicts of it."""
        return self.judged & ~np.isnan(self.g) if self.has_judge else self.judged


def sources(settings: Settings, dimension: str, judge: str = "") -> Sources:
    """Find who gives verdicts on a dimension by the settings: a panel before a judge, else the one that is named.

    Raises:
        InputError: no judge or panel of that name gives verdicts on the dimension.
        ConfigError: the judges cannot be made.
    """
    classifiers = [one.identity for one in enabled_scorers(settings.scoring.scorers)]
    judges = judges_of(settings.judging)
    panels = panels_of(settings.judging, judges)
    there = [
        (names, identity)
        for names, identities in (
            *(({one.name, one.settings.name}, one.identities) for one in panels),
            *(({one.name, one.endpoint.name}, one.identities) for one in judges),
        )
        for identity in identities
        if identity.dimension == dimension and (not judge or judge in names)
    ]
    if judge and not there:
        raise InputError(f"no judge or panel {shown(judge)} gives verdicts on {dimension}; see docs/judges.md")
    chosen = there[0][1] if there else None
    return Sources(
        dimension=dimension,
        classifier=next((one.id for one in classifiers if one.dimension == dimension), ""),
        judge=chosen.name if chosen else "",
        scorer=chosen.id if chosen else "",
    )


def read_frame(store: Store, span: Span, who: Sources, *, reviewer: str = "") -> Frame:
    """Read all traffic of a span; canaries are none.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    columns = store.columns(
        "label_frame",
        since=span.since,
        until=span.until,
        dimension=who.dimension,
        classifier=who.classifier,
        judge=who.judge,
        scorer=who.scorer,
        reviewer=reviewer,
    )
    floats = partial(_array, columns, dtype=np.float64)
    flags = partial(_array, columns, dtype=np.bool_)
    everyone = np.ones(len(columns["window"]), dtype=np.bool_)
    has_judge = bool(who.judge)
    return Frame(
        window=[int(one) for one in columns["window"]],
        sample_id=list(columns["sample_id"]),
        stratum=list(columns["stratum"]),
        pi1=floats("pi1"),
        conversation=list(columns["hash"]),
        f=floats("f"),
        g=floats("g"),
        pi2=floats("pi2") if has_judge else everyone.astype(np.float64),
        judged=flags("judged") if has_judge else everyone,
        number=list(columns["number"]),
        chance=floats("chance"),
        drawn=flags("drawn"),
        yes=floats("yes"),
        labelled=flags("labels"),
        done=flags("done"),
        has_judge=has_judge,
    )


def phase_terms(store: Store, span: Span, frame: Frame) -> tuple[PhaseTerms, list[StratumTotal]]:
    """Give the frame, read before, as the estimator takes it, with the ledger's totals.

    What is drawn and waits for a label holds back the labels of all that stand behind it in the list: those before it
    are a smaller draw, whose chances are known (sequential Poisson sampling: Ohlsson 1998), and labels that came by any
    other way than down the list would bias it. A sample without the judge's verdict has no label that counts, and holds
    nothing back. Where reviewers are level, it is yes, as with panels; where all are unsure, the label is missing.

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
    chance, counted = finished(frame)
    label = np.where(counted & ~np.isnan(frame.yes), frame.yes >= 0.5, np.nan)
    # Without a judge people are all there is after the classifier: the estimator takes labels in the judge's place.
    second = frame.judged if frame.has_judge else counted
    pi2 = frame.pi2 if frame.has_judge else np.where(counted, chance, 1.0)
    share = np.divide(chance, frame.pi2, out=np.ones_like(frame.pi2), where=counted & (frame.pi2 > 0.0))
    said = np.where(np.isnan(frame.g), np.nan, frame.g > POSITIVE_ABOVE)
    _, conversation = np.unique(np.array(frame.conversation, dtype=np.uint64), return_inverse=True)
    terms = PhaseTerms(
        pi1=frame.pi1[keep],
        stratum=stratum[keep],
        conversation=conversation.astype(np.int64)[keep],
        f=frame.f[keep],
        selected2=second[keep],
        pi2=pi2[keep],
        g=np.where(second, said, np.nan)[keep],
        selected3=counted[keep],
        pi3=(np.minimum(share, 1.0) if frame.has_judge else np.ones_like(share))[keep],
        y=label[keep],
    )
    return terms, totals


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
