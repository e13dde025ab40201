"""The command `explain`: every term of one hour's estimates."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli_shared import Found, Json, visible
from monitor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.estimate.grouped import Bound
    from monitor.estimate.phase_terms import PhaseEstimate
    from monitor.report.explain import Explained
    from monitor.report.rates import Rate


def explain(
    window: Annotated[str, typer.Argument(help="An hour in UTC like 2026-11-24T10, or last.", show_default=False)],
    segment: Annotated[str, typer.Argument(help="all, or field=value pairs: locale=tr-TR.", show_default=False)],
    dimension: Annotated[str, typer.Argument(help="Like refusal.", show_default=False)],
    *,
    as_json: Json = False,
) -> None:
    """Show every term of an hour's estimates and compare them with what is stored; exit code 2 where they differ."""
    from monitor.config import load_settings
    from monitor.output import print_json, stdout
    from monitor.report.explain import explain as compute
    from monitor.report.explain import read_segment, read_window
    from monitor.store.client import Store

    wanted = read_segment(segment)
    with Store.connect(load_settings().clickhouse) as store:
        span = read_window(window, store)
        found = compute(store, span, wanted, dimension)
    if not found:
        raise InputError(
            f"nothing is known of {dimension!r} in {segment} in that hour; "
            f"`alignment-monitor rates --by ...` shows what there is"
        )
    if as_json:
        print_json([one.as_json() for one in found])
    else:
        for one in found:
            for part in _parts(one):
                stdout().print(part, markup=False)
    if any(one.differs for one in found):
        raise Found


def _parts(one: "Explained") -> "Iterator[Any]":
    from monitor.output import percent

    e = one.rate.estimate
    segment = ", ".join(f"{field}={value or '(none)'}" for field, value in one.rate.segment.items()) or "all traffic"
    yield visible(f"{one.rate.dimension}, {segment}, by {_who(one.rate)}")
    if e.rate is None:
        yield f"  no rate: {e.n_sampled} to be looked at, {e.n_scored} with a verdict, {e.n_due} due\n"
        return
    limits = f"{percent(e.low, 3)} to {percent(e.high, 3)}"
    yield f"  rate {percent(e.rate, 3)}, {percent(e.confidence, 0)} interval {limits}, {e.method}"
    yield (
        f"  {e.n_population}{' (estimated)' if e.n_population_estimated else ''} records seen; "
        f"{e.n_sampled} to be looked at, {e.n_scored} with a verdict, {e.n_unscored} never to have one, {e.n_due} due\n"
    )
    if one.rate.phases is not None:
        yield from _phases(one.rate.phases)
    else:
        yield from _means(one)
        for bound in one.bounds:
            yield from _bound(bound, many=len(one.bounds) > 1)
    if e.n_unobserved:
        yield f"  {e.n_unobserved} records have no sample that stands for them: taken as no, and as yes, for the limits"
    yield _stored(one)


def _who(rate: "Rate") -> str:
    name = f"{rate.judge or 'classifier'} {rate.scorer_id[:12]}"
    if rate.corrected:
        return f"people, with {name}'s verdicts on the others"
    return f"{name}, its errors not corrected" + (
        f", with classifier {rate.classifier[:12]}'s help" if rate.judge else ""
    )


def _means(one: "Explained") -> "Iterator[Any]":
    from monitor.output import percent, table

    if one.totals:
        yield "  The ledger's exact counts:"
        rows = [
            [
                f"  {t.name}",
                f"{t.population}",
                f"{t.sampled}",
                percent(t.sampled / t.population if t.population else None, 2),
            ]
            for t in one.totals
        ]
        yield table(["  stratum", "seen", "sampled", "share"], rows, right=(1, 2, 3))
    yield "\n  The rate is the sum of share x mean:"
    rows = []
    for mean in one.means:
        names = ", ".join(one.totals[code].name for code in mean.strata) or "the segment, each record weighs 1 / chance"
        rows.append(
            [
                f"  {names}",
                f"{mean.n}",
                f"{mean.n_scored}",
                *(f"{x:.6f}" for x in (mean.share, mean.mean, mean.share * mean.mean)),
            ]
        )
    rows.append(["  sum", "", "", "", "", f"{sum(mean.share * mean.mean for mean in one.means):.6f}"])
    yield table(["  strata", "sampled", "scored", "share", "mean", "share x mean"], rows, right=(1, 2, 3, 4, 5))


def _bound(bound: "Bound", *, many: bool) -> "Iterator[Any]":
    from monitor.output import table

    taken = f", each missing verdict taken as {'yes' if bound.fill else 'no'}" if many else ""
    limits = f"{bound.low:.6f} to {bound.high:.6f} around {bound.rate:.6f}"
    yield f"\n  The interval, from groups of like chances{taken}: {limits}"
    rows = [
        [f"  {n}", f"{part.share:.6f}", f"{part.rate:.6f}", f"{part.size:.1f}", f"{part.variance:.3e}"]
        for n, part in enumerate(bound.parts, 1)
    ]
    yield table(["  group", "share", "rate", "effective size", "variance"], rows, right=(1, 2, 3, 4))
    yield f"  variance of the whole {bound.variance:.3e}, effective size {bound.size:.1f}"


def _phases(found: "PhaseEstimate") -> "Iterator[Any]":
    from monitor.output import table

    names = (
        ("classifier on all samples: l1 f", found.classifier),
        ("first verdict: l2 g - l1 f", found.judge),
        ("people: y - l2 g", found.human),
    )
    yield f"  The rate is the sum of three means, with l1 = {found.tuning.l1:.6f} and l2 = {found.tuning.l2:.6f}:"
    rows = [
        [f"  {name}", f"{part.n_selected}", f"{part.n}", f"{part.value:+.6f}", f"{part.variance:+.3e}"]
        for name, part in names
    ]
    total = sum(part.value for _, part in names)
    rows.append(["  sum", "", "", f"{total:+.6f}", f"{found.variance:+.3e}"])
    yield table(["  part", "chosen", "with a value", "value", "variance"], rows, right=(1, 2, 3, 4))
    if found.judge_rate is not None:
        yield f"  rate of the judge's yes {found.judge_rate:.6f}"
    if found.cells:
        yield "\n  What people say, by the judge's verdict and similar chance; the interval is made from these:"
        rows = [
            [
                "  yes" if c.verdict else "  no",
                f"{c.n}",
                *(f"{x:.6f}" for x in (c.share, c.rate, c.low, c.high)),
                f"{c.size:.1f}",
            ]
            for c in found.cells
        ]
        yield table(
            ["  judge", "labels", "share", "rate", "low", "high", "effective size"], rows, right=(1, 2, 3, 4, 5, 6)
        )
    yield (
        f"  for chance alone {found.sampling_low:.6f} to {found.sampling_high:.6f}; missing verdicts and labels stand "
        f"for {found.missing:.6f} of the records, {found.unobserved:.6f} have no sample that stands for them"
    )


def _stored(one: "Explained") -> str:
    stored = one.stored
    if stored is None:
        return "  not stored: the rollup has not written this hour, or does not write this segment\n"
    when = f"{stored.computed_at:%Y-%m-%d %H:%M:%S} UTC"
    if not one.differs:
        return f"  the same is stored, computed at {when}\n"
    rate = "no rate" if stored.rate is None else f"{stored.rate:.6f} ({stored.low:.6f} to {stored.high:.6f})"
    return (
        f"  ANOTHER NUMBER IS STORED: {rate}, computed at {when} from {stored.scored} verdicts with {stored.due} due. "
        "Verdicts or labels came since, and the next rollup writes it anew; if not, rows were changed by hand.\n"
    )
