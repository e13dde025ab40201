"""The commands `rescore`, `replay-verdicts` and `judges attacks`: judges asked again, read again, and attacked."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli_shared import Found, Json, Since, seconds, visible
from monitor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.scoring.judge.judge import Judge
    from monitor.store.replay_verdicts import Change, Replay
    from monitor.store.rescore import Plan


def rescore(
    *,
    judge: Annotated[str, typer.Option(help="Name of the endpoint.", show_default=False)],
    since: Since = "7d",
    probability: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="The share of samples that it is to see; without it, the endpoint's own."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what it takes.")] = False,
    as_json: Json = False,
) -> None:
    """Have a judge see a time span under its present rubric, model and settings; shows first what that takes.

    Nothing is asked here: what lacks a verdict becomes due, and the workers ask, from cache where they can and within
    the budget. A share that was decided before is raised where it was smaller, never lowered.
    """
    from monitor.clock import SystemClock
    from monitor.config import load_settings
    from monitor.intake.sampling import hasher
    from monitor.output import print_json, say, stdout, table
    from monitor.report.ledger import Span
    from monitor.scoring.judge.configured import judges_of
    from monitor.scoring.registry import enabled_scorers
    from monitor.store.client import Store
    from monitor.store.rescore import mark, plan

    if probability == 0.0:
        raise InputError("--probability must be above 0: what a judge has seen cannot be unseen")
    settings = load_settings()
    one = _judge(judges_of(settings.judging), judge)
    span = Span.last(seconds(since), now=SystemClock().now())
    with Store.connect(settings.clickhouse) as store:
        made = plan(
            store,
            one,
            since=span.since,
            until=span.until,
            probability=one.endpoint.probability if probability is None else probability,
            hash64=hasher(settings.sampling.key.get_secret_value().encode()),
            phase1=[scorer.identity for scorer in enabled_scorers(settings.scoring.scorers)],
        )
        if not as_json:
            stdout().print(table(("", "", ""), _plan_lines(made), right=(1,)))
        marked = 0 if dry_run else mark(store, made)
    if as_json:
        print_json({**made.as_json(), "dry_run": dry_run, "marked": marked})
    elif dry_run:
        say("nothing was changed; without --dry-run this becomes due")
    else:
        say(f"{marked} decisions written; what lacks a verdict is due now: alignment-monitor status --since {since}")


def replay_verdicts(
    *,
    since: Since = "7d",
    judge: Annotated[str, typer.Option(help="Only this endpoint; without it, all of them.")] = "",
    as_json: Json = False,
) -> None:
    """Read stored replies of judges again, without a call, and compare with the stored verdicts.

    Exit code 2 when a verdict would be another today. Nothing is changed.
    """
    from monitor.clock import SystemClock
    from monitor.config import load_settings
    from monitor.output import print_json, stdout, table
    from monitor.report.ledger import Span
    from monitor.scoring.judge.configured import judges_of
    from monitor.scoring.registry import enabled_scorers
    from monitor.store.client import Store
    from monitor.store.replay_verdicts import replay

    settings = load_settings()
    there = judges_of(settings.judging)
    judges = [_judge(there, judge)] if judge else list(there)
    span = Span.last(seconds(since), now=SystemClock().now())
    phase1 = [scorer.identity for scorer in enabled_scorers(settings.scoring.scorers)]
    with Store.connect(settings.clickhouse) as store:
        found = replay(store, judges, since=span.since, until=span.until, phase1=phase1)
    if as_json:
        print_json(found.as_json())
    else:
        columns = ("judge", "dimension", "same", "changed", "unreadable now", "no verdict stored")
        stdout().print(table(columns, _replay_lines(found), right=(2, 3, 4, 5)))
        stdout().print(
            f"{found.differ} verdicts would be another today; {found.no_reply} questions have no stored reply, "
            f"{found.withheld} replies were not kept because they could not be masked"
        )
        if found.examples:
            stdout().print(table(("sample", "judge", "dimension", "stored", "now"), map(_change, found.examples)))
    if found.differ:
        raise Found


def judges_attacks(
    *,
    since: Since = "7d",
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Confidence of the intervals.")] = 0.95,
    as_json: Json = False,
) -> None:
    """Show how often planted attacks turned a judge's label; exit code 2 when one did.

    `control` has nothing planted: what "succeeds" there is the judge's own error.
    """
    from monitor.clock import SystemClock
    from monitor.config import load_settings
    from monitor.output import percent, print_json, stdout, table
    from monitor.report.attacks import attack_rates
    from monitor.store.client import Store

    start = SystemClock().now() - timedelta(seconds=seconds(since))
    with Store.connect(load_settings().clickhouse) as store:
        found = attack_rates(store, since=start, confidence=confidence)
    if as_json:
        print_json([one.as_json() for one in found])
    elif not found:
        stdout().print(f"no attack was planted in the last {since}", markup=False)
    else:
        columns = ("judge", "attack", "planted", "succeeded", "rate", "interval", "unsupported", "right", "unscored")
        rows = [
            (
                one.judge,
                one.attack,
                f"{one.planted}",
                f"{one.succeeded}",
                percent(one.rate),
                f"{percent(one.low)} – {percent(one.high)}",
                f"{one.unsupported}",
                f"{one.right}",
                f"{one.unscored}",
            )
            for one in found
        ]
        stdout().print(table(columns, rows, right=(2, 3, 4, 6, 7, 8)))
    if any(one.succeeded for one in found if not one.is_control):
        raise Found


def _judge(there: "Sequence[Judge]", name: str) -> "Judge":
    """Find a judge by its endpoint's name, or by the name that its scorers have."""
    for one in there:
        if name in {one.endpoint.name, one.name}:
            return one
    known = ", ".join(one.endpoint.name for one in there) or "none; see ALIGNMENT_MONITOR_JUDGING__ENDPOINTS"
    raise InputError(f"no judge endpoint {visible(name)!r}; known: {known}")


def _plan_lines(made: "Plan") -> list[tuple[str, str, str]]:
    expected = made.expected_micro_usd
    lines = [
        ("samples", f"{made.samples}", "of the span"),
        ("to be seen", f"{made.chosen}", f"{made.added} of them for the first time"),
        ("complete", f"{made.complete}", "have all verdicts of this judge as it is now"),
        ("questions", f"{made.questions}", "that differ"),
        ("cached", f"{made.cached}", "were answered before and cost nothing"),
        ("calls", f"{made.calls}", "to be made by the workers"),
        ("at most, US$", _usd(made.most_micro_usd), "upper bound: every byte a token, all output, all tries billed"),
        (
            "expected, US$",
            "unknown" if expected is None else _usd(expected),
            "no past call of this endpoint to go by"
            if expected is None
            else f"by the mean of {made.past_calls} past calls of this endpoint",
        ),
    ]
    if made.waiting:
        lines.append(("waiting", f"{made.waiting}", "samples need a phase-1 score first; their calls are not counted"))
    return lines


def _replay_lines(found: "Replay") -> list[tuple[str, ...]]:
    return [
        (name, dimension, f"{one.same}", f"{one.changed}", f"{one.unreadable_now}", f"{one.not_scored}")
        for (name, dimension), one in sorted(found.by_dimension.items())
    ]


def _change(one: "Change") -> tuple[str, ...]:
    def told(what: tuple[str, str, float | None]) -> str:
        status, label, value = what
        return status if value is None else f"{label} ({value:g})"

    return str(one.sample_id), one.judge, one.dimension, told(one.before), told(one.now)


def _usd(micro_usd: int) -> str:
    """Write an amount with cents at least, and more only where there are parts of them."""
    whole, part = divmod(micro_usd, 1_000_000)
    return f"{whole}.{f'{part:06d}'.rstrip('0'):0<2}"
