"""How a judge does where another rater is the reference: accuracy, sensitivity, specificity, precision, F1.

The reference counts as the truth here. Where it is human labels, its own errors are in these figures too: compare
them with the agreement of humans with each other.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from monitor.estimate.agreement import DRAWS, MISSING, SEED, Ratings
from monitor.estimate.agreement_bootstrap import resample
from monitor.estimate.agreement_figures import Figure, coefficient, share
from monitor.estimate.kappa import f1


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """The judge's verdicts against the reference, positive or not. Shares by Clopper-Pearson at the effective size."""

    positive: tuple[str, ...]
    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int
    missing: int
    """Items without a label by one of the two."""
    accuracy: Figure
    """(tp + tn) / n."""
    sensitivity: Figure
    """tp / (tp + fn), also called recall."""
    specificity: Figure
    """tn / (tn + fp)."""
    precision: Figure
    """tp / (tp + fp)."""
    f1: Figure
    """2 tp / (2 tp + fp + fn), with a BCa interval."""
    confidence: float


def against_reference(
    rated: Ratings,
    *,
    positive: Collection[str],
    judge: int = 0,
    reference: int = 1,
    confidence: float = 0.95,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Confusion:
    """Compare column `judge` with column `reference`; labels in `positive` are positive, all others negative.

    Raises:
        ValueError: `positive` holds a label that is no category, none of them or all.
    """
    wanted = set(positive)
    if not wanted or not wanted < set(rated.categories):
        raise ValueError(f"positive labels must be some, not all, of {', '.join(rated.categories)}")
    chosen = rated.codes[:, [judge, reference]]
    both = np.all(chosen != MISSING, axis=1)
    is_positive = np.array([name in wanted for name in rated.categories])
    said, true = is_positive[chosen[both, 0]], is_positive[chosen[both, 1]]
    group = rated.group[both]
    kind = said.astype(np.int64) * 2 + true
    cells = np.bincount(kind, minlength=4)
    data = resample(kind, np.eye(4), group, draws=draws, seed=seed)
    accuracy = share(said == true, group, confidence=confidence, nothing="no item was rated by both")
    return Confusion(
        positive=tuple(name for name in rated.categories if name in wanted),
        true_positive=int(cells[3]),
        false_positive=int(cells[2]),
        false_negative=int(cells[1]),
        true_negative=int(cells[0]),
        missing=int(np.count_nonzero(~both)),
        accuracy=accuracy,
        sensitivity=share(said[true], group[true], confidence=confidence, nothing="the reference has no positive"),
        specificity=share(~said[~true], group[~true], confidence=confidence, nothing="the reference has no negative"),
        precision=share(true[said], group[said], confidence=confidence, nothing="the judge found no positive"),
        f1=coefficient(
            lambda s: f1(s.reshape(*s.shape[:-1], 2, 2)),
            data,
            confidence=confidence,
            undefined="neither has a positive",
            agreed_low=accuracy.low,
            largest=lambda s: float(s.sum() / (2.0 * s[3])),
        ),
        confidence=confidence,
    )
