"""The command `judges disagreements`: what the members of a panel see differently, for people to look at."""

from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli_shared import Json, Since, seconds, visible
from monitor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.scoring.judge.panel import Panel


def judges_disagreements(
    *,
    panel: Annotated[str, typer.Option(help="Only this panel; without it, all of them.")] = "",
    since: Since = "7d",
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 50,
    as_json: Json = False,
) -> None:
    """List interactions that members of a panel give different labels, the furthest apart first: the queue for review.

    Ids and labels only; nothing that anybody wrote.
    """
    from monitor.clock import SystemClock
    from monitor.config import load_settings
    from monitor.output import print_json, stdout, table
    from monitor.report.ledger import Span
    from monitor.report.panels import disagreements
    from monitor.scoring.judge.configured import judges_of, panels_of
    from monitor.store.client import Store

    settings = load_settings()
    chosen = _chosen(panels_of(settings.judging, judges_of(settings.judging)), panel)
    span = Span.last(seconds(since), now=SystemClock().now())
    with Store.connect(settings.clickhouse) as store:
        found = disagreements(store, chosen, span, limit=limit)
    if as_json:
        print_json([one.as_json() for one in found])
    elif not found:
        stdout().print(f"the members agree on all that was judged in the last {since}", markup=False)
    else:
        columns = ("interaction", "dimension", "panel", "verdict", "distance", "members")
        rows = [
            (
                visible(one.interaction_id),
                one.dimension,
                one.panel,
                one.verdict,
                f"{one.distance:.2f}",
                ", ".join(map(str, one.members)),
            )
            for one in found
        ]
        stdout().print(table(columns, rows, right=(4,)))


def _chosen(there: "Sequence[Panel]", name: str) -> "Sequence[Panel]":
    if not there:
        raise InputError("there is no panel; ALIGNMENT_MONITOR_JUDGING__PANELS names them, docs/judges.md says how")
    chosen = [one for one in there if name in {"", one.settings.name, one.name}]
    if not chosen:
        known = ", ".join(one.settings.name for one in there)
        raise InputError(f"no panel {visible(name)!r}; known: {known}")
    return chosen
