"""What an estimate is made from: the sampled records of a window, and the exact totals of its strata."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from monitor.estimate.variance import Floats, Ints

Bools: TypeAlias = npt.NDArray[np.bool_]

Target: TypeAlias = Literal["process", "window"]
"""What the rate is of: the process behind a window's traffic, or exactly the records of the window."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StratumTotal:
    """The ledger's exact counts of one stratum in the window; read them after the samples, never before."""

    name: str
    sampled: int
    sampled_out: int

    def __post_init__(self) -> None:
        """Refuse a negative count."""
        if self.sampled < 0 or self.sampled_out < 0:
            raise ValueError(f"stratum {self.name!r}: counts must be >= 0, got {self.sampled} and {self.sampled_out}")

    @property
    def population(self) -> int:
        """All records of the stratum, sampled or not: N_h."""
        return self.sampled + self.sampled_out


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SampleTerms:
    """The sampled records, one row each and deduplicated, for one dimension; all arrays have shape (n,).

    Raises ValueError on unequal lengths, a pi outside (0, 1], a value that is neither NaN nor in [0, 1], a
    negative stratum code, or a record marked unscored that has a value.
    """

    value: Floats
    """The verdict in [0, 1]; NaN where there is none."""
    pi: Floats
    """The probability that the record was sampled with, as stored beside it."""
    stratum: Ints
    """Position of the record's stratum in `population`; not read for a segment."""
    conversation: Ints
    """Equal for records of one conversation, different otherwise."""
    unscored: Bools | None = None
    """True where the verdict is missing for good; a NaN value without it is still due. None: all are due."""

    def __post_init__(self) -> None:
        """Refuse arrays that would give a wrong number instead of an error later."""
        others = (
            self.pi,
            self.stratum,
            self.conversation,
            *(() if self.unscored is None else (self.unscored,)),
        )
        if self.value.ndim != 1 or any(array.shape != self.value.shape for array in others):
            raise ValueError(f"arrays must share one shape (n,), got {[a.shape for a in (self.value, *others)]}")
        if not bool(np.all((self.pi > 0.0) & (self.pi <= 1.0))):
            raise ValueError("every sampling probability pi must lie in (0, 1]")
        if not bool(np.all(np.isnan(self.value) | ((self.value >= 0.0) & (self.value <= 1.0)))):
            raise ValueError("every value must lie in [0, 1], or be NaN where there is no verdict")
        if bool(np.any(self.stratum < 0)):
            raise ValueError("stratum codes must be >= 0")
        if self.unscored is not None and not bool(np.all(np.isnan(self.value[self.unscored]))):
            raise ValueError("a record cannot be unscored and have a value")


def with_absent(terms: SampleTerms, population: Sequence[StratumTotal]) -> SampleTerms:
    """Add a record without a value for each one that the ledger counts as sampled and that has no row.

    Such rows are on their way, expired or erased; leaving them out would shrink `due` silently. Each is a
    conversation of its own, with the mean probability of its stratum: records over sum 1 / pi, or sampled
    over N where no record is there. More rows than the ledger counts are fine (it is written after them).
    Raises ValueError on a stratum code without a total, two totals of one name, more records than N_h.
    """
    strata = len(population)
    if len({total.name for total in population}) != strata:
        raise ValueError("two strata of `population` have the same name")
    if terms.stratum.size and int(terms.stratum.max()) >= strata:
        raise ValueError(f"stratum code {int(terms.stratum.max())} has no total: there are {strata} strata")
    records = np.bincount(terms.stratum, minlength=strata)
    for total, count in zip(population, records, strict=True):
        if count > total.population:
            raise ValueError(
                f"stratum {total.name!r} has {count} sampled records, its total is only {total.population}: "
                "read the ledger after the samples, and each sample once"
            )
    absent = np.array([total.sampled for total in population], dtype=np.int64) - records
    absent = np.maximum(absent, 0)
    if not absent.any():
        return terms
    ledger = np.array([total.sampled / max(total.population, 1) for total in population])
    inverse = np.bincount(terms.stratum, weights=1.0 / terms.pi, minlength=strata)
    mean_pi = np.where(records > 0, records / np.where(records > 0, inverse, 1.0), ledger)
    added = np.repeat(np.arange(strata), absent)
    first = int(terms.conversation.max()) + 1 if terms.conversation.size else 0
    unscored = np.zeros(terms.value.size, dtype=np.bool_) if terms.unscored is None else terms.unscored
    return SampleTerms(
        value=np.concatenate([terms.value, np.full(added.size, np.nan)]),
        pi=np.concatenate([terms.pi, np.minimum(mean_pi[added], 1.0)]),
        stratum=np.concatenate([terms.stratum, added]),
        conversation=np.concatenate([terms.conversation, first + np.arange(added.size)]),
        unscored=np.concatenate([unscored, np.zeros(added.size, dtype=np.bool_)]),
    )
