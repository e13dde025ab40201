"""What a comparison of two spans gives."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Test = Literal["wasserstein", "jensenshannon"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnDrift:
    """One column on both sides."""

    name: str
    """The column, or the dimension of a verdict."""
    scorer_id: str
    """Whose verdicts; empty for everything else."""
    test: Test
    """Evidently's name: for numbers the Wasserstein distance in standard deviations of the reference, for labels
    the Jensen-Shannon distance."""
    score: float
    threshold: float
    """The smallest distance that matters, or what chance explains, whichever is more."""
    drifted: bool
    """Evidently's rule: the score reaches the threshold."""
    effect: str
    """What `before` and `after` are: `mean`, or `share of 'tr'`, the label whose share changed most."""
    before: float
    """In the reference, each sample weighted by 1 / probability."""
    after: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedColumn:
    """A column that was not compared, and why."""

    name: str
    scorer_id: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftReport:
    """Which columns changed between two spans; `too_few` instead of a verdict where there is too little to say so."""

    n_reference: int
    """Samples read."""
    n_current: int
    conversations_reference: int
    """Conversations left after the weights are undone: what the comparison rests on."""
    conversations_current: int
    too_few: str
    """Why nothing was compared; empty when something was."""
    columns: tuple[ColumnDrift, ...]
    skipped: tuple[SkippedColumn, ...]
    share_drifted: float | None
    """Of the compared columns; None when there are none."""
    html: str = field(default="", repr=False)
    """Evidently's own report, when asked for."""

    @property
    def drifted(self) -> tuple[ColumnDrift, ...]:
        """The columns that changed, the one furthest beyond its threshold first."""
        changed = [one for one in self.columns if one.drifted]
        return tuple(sorted(changed, key=lambda one: one.threshold / one.score))

    def as_json(self) -> dict[str, Any]:
        """Give plain values, for `--json`; without the HTML."""
        plain = asdict(self)
        del plain["html"]
        return plain
