"""Rates for people: each with its interval, its coverage and the identity of the scorer behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from monitor.estimate.phase_terms import PhaseEstimate
from monitor.estimate.rates import RateEstimate, weighted_rate
from monitor.estimate.sequences import anytime, look
from monitor.report.ledger import Span
from monitor.report.phase_frame import Sources
from monitor.report.phase_series import read_phases
from monitor.report.terms import read_series
from monitor.scoring.verdict import Scorer
from monitor.store.client import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """The rate of one dimension in one segment, by one scorer, or by people where it is corrected."""

    dimension: str
    scorer_id: str
    segment: dict[str, str]
    """Empty = everything."""
    estimate: RateEstimate
    judge: str = ""
    """Name of the judge whose series it is. Empty = no judge."""
    corrected: bool = False
    """Whether labels by people correct it for the scorer's errors: then it is the rate of people's yes."""
    classifier: str = ""
    """Id of the classifier whose verdicts on all samples shorten the interval; empty = none."""
    phases: PhaseEstimate | None = None
    """Every term, where a judge or people have a part in it."""

    def anytime(self) -> "Rate":
        """Give it with the limits of a confidence sequence, (0, 1) below `sequences.MIN_CONVERSATIONS`."""
        limits = anytime(look(self.estimate), confidence=self.estimate.confidence)
        return replace(
            self,
            estimate=replace(
                self.estimate, low=limits.low, high=limits.high, method=f"{self.estimate.method}/{limits.method}"
            ),
        )

    def as_json(self) -> dict[str, Any]:
        """Give plain values, for `--json`."""
        found: dict[str, Any] = {
            "dimension": self.dimension,
            "segment": self.segment,
            "scorer": self.scorer_id,
            "corrected_for_scorer_error": self.corrected,
            **({"judge": self.judge} if self.judge else {}),
            **({"classifier": self.classifier} if self.classifier else {}),
            **asdict(self.estimate),
        }
        if self.phases:
            parts = {"classifier": self.phases.classifier, "judge": self.phases.judge, "human": self.phases.human}
            found["phases"] = {name: {"n": one.n, "n_selected": one.n_selected} for name, one in parts.items()}
        return found


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
    identities stay apart. `scorers` are shown even if they have scored nothing yet. Where samples that were drawn for
    people have labels, a corrected rate stands behind that of each judge, or of the classifier where there is no judge.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    found: list[Rate] = []
    for who, labelled in _series(store, span, scorers):
        if dimension is None or who.dimension == dimension:
            found += _of_one(store, span, who, splits=splits, labelled=labelled, confidence=confidence)
    return found


def _series(store: Store, span: Span, scorers: Sequence[Scorer]) -> Iterator[tuple[Sources, bool]]:
    """Give who has verdicts, and whether labels are to correct them, by dimension and scorer id."""
    rows = store.query("series", since=span.since, until=span.until)
    judges = {(row["dimension"], row["scorer_id"]): row["judge"] for row in rows}
    judges |= {(one.identity.dimension, one.identity.id): "" for one in scorers}
    labelled = {row["dimension"] for row in rows if row["labelled"]}
    judged = {one for (one, _), judge in judges.items() if judge}
    # The classifier with the most verdicts helps: any leaves the rate unbiased.
    first: dict[str, str] = {}
    for row in rows:
        if not row["judge"]:
            first.setdefault(row["dimension"], row["scorer_id"])
    for (one, scorer_id), judge in sorted(judges.items()):
        if judge:
            who = Sources(dimension=one, classifier=first.get(one, ""), judge=judge, scorer=scorer_id)
            yield who, one in labelled
        else:
            alone = one not in judged and first.get(one, scorer_id) == scorer_id
            yield Sources(dimension=one, classifier=scorer_id), alone and one in labelled


def _of_one(
    store: Store, span: Span, who: Sources, *, splits: Sequence[Sequence[str]], labelled: bool, confidence: float
) -> Iterator[Rate]:
    by = sorted({field for split in splits for field in split})
    rate = partial(Rate, dimension=who.dimension, scorer_id=who.scorer or who.classifier, judge=who.judge)
    if not who.judge:
        read = read_series(store, span, dimension=who.dimension, scorer_id=who.classifier, by=by)
        yield rate(segment={}, estimate=weighted_rate(read.terms, read.totals, confidence=confidence))
        for split in splits:
            for segment, terms in read.segments(split):
                yield rate(segment=segment, estimate=weighted_rate(terms, None, confidence=confidence))
    if who.judge or labelled:
        series = read_phases(store, span, who, by=by)
        for labels in (False, True):
            if series.labelled if labels else who.judge:
                for one in series.rates(labels=labels, splits=splits, confidence=confidence):
                    yield rate(
                        segment=one.segment,
                        estimate=one.estimate,
                        corrected=labels,
                        classifier=who.classifier,
                        phases=one.phases,
                    )
