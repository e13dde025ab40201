"""Maps a judge's confidences onto the shares that came true, with figures from groups that the map did not see."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
from scipy import special
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from monitor.estimate.agreement_calibration import Calibration, calibration
from monitor.estimate.variance import Floats, Ints

Method = Literal["isotonic", "platt"]

MAX_FOLDS = 20
"""More groups than this are put together: each fold leaves whole groups out."""

_EDGE = 1e-6


class Map(Protocol):
    """A fitted map; plain numbers, so that it can be stored."""

    def apply(self, probability: Floats) -> Floats:
        """Give the recalibrated probabilities, same shape, in [0, 1]."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Platt:
    """p' = logistic(slope * logit(p) + intercept) (Platt 1999)."""

    slope: float
    intercept: float

    def apply(self, probability: Floats) -> Floats:
        """See `Map`."""
        return np.asarray(special.expit(self.slope * _logit(probability) + self.intercept), dtype=np.float64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Isotonic:
    """Linear between knots, constant outside; never falls (Zadrozny and Elkan 2002)."""

    at: tuple[float, ...]
    to: tuple[float, ...]

    def apply(self, probability: Floats) -> Floats:
        """See `Map`."""
        return np.interp(probability, self.at, self.to)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recalibrated:
    """The map of all data, and what it does to groups that it has not seen."""

    map: Isotonic | Platt
    folds: int
    before: Calibration
    after: Calibration
    """Each group through a map fitted without it."""

    @property
    def helps(self) -> bool:
        """Whether the Brier score on unseen groups is lower than before."""
        before, after = self.before.brier.value, self.after.brier.value
        return before is not None and after is not None and after < before


def recalibrate(
    probability: Floats,
    outcome: npt.NDArray[np.bool_],
    group: Ints,
    *,
    method: Method = "platt",
    confidence: float = 0.95,
) -> Recalibrated | str:
    """Fit a map and measure it by leaving groups out, one by one or, beyond MAX_FOLDS, in as many folds.

    Arguments as `agreement_calibration.calibration`, which raises for wrong ones. Gives a reason where there is nothing
    to fit: fewer than 2 groups, or a fold whose other groups have one class only.
    """
    before = calibration(probability, outcome, group, confidence=confidence)
    # Groups are numbered by size, largest first, so that folds get about as many records each.
    names, number, sizes = np.unique(group, return_inverse=True, return_counts=True)
    if names.size < 2:
        return "one group only: no group is left to measure the map on"
    place = np.empty(names.size, dtype=np.int64)
    place[np.argsort(-sizes, kind="stable")] = np.arange(names.size)
    fold = place[number] % MAX_FOLDS
    mapped = np.empty(probability.size)
    for one in np.unique(fold):
        rest = fold != one
        if outcome[rest].all() or not outcome[rest].any():
            return "without one fold all outcomes are the same"
        mapped[~rest] = _fit(probability[rest], outcome[rest], method).apply(probability[~rest])
    return Recalibrated(
        map=_fit(probability, outcome, method),
        folds=int(np.unique(fold).size),
        before=before,
        after=calibration(mapped, outcome, group, confidence=confidence),
    )


def _fit(probability: Floats, outcome: npt.NDArray[np.bool_], method: Method) -> Isotonic | Platt:
    if method == "isotonic":
        fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(probability, outcome.astype(float))
        return Isotonic(at=tuple(map(float, fitted.X_thresholds_)), to=tuple(map(float, fitted.y_thresholds_)))
    # Platt's targets are a little inside 0 and 1, as two weighted copies of a record: classes that a threshold
    # separates do not drive the slope to infinity.
    positive = int(np.count_nonzero(outcome))
    negative = outcome.size - positive
    target = np.where(outcome, (positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0))
    x = np.concatenate([_logit(probability)] * 2)[:, None]
    y = np.repeat([1, 0], outcome.size)
    # Almost no ridge: it only settles a slope that the data leave open.
    found = LogisticRegression(C=1e6, max_iter=1_000).fit(x, y, sample_weight=np.concatenate([target, 1.0 - target]))
    return Platt(slope=float(found.coef_[0, 0]), intercept=float(found.intercept_[0]))


def _logit(probability: Floats) -> Floats:
    return np.asarray(special.logit(np.clip(probability, _EDGE, 1.0 - _EDGE)), dtype=np.float64)
