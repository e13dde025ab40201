"""The commands for labels by people: `labels import`, `labels next`, `labels agreement`, `labels plan`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli_shared import Found, Json, Since, seconds, visible
from monitor.errors import InputError

if TYPE_CHECKING:
    from monitor.estimate.planning import Need
    from monitor.report.labels_import import Imported
    from monitor.scoring.constitution.model import Constitution, Principle

labels = typer.Typer(
    help="Labels by people, the truth that rates are held against.", no_args_is_help=True, rich_markup_mode=None
)

FLAWS_SHOWN = 50
"""What is wrong with more lines comes up when these are mended."""


@labels.command("import")
def labels_import(
    file: Annotated[
        Path, typer.Argument(help="JSONL or CSV: id, dimension, label, reviewer a line.", show_default=False)
    ],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="A reviewer's other label takes the earlier's place.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Store the good lines; exit code 2 for the others.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Store labels from a file, all of them or none; importing it again stores nothing new.

    Labels of samples that `labels next` has not drawn are kept for agreement, and are in no rate.
    """
    from monitor.clock import SystemClock
    from monitor.config import load_settings
    from monitor.output import print_json, say, stdout
    from monitor.report.labels_file import read_labels
    from monitor.report.labels_import import import_labels
    from monitor.scoring.constitution.load import load
    from monitor.store.client import Store

    settings = load_settings()
    constitution, read = load(settings.judging.constitution), read_labels(file)
    with Store.connect(settings.clickhouse) as store:
        found = import_labels(store, read, constitution, clock=SystemClock(), replace=replace, skip_bad=skip_bad)
    if found.refused:
        raise InputError(
            f"{file}: nothing is stored, {found.lines} lines were looked at; --skip-bad stores those that are right:\n"
            + "\n".join(_flaws(found))
        )
    for line in _flaws(found):
        say(line)
    if as_json:
        print_json({"file": str(file), **found.as_json()})
    else:
        stdout().print(
            f"{found.stored} labels stored, {found.replaced} of them in the place of an earlier one; "
            f"{found.unchanged} were there already, {found.skipped} of {found.lines} lines skipped",
            markup=False,
        )
        if found.convenience:
            stdout().print(
                f"{found.convenience} are of samples that were not drawn: they count for agreement and in no rate",
                markup=False,
            )
    if found.flaws:
        raise Found


@labels.command("next")
def labels_next(
    *,
    dimension: Annotated[str, typer.Option(help="What is to be labelled.", show_default=False)],
    n: Annotated[int, typer.Option("--n", min=1, max=10_000, help="So many samples are to wait for a label.")] = 20,
    since: Since = "7d",
    judge: Annotated[str, typer.Option(help="Judge or panel whose verdicts the labels are to correct.")] = "",
    reviewer: Annotated[str, typer.Option(help="What this reviewer has not labelled; else what nobody has.")] = "",
    text: Annotated[bool, typer.Option("--text", help="Show the conversations, personal data masked.")] = False,
    as_json: Json = False,
) -> None:
    """Draw samples for people to label, each with a known chance, and list those that wait.

    Larger chances go to samples that classifier and judge see differently or are unsure of. The list is in random
    order: work it off from the top. Until they are labelled, the same samples come again.
    """
    from monitor.clock import SystemClock
    from monitor.config import load_settings
    from monitor.intake.sampling import hasher
    from monitor.output import print_json, say, stdout, table
    from monitor.report.labels_draw import draw
    from monitor.report.labels_sources import sources
    from monitor.report.ledger import Span
    from monitor.scoring.constitution.load import load
    from monitor.store.client import Store

    settings = load_settings()
    principle = _principle(load(settings.judging.constitution), dimension)
    who = sources(settings, principle.dimension, judge)
    span = Span.last(seconds(since), now=SystemClock().now())
    hash64 = hasher(settings.sampling.key.get_secret_value().encode())
    with Store.connect(settings.clickhouse) as store:
        found = draw(store, span, who, n=n, hash64=hash64, reviewer=reviewer, text=text)
    if as_json:
        print_json([one.as_json() for one in found.waiting])
    elif text:
        for one in found.waiting:
            stdout().print(visible(one.transcript()), markup=False)
    else:
        columns = ("sample", "interaction", "window", "locale", "model version")
        rows = [
            (str(one.sample_id), one.interaction_id, f"{one.window:%Y-%m-%d %H:%M}", one.locale, one.model_version)
            for one in found.waiting
        ]
        stdout().print(table(columns, rows))
    if not found.waiting:
        verdicts = f" with a verdict of {who.judge}" if who.judge else ""
        say(f"nothing waits: of {found.eligible} samples{verdicts} in the last {since} all are labelled")
    else:
        names = ", ".join(one.name for one in principle.labels)
        say(f"{len(found.waiting)} samples wait, {found.drawn} of them drawn now; labels of {dimension}: {names}")
        say("then: alignment-monitor labels import FILE, with id (the sample), dimension, label, reviewer a line")


@labels.command("agreement")
def labels_agreement(
    *,
    since: Since = "30d",
    dimension: Annotated[str, typer.Option(help="Only this dimension.")] = "",
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Confidence of the intervals.")] = 0.95,
    as_json: Json = False,
) -> None:
    """Show the agreement of reviewers with each other, and of each judge and classifier with the reviewers.

    Of samples in the windows of that time that somebody labelled, drawn or not, as they are: not weighted.
    """
    from monitor.cli_judges import _print as print_set
    from monitor.clock import SystemClock
    from monitor.config import load_settings
    from monitor.output import print_json, stdout
    from monitor.report.labels_agreement import label_agreement
    from monitor.report.ledger import Span
    from monitor.scoring.constitution.load import load
    from monitor.store.client import Store

    settings = load_settings()
    constitution = load(settings.judging.constitution)
    span = Span.last(seconds(since), now=SystemClock().now())
    with Store.connect(settings.clickhouse) as store:
        found = label_agreement(store, span, constitution, dimension=dimension, confidence=confidence)
    if as_json:
        print_json([one.as_json() for one in found])
        return
    for one in found:
        print_set(one.agreement)
        wording = (
            f"; {one.earlier_wording} labels answer another wording of the principle" if one.earlier_wording else ""
        )
        stdout().print(
            f"{one.agreement.items} labelled samples, {one.drawn} of them drawn; {one.reviewers} reviewers{wording}",
            markup=False,
        )
        stdout().print()
    if found:
        stdout().print(
            f"Intervals at {100 * confidence:g} %, conversations as clusters. The labelled samples as they are: draws "
            "favour samples that raters see differently, so on all traffic they agree more often than this.",
            markup=False,
        )
    else:
        stdout().print(f"no two raters have labelled a sample of the last {since}", markup=False)


@labels.command("plan")
def labels_plan(
    *,
    dimension: Annotated[str, typer.Option(help="What is measured.", show_default=False)],
    target: Annotated[
        float,
        typer.Option(min=0.0001, max=0.5, help="Half-width of the interval: 0.01 = one point.", show_default=False),
    ],
    since: Since = "7d",
    judge: Annotated[str, typer.Option(help="Judge or panel; else the one that `labels next` draws for.")] = "",
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Confidence of the interval.")] = 0.95,
    as_json: Json = False,
) -> None:
    """Show how many labels or judge calls give an interval of that half-width, over a span like the last one.

    Foretold from what that span has: as much traffic, the same rates, chances in the same proportions.
    """
    from dataclasses import asdict

    from monitor.clock import SystemClock
    from monitor.config import load_settings
    from monitor.estimate.planning import plan
    from monitor.output import print_json, stdout, table
    from monitor.report.labels_sources import sources
    from monitor.report.ledger import Span
    from monitor.report.phase_frame import phase_terms, read_frame, with_totals
    from monitor.scoring.constitution.load import load
    from monitor.store.client import Store

    settings = load_settings()
    who = sources(settings, _principle(load(settings.judging.constitution), dimension).dimension, judge)
    span = Span.last(seconds(since), now=SystemClock().now())
    with Store.connect(settings.clickhouse) as store:
        frame, stratum, totals = with_totals(store, span, read_frame(store, span, who))
    made = plan(phase_terms(frame, stratum), totals, target=target, confidence=confidence)
    if as_json:
        print_json({"dimension": dimension, "judge": who.judge or None, "since": since, **asdict(made)})
        return
    if made.half_width is None:
        stdout().print(
            f"{dimension}, last {since}: {made.reason}; begin with: alignment-monitor labels next", markup=False
        )
        return
    whose = "corrected by labels" if made.corrected else f"of {who.judge}, not corrected: there are no labels yet"
    stdout().print(f"{dimension}, last {since}, {whose}: half-width {_points(made.half_width)} now", markup=False)
    both = "out of reach" if made.both is None else f"{made.both[0]} labels, {made.both[1]} calls"
    rows = [
        *_needs("labels", made.labels),
        *_needs("judge calls", made.judge),
        *([("both", "", both, "", "")] if made.labels and made.judge else []),
    ]
    columns = ("", "there are", f"for {_points(target)}", "at most", "half-width with all")
    stdout().print(table(columns, rows, right=(1, 3, 4)))


def _needs(what: str, need: "Need | None") -> list[tuple[str, ...]]:
    if need is None:
        return []
    needed = "out of reach" if need.needed is None else f"{need.needed}"
    return [(what, f"{need.now}", needed, f"{need.most}", _points(need.least))]


def _points(share: float) -> str:
    return f"±{100 * share:.2f} points"


def _principle(constitution: "Constitution", dimension: str) -> "Principle":
    for one in constitution.principles:
        if one.dimension == dimension:
            return one
    known = ", ".join(one.dimension for one in constitution.principles)
    raise InputError(f"dimension {visible(dimension)!r} is not in the constitution; it has {known}")


def _flaws(found: "Imported") -> list[str]:
    told = [f"  line {one.line}: {one.what}" for one in found.flaws[:FLAWS_SHOWN]]
    if len(found.flaws) > FLAWS_SHOWN:
        told.append(f"  and {len(found.flaws) - FLAWS_SHOWN} more")
    return told
