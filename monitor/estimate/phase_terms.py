"""What the three-phase estimate is made from, and what it says; nothing is computed here."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from monitor.estimate.terms import Bools, Target
from monitor.estimate.variance import Floats, Ints

Source: TypeAlias = Literal["human", "judge", "classifier", "none"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PhaseTerms:
    """The sampled records, one row each and deduplicated, for one dimension; all arrays have shape (n,).

    Raises ValueError on unequal lengths, a probability outside (0, 1] where it is read, a value that is neither NaN
    nor in its range, a negative stratum code, a verdict or label on a record that was not selected for it.
    """

    pi1: Floats
    """The probability that the record was sampled with."""
    stratum: Ints
    """Position of the record's stratum in `population`; not read for a segment."""
    conversation: Ints
    """Equal for records of one conversation, different otherwise."""
    f: Floats
    """The classifier's probability, in [0, 1]; NaN where there is none. It is a help and never a verdict: a record
    without one counts as an average one."""
    selected2: Bools
    """Chosen for the judge."""
    pi2: Floats
    """The probability of that, given that the record was sampled; read where it was chosen, any value elsewhere."""
    g: Floats
    """The judge's verdict, 0 or 1; NaN where there is none (yet, or for good)."""
    selected3: Bools
    """Chosen for a human, among those that were chosen for the judge."""
    pi3: Floats
    """The probability of that, given that the judge was to see it; read where it was chosen."""
    y: Floats
    """The human's label, 0 or 1; NaN where there is none."""

    def __post_init__(self) -> None:
        """Refuse arrays that would give a wrong number instead of an error later."""
        names = ("pi1", "stratum", "conversation", "f", "selected2", "pi2", "g", "selected3", "pi3", "y")
        shapes = {name: getattr(self, name).shape for name in names}
        if self.pi1.ndim != 1 or len(set(shapes.values())) != 1:
            raise ValueError(f"arrays must share one shape (n,), got {shapes}")
        for name, chosen in (("pi1", np.True_), ("pi2", self.selected2), ("pi3", self.selected3)):
            values = getattr(self, name)
            if not bool(np.all(~chosen | ((values > 0.0) & (values <= 1.0)))):
                raise ValueError(
                    f"every {name} that was drawn with must lie in (0, 1]; a probability of 0 is never drawn"
                )
        if not bool(np.all(np.isnan(self.f) | ((self.f >= 0.0) & (self.f <= 1.0)))):
            raise ValueError("every f must lie in [0, 1], or be NaN where there is no classifier value")
        for name, chosen in (("g", self.selected2), ("y", self.selected3)):
            values = getattr(self, name)
            missing = np.isnan(values)
            if not bool(np.all(missing | (values == 0.0) | (values == 1.0))):
                raise ValueError(f"every {name} must be 0 or 1, or NaN where there is none")
            if bool(np.any(~missing & ~chosen)):
                raise ValueError(f"a record has a {name} and was not selected for it: its probability is unknown")
        if bool(np.any(self.selected3 & ~self.selected2)):
            raise ValueError("a record was selected for a human and not for the judge: pi3 is given selected2")
        if bool(np.any(self.stratum < 0)):
            raise ValueError("stratum codes must be >= 0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """How much of the classifier (l1) and of the judge (l2) goes into the estimate; any values leave it unbiased."""

    l1: float
    l2: float

    def __post_init__(self) -> None:
        """Refuse values out of the range that the tuning itself keeps to."""
        if not (abs(self.l1) <= 1.0 and abs(self.l2) <= 1.0):
            raise ValueError(f"l1 and l2 must lie in [-1, 1], got {self.l1!r} and {self.l2!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PhasePart:
    """One phase's part of the sum; the three `value`s add up to the rate, the three `variance`s to the variance."""

    value: float
    """Its bracket: mean of l1 f; of l2 g - l1 f; of y - l2 g. Each is a Hájek mean over its own phase."""
    variance: float
    """Its covariance with the whole; may be negative, since the same records are in more than one part."""
    n_selected: int
    n_missing: int
    """Selected and without a value: no verdict yet or for good; includes what the ledger has and has no row."""

    @property
    def n(self) -> int:
        """Records with a value."""
        return self.n_selected - self.n_missing

    @property
    def coverage(self) -> float | None:
        """Values over selected; None when nothing was selected."""
        return self.n / self.n_selected if self.n_selected else None


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelCell:
    """Labelled records with one judge verdict and similar probabilities: what humans say there."""

    verdict: int
    """The judge's: 0 or 1."""
    share: float
    """Share of the population that the cell stands for."""
    rate: float
    """How often humans say yes in it; the judge's own verdict where nobody looked."""
    low: float
    high: float
    n: int
    size: float
    """Effective number of independent labels; 0 where nobody looked."""

    @property
    def openness(self) -> float:
        """Binomial variance of the rate, as if half a yes and half a no had been seen besides: never 0."""
        rate = (self.rate * self.size + 0.5) / (self.size + 1.0)
        return rate * (1.0 - rate) / max(self.size, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseEstimate:
    """A rate and every term of it; with nothing to go by `rate` is None and the interval (0, 1)."""

    rate: float | None
    low: float
    high: float
    sampling_low: float
    """The limits for chance alone, as if every missing verdict were like the others."""
    sampling_high: float
    confidence: float
    target: Target
    corrected: bool
    """Whether human labels are in it: if not, it is the rate of the judge's (or classifier's) yes, errors included."""
    source: Source
    """Whose yes the rate counts."""
    tuning: Tuning
    classifier: PhasePart
    judge: PhasePart
    human: PhasePart
    judge_rate: float | None
    """The rate of the judge's yes, with the classifier's help; None without a judge."""
    variance: float
    """Linearised; the interval is not made from it alone."""
    conversations: float
    """Effective number of conversations in the last phase that counts (Kish)."""
    cells: tuple[LabelCell, ...]
    """What the human part of the interval is made from; empty without labels."""
    n_population: int
    n_population_estimated: bool
    """True for a segment, whose N is sum 1 / pi1, rounded."""
    unobserved: float
    """Share of the population that no record stands for: 0 for `low`, 1 for `high`."""
    missing: float
    """Share of the population behind missing verdicts and labels of the phase that `rate` rests on."""
    collapsed: tuple[str, ...]
    """Names of the strata that were too small for a mean of their own."""
    method: str
