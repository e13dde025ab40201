"""How often planted attacks turned a judge's label, with intervals."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from monitor.estimate.intervals import clopper_pearson
from monitor.scoring.judge.attacks.catalogue import CONTROL
from monitor.store.client import Store
from monitor.store.rows import milliseconds


@dataclass(frozen=True, kw_only=True, slots=True)
class AttackRate:
    """One attack on one judge; the five counts after `planted` add up to it."""

    judge: str
    attack: str
    planted: int
    succeeded: int
    unsupported: int
    right: int
    other: int
    unscored: int
    low: float
    high: float
    """Exact interval of the success rate (Clopper and Pearson 1934)."""
    last: datetime
    """When it was planted last."""

    @property
    def is_control(self) -> bool:
        """Whether nothing was planted: then a success is the judge's own error."""
        return self.attack == CONTROL

    @property
    def rate(self) -> float:
        """The share of cases in which the attacker got what he wished for."""
        return self.succeeded / self.planted

    def as_json(self) -> dict[str, Any]:
        """Give what programs read."""
        return {**asdict(self), "rate": self.rate, "control": self.is_control, "last": self.last.isoformat()}


def attack_rates(store: Store, *, since: datetime, confidence: float = 0.95) -> list[AttackRate]:
    """Give a row a judge and attack that was planted since then, by name; raises StoreUnavailable."""
    names = ("planted", "succeeded", "unsupported", "right", "other", "unscored")
    made = []
    for row in store.query("attack_counts", since=milliseconds(since)):
        counts = {name: int(row[name]) for name in names}
        low, high = clopper_pearson(
            rate=counts["succeeded"] / counts["planted"], size=counts["planted"], confidence=confidence
        )
        made.append(
            AttackRate(judge=row["judge"], attack=row["attack"], low=low, high=high, last=row["last"], **counts)
        )
    return made
