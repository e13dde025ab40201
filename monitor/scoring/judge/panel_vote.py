"""How members' verdicts become a panel's: who votes, and what the votes come to. Pure; nothing is left to chance.

First the votes decide, by the panel's rule, whether the answer counts in the rate (a value above `POSITIVE_ABOVE`);
then the label with most votes on that side is taken. So labels of one side never split it and lose to the other.
A tie goes to the side that counts, and between labels to the higher value, then to the first by name: what half of the
members see is for a person to look at, and a monitor that errs is to err towards saying so.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Literal

from monitor.scoring.judge.parse import UNSUPPORTED
from monitor.scoring.verdict import POSITIVE_ABOVE, Result, Status, Unscored, Verdict

VERSION = "1"
"""Part of a panel's identity; bump it when the same votes can come to something else."""

Rule = Literal["majority", "mean"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """One member's terminal row."""

    judge: str
    """Name of the member's scorer."""
    status: str
    label: str
    value: float | None
    unsupported: bool
    """The evidence that it gave is not in the transcript."""

    @property
    def is_scored(self) -> bool:
        """Whether it has a verdict at all."""
        return self.status == Status.SCORED and self.value is not None

    def __str__(self) -> str:
        """Give the judge and its label, or why there is none; no text of anybody's."""
        said = self.label if self.is_scored else self.status
        return f"{self.judge} {said}" + (" (unsupported)" if self.is_scored and self.unsupported else "")


def outcome(votes: Sequence[Vote], rule: Rule) -> Result:
    """Give the panel's result of all members' rows on one dimension of one interaction.

    `majority`: the value is the chosen label's. `mean`: it is the mean of the voters' values. `probabilities` are the
    labels' shares of the votes. Who has no verdict has no vote; nor has an unsupported verdict beside one that is
    supported. Where all are unsupported, so is the panel's, marked like theirs.
    """
    votes = sorted(votes, key=lambda one: one.judge)
    scored = [one for one in votes if one.is_scored]
    supported = [one for one in scored if not one.unsupported]
    voters = supported or scored
    if not voters:
        return _nobody(votes)
    values = {one.label: one.value or 0.0 for one in voters}
    counts = Counter(one.label for one in voters)
    mean = fsum(values[label] * n for label, n in counts.items()) / len(voters)
    above = sum(n for label, n in counts.items() if values[label] > POSITIVE_ABOVE)
    counted = mean > POSITIVE_ABOVE if rule == "mean" else 2 * above >= len(voters)
    side = [label for label in counts if (values[label] > POSITIVE_ABOVE) == counted]
    most = max(counts[label] for label in side)
    leading = [label for label in side if counts[label] == most]
    chosen = min(leading, key=lambda label: (-values[label], label))
    tied = len(leading) > 1 or (rule == "majority" and 2 * above == len(voters))
    return Verdict(
        value=mean if rule == "mean" else values[chosen],
        label=chosen,
        reason=("" if supported else UNSUPPORTED) + _reason(votes, voters, rule, mean, tied=tied),
        probabilities={label: n / len(voters) for label, n in counts.items()},
    )


def _reason(votes: Sequence[Vote], voters: Sequence[Vote], rule: Rule, mean: float, *, tied: bool) -> str:
    parts = [f"{rule}{f' {mean:.2f}' if rule == 'mean' else ''} of {len(voters)}: {', '.join(map(str, voters))}"]
    silent = [str(one) for one in votes if one not in voters]
    if silent:
        parts.append(f"no vote: {', '.join(silent)}")
    if tied:
        parts.append("a tie, so the higher value")
    return "; ".join(parts)


def _nobody(votes: Sequence[Vote]) -> Unscored:
    statuses = {one.status for one in votes}
    # Members that differ in why they say nothing have no reason in common.
    known = statuses.pop() if len(statuses) == 1 else Status.ERROR
    status = Status(known) if known in set(Status) - {Status.SCORED} else Status.ERROR
    return Unscored(status=status, reason=f"no member has a verdict: {', '.join(map(str, votes))}")
