"""The commands: `rates`, `status`, `drift`, `doctor`, `score` are here; the others, in modules beside, are added.

Exit codes: 0 fine, 1 could not run, 2 ran and found something. `up` and `demo`, which start processes, are in
`workers.main`, where the console script begins. Each command imports what it needs when it runs: start-up is what
people wait for.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli_budget import budget
from monitor.cli_constitution import constitution
from monitor.cli_deadletters import deadletters
from monitor.cli_delivery import events, gaps
from monitor.cli_explain import explain
from monitor.cli_judges import judges
from monitor.cli_labels import labels
from monitor.cli_replay import replay
from monitor.cli_rescore import judges_attacks, replay_verdicts, rescore
from monitor.cli_shared import Found, Json, Since, seconds, visible
from monitor.cli_train import evaluate, train
from monitor.errors import BrokerUnavailable, InputError

if TYPE_CHECKING:
    from monitor.report.rates import Rate
    from monitor.report.status import JudgeStatus

# Kept here as text, so that `--help` does not wait for the numeric libraries; a test compares it.
SEGMENT_FIELDS = ("model", "model_version", "locale", "tenant", "deployment", "prompt_version")

app = typer.Typer(
    help="Alignment Monitor: honest rates of refusal, sycophancy and policy breaches from live chatbot traffic.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(budget, name="budget")
app.add_typer(deadletters, name="deadletters")
app.add_typer(constitution, name="constitution")
judges.command("attacks")(judges_attacks)
app.add_typer(judges, name="judges")
app.add_typer(labels, name="labels")
app.command()(replay)
app.command()(explain)
app.command()(rescore)
app.command("replay-verdicts")(replay_verdicts)
app.command()(gaps)
app.command()(events)
app.command()(train)
app.command()(evaluate)


@app.command()
def rates(
    *,
    by: Annotated[str, typer.Option(help=f"Split by these fields, comma-separated: {', '.join(SEGMENT_FIELDS)}.")] = "",
    since: Since = "24h",
    dimension: Annotated[str | None, typer.Option(help="Only this dimension.")] = None,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Confidence of the intervals.")] = 0.95,
    anytime: Annotated[
        bool,
        typer.Option("--anytime", help="The week so far, with intervals that hold however often they are looked at."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Show each dimension's rate with its interval and coverage."""
    from monitor.clock import SystemClock
    from monitor.config import load_settings
    from monitor.output import print_json, stdout
    from monitor.report.ledger import Span
    from monitor.report.rates import rates as compute_rates
    from monitor.scoring.registry import enabled_scorers
    from monitor.store.client import Store

    fields = _fields(by)
    settings = load_settings()
    scorers = enabled_scorers(settings.scoring.scorers)
    now = SystemClock().now()
    span = Span.week(now=now) if anytime else Span.last(seconds(since), now=now)
    with Store.connect(settings.clickhouse) as store:
        found = compute_rates(
            store, span, splits=[fields] if fields else [], scorers=scorers, dimension=dimension, confidence=confidence
        )
    if anytime:
        found = [one.anytime() for one in found]
    if dimension is not None and not found:
        known = sorted({s.identity.dimension for s in scorers})
        raise InputError(f"no dimension {dimension!r}; known: {', '.join(known)}")
    if as_json:
        print_json([one.as_json() for one in found])
    else:
        stdout().print(rates_table(found))


@app.command()
def status(*, since: Since = "24h", as_json: Json = False) -> None:
    """Show what was seen, sampled and scored, what is due, how far behind and how fresh."""
    from monitor.clock import SystemClock
    from monitor.config import load_settings
    from monitor.intake.broker_state import lag
    from monitor.output import percent, print_json, stdout, table
    from monitor.report.ledger import Span
    from monitor.report.status import status as read_status
    from monitor.scoring.judge.configured import judges_of, panels_of
    from monitor.scoring.registry import enabled_scorers
    from monitor.store.client import Store

    settings, clock = load_settings(), SystemClock()
    scorers, asked = enabled_scorers(settings.scoring.scorers), judges_of(settings.judging)
    panels = panels_of(settings.judging, asked)
    span = Span.last(seconds(since), now=clock.now())
    with Store.connect(settings.clickhouse) as store:
        now = read_status(store, span, scorers=scorers, judges=(*asked, *panels), clock=clock)
    try:
        partitions, broker_note = lag(settings.kafka), ""
    except BrokerUnavailable as error:
        partitions, broker_note = [], str(error)
    behind = sum(p.lag for p in partitions) if not broker_note else None
    if as_json:
        print_json({**now.as_json(), "lag": behind, "broker": broker_note or "ok"})
        return
    canary = now.last_canary
    dead_by = ", ".join(f"{reason} {n}" for reason, n in now.dead_letters.items())
    rows = [
        ("seen", f"{now.consumed}", f"interactions in the last {since}"),
        ("sampled", f"{now.sampled}", "kept, by the keyed hash of the conversation"),
        ("sampled out", f"{now.sampled_out}", "counted, not kept"),
        ("dead", f"{now.dead}", "could not be read: alignment-monitor deadletters list"),
        ("lost", f"{now.lost}", "dropped by Kafka before they were read" if now.lost else "nothing was dropped unread"),
        ("verdicts", f"{now.scored}", f"of {now.scored + now.unscored + now.due} (samples x scorers)"),
        ("due", f"{now.due}", "verdicts still to come"),
        ("coverage", percent(now.coverage), "verdicts / (samples x scorers)"),
        *((one.name, f"{one.scored}", _judged(one)) for one in now.judges),
        ("lag", "unknown" if behind is None else f"{behind}", broker_note or "records not yet recorded"),
        ("dead letters", f"{sum(now.dead_letters.values())}", dead_by or "none open"),
        ("critical", f"{sum(now.criticals.values())}", _by_kind(now.criticals)),
        ("warnings", f"{sum(now.warnings.values())}", _by_kind(now.warnings)),
        (
            "last canary",
            "none" if canary is None else f"{canary.age_s:.0f} s ago",
            "no canary came through" if canary is None else f"took {canary.latency_s:.1f} s from Kafka to its scores",
        ),
    ]
    stdout().print(table(("", "", ""), rows, right=(1,)))


@app.command()
def doctor(*, as_json: Json = False) -> None:
    """Check each dependency and setting, and say what to do; exit code 2 when something is wrong."""
    from monitor.config import load_settings
    from monitor.output import print_json, stdout
    from monitor.report.doctor import check_all

    checks = []
    for check in check_all(load_settings()):
        checks.append(check)
        if not as_json:
            mark = {"ok": "ok     ", "warning": "warning", "failed": "FAILED "}[check.state]
            stdout().print(f"{mark}  {check.name:<11} {check.found}", markup=False)
            if check.todo:
                stdout().print(f"         {'':<11} -> {check.todo}", markup=False)
    if as_json:
        print_json([{"name": c.name, "state": c.state, "found": c.found, "todo": c.todo} for c in checks])
    if any(check.state != "ok" for check in checks):
        raise Found


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="JSONL or JSONL.gz, a conversation a line.", show_default=False)],
    *,
    dimension: Annotated[list[str] | None, typer.Option(help="Only this dimension; may be repeated.")] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help='Exit code 2 when a verdict meets this, like "refusal>0.5" (> >= < <=); may be repeated.'),
    ] = None,
    as_json: Json = False,
) -> None:
    """Score a file without any service: one verdict a line, in input order.

    Exit code 2 when a line is unreadable or a verdict meets --fail-on.
    """
    from monitor.output import print_json_line, say, stdout
    from monitor.report.offline import conditions, score_lines

    dimensions = tuple(dimension or ())
    limits = conditions(tuple(fail_on or ()), dimensions=dimensions)
    unreadable, met, verdicts = 0, dict.fromkeys(limits, 0), dict.fromkeys(limits, 0)
    for line in score_lines(file, dimensions=dimensions):
        unreadable += "error" in line
        for limit in limits:
            verdicts[limit] += line.get("dimension") == limit.dimension and line["value"] is not None
            met[limit] += limit.met_by(line)
        if as_json:
            print_json_line(line)
        else:
            stdout().print(_verdict_line(line), markup=False)
    for limit in limits:
        say(f"{met[limit]} of {verdicts[limit]} verdicts met {limit}")
    if unreadable:
        say(f"{unreadable} lines could not be read")
    if unreadable or any(met.values()):
        raise Found


@app.command()
def drift(
    *,
    since: Since = "24h",
    against: Annotated[str, typer.Option(help="The time before that, to compare with: 24h, 7d.")] = "7d",
    min_effect: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="A smaller distance is never called drift.")
    ] = 0.1,
    html: Annotated[Path | None, typer.Option(help="Write evidently's report here.")] = None,
    as_json: Json = False,
) -> None:
    """Compare the last windows with the ones before; exit code 2 when a distribution changed."""
    from monitor.clock import SystemClock
    from monitor.config import load_settings
    from monitor.drift.detectors import compare
    from monitor.drift.windows import read_span, spans_before
    from monitor.output import print_json, say, stdout, table
    from monitor.store.client import Store

    settings = load_settings()
    reference, current = spans_before(seconds(since), seconds(against), now=SystemClock().now())
    with Store.connect(settings.clickhouse) as store:
        before, after = read_span(store, reference), read_span(store, current)
    report = compare(before, after, min_effect=min_effect, with_html=html is not None)
    if html is not None:
        _write(html, report.html or f"<p>{report.too_few}</p>")
        say(f"report written to {html}")
    if as_json:
        print_json(report.as_json())
    elif report.too_few:
        stdout().print(report.too_few, markup=False)
    else:
        ordered = sorted(report.columns, key=lambda one: one.threshold / max(one.score, 1e-12))
        rows = [
            (
                "drifted" if one.drifted else "",
                one.name,
                one.effect,
                f"{one.before:.3g}",
                f"{one.after:.3g}",
                f"{one.score:.3f}",
                f"{one.threshold:.3f}",
                one.scorer_id[:12],
            )
            for one in ordered
        ]
        columns = ("", "column", "what", "before", "now", "distance", "threshold", "scorer")
        stdout().print(table(columns, rows, right=(3, 4, 5, 6)))
        stdout().print(
            f"{len(report.drifted)} of {len(report.columns)} columns changed; "
            f"{report.n_reference} samples of {report.conversations_reference} conversations "
            f"against {report.n_current} of {report.conversations_current}"
        )
    if report.drifted:
        raise Found


def rates_table(found: "list[Rate]") -> Any:
    """Lay out rates for a terminal."""
    from monitor.output import percent, table

    segments = any(one.segment for one in found)
    columns = [
        "dimension",
        *(["segment"] if segments else []),
        "rate",
        "interval",
        "coverage",
        "scored",
        "seen",
        "scorer",
    ]
    rows = []
    for one in found:
        e = one.estimate
        segment = ", ".join(f"{k}={v or '(none)'}" for k, v in one.segment.items()) or "all"
        seen = f"{'~' if e.n_population_estimated else ''}{e.n_population}"
        rows.append(
            [
                one.dimension,
                *([segment] if segments else []),
                percent(e.rate),
                f"{percent(e.low)} – {percent(e.high)}" if e.rate is not None else "no data",
                percent(e.coverage),
                f"{e.n_scored}",
                seen,
                _scorer(one),
            ]
        )
    numbers = range(2 if segments else 1, len(columns) - 1)
    return table(columns, rows, right=tuple(numbers))


def _judged(one: "JudgeStatus") -> str:
    undecided = f", {one.undecided} samples not decided on yet" if one.undecided else ""
    return f"verdicts of {one.wanted} ({one.chosen} samples x dimensions), {one.due} due{undecided}"


def _scorer(one: "Rate") -> str:
    name = f"{one.scorer_id[:12]} {one.judge}".strip()
    if one.corrected and one.phases:
        return f"{name}, corrected by {one.estimate.n_scored} labels"
    return f"{name}, not corrected" if one.judge else name


def _fields(by: str) -> tuple[str, ...]:
    fields = tuple(f.strip() for f in by.split(",") if f.strip())
    wrong = [f for f in fields if f not in SEGMENT_FIELDS]
    if wrong:
        raise InputError(f"cannot split by {', '.join(wrong)}; choose from {', '.join(SEGMENT_FIELDS)}")
    return fields


def _by_kind(events: dict[str, int]) -> str:
    listed = ", ".join(f"{kind} {n}" for kind, n in events.items())
    return f"{listed}: alignment-monitor events" if listed else "no such events"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error


def _verdict_line(line: dict[str, Any]) -> str:
    if "error" in line:
        return visible(f"{line['id']}  unreadable: {line['error']}")
    value = "unscored" if line["value"] is None else f"{line['value']:.2f}"
    return visible(f"{line['id']}  {line['dimension']}  {value}  {line['label']}  {line['reason']}")
