"""What training the two heads about harm shares: weights by source, measures."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from monitor.scoring.classifiers.weights import ARRAY
from monitor.train.metrics import auc, balanced_accuracy, ece, f1

_Group = TypeVar("_Group", bound=Hashable)


def even(groups: Sequence[_Group], budget: Mapping[_Group, float], *, most: float = 3.0) -> ARRAY:
    """Give each row its share of its group's budget, of which no row has more than `most`; unknown groups have 0."""
    sizes = Counter(groups)
    return np.array([min(budget.get(one, 0.0) / sizes[one], most) for one in groups], dtype=np.float32)


def measures(gold: npt.NDArray[np.bool_], chance: npt.NDArray[np.float64]) -> dict[str, float | int | None]:
    """Give the figures of one set at the threshold one half."""
    found = chance > 0.5
    area = auc(gold, chance)
    return {
        "n": len(gold),
        "positives": int(gold.sum()),
        "f1": round(f1(gold, found), 4),
        "balanced_accuracy": round(balanced_accuracy(gold, found), 4),
        "auc": None if area is None else round(area, 4),
        "false_positive_rate": round(float(found[~gold].mean()), 4) if (~gold).any() else None,
        "ece": round(ece(gold, chance), 4),
    }
