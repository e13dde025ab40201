"""`judges report`: how far judges agree with humans and with each other, and where they lean."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli_judges_panels import judges_disagreements
from monitor.cli_shared import Json

if TYPE_CHECKING:
    from monitor.estimate.agreement import Agreement, Figure
    from monitor.report.judges import SetReport

judges = typer.Typer(help="How far the judges can be trusted.", no_args_is_help=True, rich_markup_mode=None)
judges.command("disagreements")(judges_disagreements)

NARROW = 130
"""Below so many columns a line a figure is printed: a row of intervals would be broken."""


@judges.command("report")
def judges_report(
    *,
    data: Annotated[
        Path, typer.Option(help="Folder of labelled data with stored judges' verdicts.", show_default=False)
    ],
    only: Annotated[
        list[str] | None, typer.Option("--set", help="Only sets whose name begins so; may be repeated.")
    ] = None,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Confidence of the intervals.")] = 0.95,
    as_json: Json = False,
) -> None:
    """Show the agreement of stored judges with humans and with each other, by language, and their biases.

    Coefficients are given with intervals: Cohen's kappa (quadratic weights where labels have an order), Gwet's AC1,
    Krippendorff's alpha (ordinal where labels have an order).
    """
    from monitor.errors import InputError
    from monitor.output import print_json, progress, stdout
    from monitor.report.judges import report
    from monitor.report.judges_public import public_sets

    found = public_sets(data)
    names = [one.name for one in found]
    wanted = [one for one in found if not only or one.name.startswith(tuple(only))]
    if not wanted:
        raise InputError(f"no set begins with {', '.join(only or [])}; there are: {', '.join(names)}")
    made: list[SetReport] = []
    with progress("sets", len(wanted)) as bar:
        for one in wanted:
            made += report([one], confidence=confidence)
            bar.advance()
    if as_json:
        print_json([one.as_json() for one in made])
        return
    for each in made:
        _print(each)
    stdout().print(
        f"Intervals at {100 * confidence:g} %, whole questions as clusters. Biases are what the first says beyond the "
        "second; their intervals hold together for each pair, and only those that exclude 0 are listed.",
        markup=False,
    )


def _print(one: "SetReport") -> None:
    from monitor.output import stdout

    out = stdout()
    out.print(f"{one.name}: {one.dimension}, {one.items} items", style="bold", markup=False)
    if one.unlabelled:
        out.print("without a label: " + ", ".join(f"{name} {n}" for name, n in one.unlabelled.items()), markup=False)
    out.print()
    parts = [_agreements(one, narrow=out.width < NARROW), _references(one, narrow=out.width < NARROW), _biases(one)]
    for part in parts:
        if part is not None:
            out.print(part)
            out.print()


def _agreements(one: "SetReport", *, narrow: bool) -> Any:
    rows: list[tuple[str, str, Agreement]] = [(f"{p.first} × {p.second}", p.language, p.agreement) for p in one.pairs]
    rows += [(f"{len(p.raters)} {p.kind}s together", p.language, p.agreement) for p in one.panels]
    columns = ("raters", "language", "items", "groups", "agreement", "kappa", "weighted", "AC1", "alpha")
    cells = [(name, language, str(a.n), str(a.groups), [_figure(f) for f in _shown(a)]) for name, language, a in rows]
    return _laid_out(columns, cells, narrow=narrow)


def _references(one: "SetReport", *, narrow: bool) -> Any:
    columns = ("against", "language", "items", "positive", "accuracy", "sensitivity", "specificity", "precision", "F1")
    cells = []
    for p in one.pairs:
        if p.reference is not None:
            r = p.reference
            figures = [_figure(f) for f in (r.accuracy, r.sensitivity, r.specificity, r.precision, r.f1)]
            positive = r.true_positive + r.false_negative
            cells.append((f"{p.first} / {p.second}", p.language, str(p.agreement.n), str(positive), figures))
    return _laid_out(columns, cells, narrow=narrow) if cells else None


def _biases(one: "SetReport") -> Any:
    from monitor.output import table

    rows = [
        (
            f"{pair.first} / {pair.second}",
            bias.check,
            f"{bias.what} ({bias.measure})",
            f"{bias.difference:+.3f} [{bias.low:+.3f}, {bias.high:+.3f}]",
            str(bias.n_with),
            str(bias.n_without) if bias.n_without else "",
        )
        for pair in one.biases
        for bias in pair.found
    ]
    made = sum(len(pair.checks) for pair in one.biases)
    if not rows:
        return f"no bias found in {made} checks"
    return table((f"bias: {len(rows)} of {made}", "check", "what", "difference", "with", "without"), rows, right=(4, 5))


def _laid_out(columns: tuple[str, ...], cells: list[tuple[str, str, str, str, list[str]]], *, narrow: bool) -> Any:
    from monitor.output import table

    if not narrow:
        return table(columns, [(*head, *figures) for *head, figures in cells], right=(2, 3))
    lines = [
        (name if not i else "", language if not i else "", items if not i else "", column, figure)
        for name, language, items, _, figures in cells
        for i, (column, figure) in enumerate(zip(columns[4:], figures, strict=True))
        if figure
    ]
    return table((*columns[:3], "figure", "value"), lines, right=(2,))


def _shown(a: "Agreement") -> "tuple[Figure, ...]":
    ordered = a.alpha_ordinal.value is not None
    return (a.raw, a.kappa, a.kappa_quadratic, a.ac1, a.alpha_ordinal if ordered else a.alpha)


def _figure(f: "Figure") -> str:
    if f.value is None:
        return ""
    return f"{f.value:.3f} [{f.low:.3f}, {f.high:.3f}]" if f.low is not None else f"{f.value:.3f} (no interval)"
