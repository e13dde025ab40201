"""The three-phase estimate of a rate: classifier on every sample, judge on a part, human on a part of that.

    theta = 1/N sum_i 1/pi1 [ l1 f + J/pi2 (l2 g - l1 f) + J H/(pi2 pi3) (y - l2 g) ]

Every selection has a known probability, so theta is the rate of the human's yes whatever classifier and judge do
wrong; they only make its interval shorter. The parts: `phase_sums` (weights, tuning, variance), `phase_interval`.
Phase 1 is post-stratified to the exact totals of the ledger as in `rates`; phases 2 and 3 are Hájek means on top.

What is not there:

- no label: the judge's own rate (with the classifier's help), `corrected` False;
- labels and no judge at all: the human takes the judge's place, and the classifier helps as it helps a judge;
- neither: the classifier's mean by `rates.weighted_rate`, `corrected` False;
- a missing verdict or label is a bound, never dropped: `low` takes it as no, `high` as yes, and the point as alike
  the others of its phase. A record whose verdict is missing stands for no or yes as a whole: labels of other records
  do not speak for it, since what a judge cannot answer is seldom a random part. A label on it is not used.
- a record that the ledger counts as sampled and that has no row: as a missing verdict.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import numpy as np

from monitor.estimate.cells import Cells, segment_cells, window_cells
from monitor.estimate.phase_interval import Limits, limits
from monitor.estimate.phase_sums import Phases, contributions, sums, tune
from monitor.estimate.phase_terms import PhaseEstimate, PhasePart, PhaseTerms, Tuning
from monitor.estimate.rates import weighted_rate
from monitor.estimate.terms import Bools, SampleTerms, StratumTotal, Target
from monitor.estimate.variance import Floats, cluster_index, cluster_order, cluster_sums, kish_size

__all__ = ["PhaseEstimate", "PhasePart", "PhaseTerms", "Tuning", "phase_rate"]

_NO_PART = PhasePart(value=0.0, variance=0.0, n_selected=0, n_missing=0)


def phase_rate(
    terms: PhaseTerms,
    population: Sequence[StratumTotal] | None,
    *,
    confidence: float = 0.95,
    target: Target = "process",
    tuning: Tuning | None = None,
) -> PhaseEstimate:
    """Estimate the rate over a window, or over a segment of it when `population` is None.

    `population` holds every stratum of the window, in the order of the stratum codes, as in `rates.weighted_rate`.
    `tuning` fixes l1 and l2 (for a comparison, or where they must not depend on these data); None tunes them. Pure.
    Raises ValueError on a confidence outside (0, 1), an unknown target, and for `population` as `weighted_rate` does.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie in (0, 1), got {confidence!r}")
    if target not in get_args(Target):
        raise ValueError(f"target must be one of {get_args(Target)}, got {target!r}")
    if not terms.selected2.any():
        return _classifier_only(terms, population, confidence, target)
    if np.isnan(terms.g).all() and not np.isnan(terms.y).all():
        found = _estimate(_Window(_human_as_judge(terms), population), confidence, target, tuning)
        return replace(
            found,
            corrected=True,
            source="human",
            judge=_NO_PART,
            human=found.judge,
            judge_rate=None,
            method=f"two-phase/{target}/mover",
        )
    return _estimate(_Window(terms, population), confidence, target, tuning)


class _Window:
    """The records in `cluster_order` with their weights; what is missing stays NaN."""

    def __init__(self, terms: PhaseTerms, population: Sequence[StratumTotal] | None) -> None:
        self.estimated = population is None
        self.n_population = round(float(np.sum(1.0 / terms.pi1)))
        self.absent = 0
        gone = 0.0
        totals = None
        if population is not None:
            totals, self.absent = _present(terms, population)
            self.n_population = sum(total.population for total in population)
            gone = 1.0 - float(totals.sum()) / self.n_population
        order = cluster_order(terms.conversation, terms.pi1)
        self.terms = PhaseTerms(**{name: getattr(terms, name)[order] for name in PhaseTerms.__slots__})
        self.cluster = cluster_index(self.terms.conversation)
        self.cells: Cells = (
            segment_cells(self.terms.pi1)
            if totals is None
            else window_cells(stratum=self.terms.stratum, pi=self.terms.pi1, cluster=self.cluster, totals=totals)
        )
        self.collapsed = tuple((population or ())[code].name for code in self.cells.collapsed)
        self.unobserved = gone + self.cells.unobserved / self.n_population
        known = ~np.isnan(self.terms.f)
        mean = float(np.average(self.terms.f[known], weights=self.cells.weight[known])) if known.any() else 0.0
        self.f: Floats = np.where(known, self.terms.f, mean)

    def phases(self, *, fill: float | None) -> Phases:
        """Give complete records: with every missing value `fill`, or with the records that miss one left out."""
        terms = self.terms
        lost = terms.selected2 & np.isnan(terms.g)
        labelled = terms.selected3 & ~lost
        judged = terms.selected2
        if not (labelled & ~np.isnan(terms.y)).any():
            # The judge's own rate: a missing label is nothing that it misses.
            labelled = np.zeros_like(labelled)
        if fill is None:
            judged, labelled = judged & ~lost, labelled & ~np.isnan(terms.y)
        value = 0.0 if fill is None else fill
        return Phases(
            pi1=terms.pi1,
            pi2=terms.pi2,
            pi3=terms.pi3,
            cluster=self.cluster,
            cell=self.cells.cell,
            w1=self.cells.weight,
            f=self.f,
            judged=judged,
            g=np.nan_to_num(terms.g, nan=value),
            lost=lost & judged,
            fill=value,
            labelled=labelled,
            y=np.nan_to_num(terms.y, nan=value),
        )


def _estimate(window: _Window, confidence: float, target: Target, fixed: Tuning | None) -> PhaseEstimate:
    terms = window.terms
    known = window.phases(fill=None)
    human = bool(known.labelled.any())
    tuning = Tuning(l1=0.0, l2=1.0)
    rate, low, high, missing = None, 0.0, 1.0, 1.0
    best: Limits | None = None
    parts = variances = (0.0, 0.0, 0.0)
    conversations = 0.0
    if known.judged.any():
        tuning = fixed or tune(known)
        best = limits(known, tuning, confidence, target)
        found = sums(known, tuning)
        parts, variances = found.values, contributions(known, found.influence)
        scale = best.variance / sum(variances) if sum(variances) > 0.0 else 0.0
        variances = (variances[0] * scale, variances[1] * scale, variances[2] * scale)
        rate = min(max(found.rate, 0.0), 1.0)
        conversations = kish_size(cluster_sums(found.w3 if human else found.w2, known.cluster))
        bounds = [best, best]
        missing = 0.0
        if _n_missing(terms.selected2, terms.g) or (human and _n_missing(terms.selected3, terms.y)):
            filled = [window.phases(fill=value) for value in (0.0, 1.0)]
            bounds = [limits(one, tuning, confidence, target) for one in filled]
            missing = sums(filled[1], tuning).rate - sums(filled[0], tuning).rate
        left = 1.0 - window.unobserved
        low = min(max(bounds[0].low, 0.0) * left, rate)
        high = max(min(bounds[1].high, 1.0) * left + window.unobserved, rate)
    return PhaseEstimate(
        rate=rate,
        low=low,
        high=min(high, 1.0),
        sampling_low=low if best is None else min(max(best.low, 0.0), rate or 0.0),
        sampling_high=high if best is None else max(min(best.high, 1.0), rate or 0.0),
        confidence=confidence,
        target=target,
        corrected=human,
        source="none" if rate is None else "human" if human else "judge",
        tuning=tuning,
        classifier=PhasePart(
            value=parts[0],
            variance=variances[0],
            n_selected=terms.f.size + window.absent,
            n_missing=int(np.count_nonzero(np.isnan(terms.f))) + window.absent,
        ),
        judge=_part(parts[1], variances[1], terms.selected2, terms.g),
        human=_part(parts[2], variances[2], terms.selected3, terms.y),
        judge_rate=None if best is None else min(max(best.judge_rate, 0.0), 1.0),
        variance=0.0 if best is None else best.variance,
        conversations=conversations,
        cells=() if best is None else best.cells,
        n_population=window.n_population,
        n_population_estimated=window.estimated,
        unobserved=window.unobserved,
        missing=min(max(missing, 0.0), 1.0),
        collapsed=window.collapsed,
        method=f"three-phase/{target}/{'label-cells' if human else 'judge-only'}/mover",
    )


def _part(value: float, variance: float, selected: Bools, values: Floats) -> PhasePart:
    return PhasePart(
        value=value,
        variance=variance,
        n_selected=int(np.count_nonzero(selected)),
        n_missing=_n_missing(selected, values),
    )


def _n_missing(selected: Bools, values: Floats) -> int:
    return int(np.count_nonzero(selected & np.isnan(values)))


def _present(terms: PhaseTerms, population: Sequence[StratumTotal]) -> tuple[Floats, int]:
    """Give the totals (strata,) less what sampled records without a row stand for, and the number of those."""
    strata = len(population)
    if len({total.name for total in population}) != strata:
        raise ValueError("two strata of `population` have the same name")
    if terms.stratum.size and int(terms.stratum.max()) >= strata:
        raise ValueError(f"stratum code {int(terms.stratum.max())} has no total: there are {strata} strata")
    totals = np.array([total.population for total in population], dtype=np.float64)
    records = np.bincount(terms.stratum, minlength=strata)
    if bool(np.any(records > totals)):
        name = population[int(np.argmax(records > totals))].name
        raise ValueError(
            f"stratum {name!r} has more sampled records than its total: read the ledger after the samples, "
            "and each sample once"
        )
    absent = np.maximum(np.array([total.sampled for total in population]) - records, 0)
    return totals * (records / np.maximum(records + absent, 1) + (records + absent == 0)), int(absent.sum())


def _human_as_judge(terms: PhaseTerms) -> PhaseTerms:
    return replace(
        terms,
        selected2=terms.selected3,
        pi2=np.where(terms.selected3, terms.pi2 * terms.pi3, 1.0),
        g=terms.y,
        selected3=np.zeros_like(terms.selected3),
        y=np.full_like(terms.y, np.nan),
    )


def _classifier_only(
    terms: PhaseTerms, population: Sequence[StratumTotal] | None, confidence: float, target: Target
) -> PhaseEstimate:
    found = weighted_rate(
        SampleTerms(value=terms.f, pi=terms.pi1, stratum=terms.stratum, conversation=terms.conversation),
        population,
        confidence=confidence,
        target=target,
    )
    size = found.n_effective
    variance = found.rate * (1.0 - found.rate) / size if size and found.rate is not None else 0.0
    return PhaseEstimate(
        rate=found.rate,
        low=found.low,
        high=found.high,
        sampling_low=found.sampling_low,
        sampling_high=found.sampling_high,
        confidence=confidence,
        target=target,
        corrected=False,
        source="none" if found.rate is None else "classifier",
        tuning=Tuning(l1=1.0, l2=0.0),
        classifier=PhasePart(
            value=found.rate or 0.0,
            variance=variance,
            n_selected=found.n_sampled,
            n_missing=found.n_sampled - found.n_scored,
        ),
        judge=_NO_PART,
        human=_NO_PART,
        judge_rate=None,
        variance=variance,
        conversations=size or 0.0,
        cells=(),
        n_population=found.n_population,
        n_population_estimated=found.n_population_estimated,
        unobserved=found.n_unobserved / found.n_population if found.n_population else 1.0,
        missing=1.0 - found.coverage if found.coverage is not None else 1.0,
        collapsed=found.collapsed,
        method=found.method,
    )
