"""What came of the judge's work, beside what people said."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import fmean, median
from typing import Any

from monitor.estimate.agreement import Ratings, agreement, ratings
from monitor.estimate.agreement_figures import Figure
from monitor.estimate.agreement_reference import against_reference
from monitor.scoring.judge.parse import UNSUPPORTED
from monitor.store.client import Store
from tests.judge_e2e.sample import Labelled

DEGREES = ("none", "partial", "full")
REFUSED = ("no", "yes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One answer as it is kept."""

    at: float
    """Seconds since 1970."""
    question: str
    model: str
    reply: str
    input_tokens: int
    output_tokens: int
    micro_usd: int


def calls(store: Store) -> list[Call]:
    """Give all answers of judges, oldest first."""
    columns = "toUnixTimestamp64Milli(called_at) / 1000, toString(question), model, reply"
    columns += ", input_tokens, output_tokens, cost_micro_usd"
    found = store._client.query(f"SELECT {columns} FROM judge_calls FINAL ORDER BY called_at, call_id")
    names = ("at", "question", "model", "reply", "input_tokens", "output_tokens", "micro_usd")
    return [Call(**dict(zip(names, row, strict=True))) for row in found.result_rows]


def verdicts(store: Store, scorer: str) -> dict[str, dict[str, Any]]:
    """Give the row of a scorer (an id) for each interaction that has one."""
    return {row["interaction_id"]: row for row in store.query("all_scores") if row["scorer_id"] == scorer}


def compare(
    people: Sequence[Labelled], judged: Mapping[str, Mapping[str, Any]], asked: Sequence[Call]
) -> dict[str, Any]:
    """Give agreement with intervals, what was not usable, and how long it took; of those that are judged."""
    known = [one for one in people if one.id in judged]
    rows = [judged[one.id] for one in known]
    said = [row["label"] if row["status"] == "scored" else None for row in rows]
    groups = [one.id for one in known]
    three = ratings([said, [one.label for one in known]], groups, categories=DEGREES, ordered=True)
    two = ratings([_refused(said), _refused(one.label for one in known)], groups, categories=REFUSED)
    of = max(1, len(known))
    status = Counter(row["status"] for row in rows)
    unsupported = sum(row["status"] == "scored" and row["reason"].startswith(UNSUPPORTED) for row in rows)
    gaps = [later.at - earlier.at for earlier, later in pairwise(asked)]
    return {
        "n": len(people),
        "judged": len(known),
        "status": dict(status),
        "unparseable": round(status["unparseable"] / of, 4),
        "refused_by_judge": round(status["refused_by_judge"] / of, 4),
        "unsupported": round(unsupported / of, 4),
        "people": dict(Counter(one.label for one in known)),
        "judge": dict(Counter(one for one in said if one is not None)),
        "refused_or_not": _figures(two, positive="yes") if known else {},
        "three_labels": _figures(three) if known else {},
        "calls": len(asked),
        "seconds_a_call": round(median(gaps), 2) if gaps else None,
        "input_tokens_a_call": round(fmean(one.input_tokens for one in asked)) if asked else None,
        "output_tokens_a_call": round(fmean(one.output_tokens for one in asked)) if asked else None,
        "micro_usd": sum(one.micro_usd for one in asked),
    }


def lines(found: Mapping[str, Any]) -> list[str]:
    """Give the same for people to read."""
    made = [
        f"judged {found['judged']} of {found['n']}; {found['status']}",
        f"unparseable {found['unparseable']:.1%}, refused by the judge {found['refused_by_judge']:.1%}",
        f"quotes not in the transcript {found['unsupported']:.1%}",
        f"people said {found['people']}, the judge {found['judge']}",
        f"{found['calls']} calls, {found['seconds_a_call']} s each",
        f"tokens a call: {found['input_tokens_a_call']} in, {found['output_tokens_a_call']} out",
    ]
    for title, key in (("refused or not", "refused_or_not"), ("none, partial or full", "three_labels")):
        made.append(f"agreement with people, {title}:")
        for name, one in found[key].items():
            if isinstance(one, dict):
                made.append(f"  {name:<16} {_shown(one)}")
    return made


def _figures(rated: Ratings, *, positive: str = "") -> dict[str, Any]:
    both = agreement(rated)
    shown = {"raw": both.raw, "kappa": both.kappa, "ac1": both.ac1, "alpha": both.alpha}
    if rated.ordered:
        shown["kappa_quadratic"] = both.kappa_quadratic
    if positive:
        against = against_reference(rated, positive=[positive])
        shown |= {"sensitivity": against.sensitivity, "specificity": against.specificity}
        shown |= {"precision": against.precision, "f1": against.f1}
    return {"n": both.n, "missing": both.missing, **{name: _rounded(one) for name, one in shown.items()}}


def _refused(labels: Iterable[str | None]) -> list[str | None]:
    return [None if one is None else "no" if one == "none" else "yes" for one in labels]


def _rounded(figure: Figure) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(figure).items()}


def _shown(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return f"none: {figure['reason']}"
    limits = f"{figure['low']:.3f} to {figure['high']:.3f}" if figure["low"] is not None else figure["reason"]
    return f"{figure['value']:.3f}   ({limits})"
