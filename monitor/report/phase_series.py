"""A judge's rate with the classifier's help, and the rate that labels correct, for a span and its segments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor.estimate.phase_terms import PhaseEstimate, PhaseTerms
from monitor.estimate.phases import phase_rate
from monitor.estimate.rates import RateEstimate
from monitor.estimate.terms import Bools, StratumTotal
from monitor.estimate.variance import Ints
from monitor.report.ledger import Span
from monitor.report.phase_frame import Frame, Sources, phase_terms, read_frame, with_totals
from monitor.report.segments import segments
from monitor.store.client import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseRate:
    """One rate by phases."""

    segment: dict[str, str]
    estimate: RateEstimate
    """Its counts are of the phase that the rate rests on, the judge's or people's: all that it was to see."""
    phases: PhaseEstimate
    """Its counts are of what the number is made from: work that was cut off is not in it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PhaseSeries:
    """The records of a span for one dimension and judge."""

    frame: Frame
    judge: PhaseTerms
    people: PhaseTerms
    totals: list[StratumTotal]

    def rates(
        self, *, labels: bool, splits: Sequence[Sequence[str]] = (), confidence: float = 0.95
    ) -> Iterator[PhaseRate]:
        """Give the rate of the judge's yes, or with `labels` of people's, for everything and for each segment.

        Segments in which the judge was to see nothing, or nobody labelled anything, are left out.
        """
        everyone = np.arange(self.frame.pi1.size)
        parts: list[tuple[dict[str, str], Ints]] = [({}, everyone)]
        parts += [found for split in splits for found in segments(self.frame.fields, split)]
        terms = self.people if labels else self.judge
        for segment, chosen in parts:
            part = _part(terms, chosen) if segment else terms
            if not part.selected2.any() and segment:
                continue
            made = phase_rate(part, None if segment else self.totals, confidence=confidence)
            if labels and not made.corrected:
                continue
            counts = _people(self.frame) if labels else _judge(self.frame)
            yield PhaseRate(segment=segment, estimate=_as_rate(made, counts, chosen), phases=made)

    @property
    def labelled(self) -> bool:
        """Whether there is a label that counts."""
        return bool((self.people.selected3 & ~np.isnan(self.people.y)).any())


def read_phases(store: Store, span: Span, who: Sources, *, by: Sequence[str] = ()) -> PhaseSeries:
    """Read one series once, with the segment fields `by`.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    frame, stratum, totals = with_totals(store, span, read_frame(store, span, who, by=by))
    judge = phase_terms(frame, stratum, labels=False)
    people = phase_terms(frame, stratum)
    return PhaseSeries(frame=frame, judge=judge, people=people, totals=totals)


_Counts = tuple[Bools, Bools, Bools]
"""To be looked at; with a value; still due."""


def _judge(frame: Frame) -> _Counts:
    return frame.judged, frame.judged & ~np.isnan(frame.g), frame.judged & frame.open


def _people(frame: Frame) -> _Counts:
    drawn = frame.drawn & frame.eligible
    return drawn, drawn & ~np.isnan(frame.yes), drawn & ~frame.labelled


def _as_rate(made: PhaseEstimate, counts: _Counts, chosen: Ints) -> RateEstimate:
    wanted, there, due = (int(np.count_nonzero(one[chosen])) for one in counts)
    # Without any verdict the classifier's rate is left, and that is not what was asked for.
    known = made.source in {"judge", "human"}
    size = made.conversations if known and made.conversations else None
    return RateEstimate(
        rate=made.rate if known else None,
        low=made.low if known else 0.0,
        high=made.high if known else 1.0,
        sampling_low=made.sampling_low if known else 0.0,
        sampling_high=made.sampling_high if known else 1.0,
        confidence=made.confidence,
        target=made.target,
        n_population=made.n_population,
        n_population_estimated=made.n_population_estimated,
        n_sampled=wanted,
        n_scored=there,
        n_unscored=wanted - there - due,
        n_due=due,
        n_unobserved=round(made.unobserved * made.n_population),
        coverage=there / wanted if wanted else None,
        n_effective=size,
        design_effect=there / size if size else None,
        collapsed=made.collapsed,
        method=made.method if known else "no-data",
    )


def _part(terms: PhaseTerms, chosen: Ints) -> PhaseTerms:
    return replace(terms, **{name: getattr(terms, name)[chosen] for name in PhaseTerms.__slots__})
