"""The commands that tell what went wrong on the way: `gaps` and `events`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli_shared import Found, Json, Since, seconds
from monitor.errors import BrokerUnavailable, InputError
from monitor.names import PREFIX

if TYPE_CHECKING:
    from monitor.config import KafkaSettings
    from monitor.store.gaps import Gap, LogView, PartitionGaps

SHOWN = 20
"""So many ranges are printed; `--json` gives all that are known."""
WHERE = {
    "within": "between recorded offsets",
    "before": "before the first recorded offset",
    "after": "committed, after the last recorded offset",
}
NEXT_STEP = "alignment-monitor replay --from-ledger"


def gaps(
    *,
    topic: Annotated[str, typer.Option(help="Another topic than the one in the settings.")] = "",
    as_json: Json = False,
) -> None:
    """Find offsets that are committed but have no outcome, or two; exit code 2 when there are any."""
    from monitor.config import load_settings
    from monitor.output import print_json, stdout
    from monitor.store.client import Store
    from monitor.store.gaps import find_gaps
    from monitor.store.ledger import topics

    settings = load_settings()
    kafka = settings.kafka.model_copy(update={"topic": topic or settings.kafka.topic})
    view, note = _ask(kafka)
    with Store.connect(settings.clickhouse) as store:
        found = find_gaps(store, kafka.topic, view)
        if not found and view is None:
            known = ", ".join(topics(store)) or "none"
            raise InputError(f"nothing is recorded of topic {kafka.topic!r}, and {note}; recorded topics: {known}")
    missing, doubled = sum(one.missing for one in found), sum(one.doubled for one in found)
    if as_json:
        print_json(
            {
                "topic": kafka.topic,
                "topic_id": view.topic_id if view else None,
                "kafka": note or "ok",
                "missing": missing,
                "doubled": doubled,
                "partitions": [_plain(one, view) for one in found],
            }
        )
    else:
        _print_partitions(found)
        other = "" if kafka.topic == settings.kafka.topic else f", with {PREFIX}KAFKA__TOPIC={kafka.topic}"
        for line in _sentences(found, note, NEXT_STEP + other):
            stdout().print(line, markup=False)
    if missing or doubled:
        raise Found


def events(
    *,
    since: Since = "24h",
    kind: Annotated[str, typer.Option(help="Only this kind.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 100,
    as_json: Json = False,
) -> None:
    """List what befell the pipeline, newest first."""
    from monitor.clock import SystemClock
    from monitor.config import load_settings
    from monitor.output import print_json, stdout, table
    from monitor.store.client import Store
    from monitor.store.events import EventKind

    if kind and kind not in set(EventKind):
        raise InputError(f"no kind of event is called {kind!r}; choose from {', '.join(sorted(EventKind))}")
    start = max(0, int(SystemClock().now().timestamp() - seconds(since)))
    with Store.connect(load_settings().clickhouse) as store:
        rows = store.query("events", since=start, kind=kind, limit=limit)
    if as_json:
        print_json(rows)
        return
    if not rows:
        stdout().print(f"no events in the last {since}")
        return
    cells = [
        (
            f"{row['at']:%Y-%m-%d %H:%M:%S}",
            row["severity"],
            row["kind"],
            row["process"],
            "" if row["partition"] < 0 else f"{row['partition']}",
            "" if row["partition"] < 0 else f"{row['first_offset']}-{row['last_offset']}",
            f"{row['n']}",
            row["detail"],
        )
        for row in rows
    ]
    columns = ("at (UTC)", "severity", "kind", "process", "partition", "offsets", "n", "detail")
    stdout().print(table(columns, cells, right=(4, 5, 6)))


def _ask(kafka: "KafkaSettings") -> "tuple[LogView | None, str]":
    """Give Kafka's view, or why there is none."""
    from monitor.intake.broker_log import KafkaLog
    from monitor.store.gaps import look

    try:
        with KafkaLog(kafka) as log:
            view = look(log)
    except BrokerUnavailable as error:
        return None, str(error)
    return view, "" if view else f"Kafka has no topic {kafka.topic!r}"


def _print_partitions(found: "list[PartitionGaps]") -> None:
    from monitor.output import stdout, table

    rows = []
    for one in found:
        ledger = one.ledger
        outcomes = ledger.outcomes if ledger else {}
        rows.append(
            (
                f"{one.topic_id.hex[:12]}{'' if one.current is not False else ' (former)'}",
                f"{one.partition}",
                f"{ledger.first}-{ledger.last}" if ledger else "none",
                f"{ledger.recorded if ledger else 0}",
                f"{one.missing}",
                f"{outcomes.get('lost', 0)}",
                f"{outcomes.get('absent', 0)}",
                f"{one.doubled}",
            )
        )
    columns = ("topic id", "partition", "offsets", "recorded", "missing", "lost", "absent", "doubled")
    stdout().print(table(columns, rows, right=range(1, 8)))


def gap_lines(found: "list[PartitionGaps]") -> list[str]:
    """Say which offsets are missing, and whether they can be read again."""
    named = [(one, gap) for one in found for gap in one.gaps]
    lines = [
        f"{where(one)}: {gap.range} ({len(gap.range)}) missing, {WHERE[gap.where]}; {_fate(one, gap)}"
        for one, gap in named[:SHOWN]
    ]
    if len(named) > SHOWN:
        lines.append(f"and {len(named) - SHOWN} more ranges: alignment-monitor gaps --json")
    return lines


def where(one: "PartitionGaps") -> str:
    """Name a partition, and its incarnation where it is not the one of now."""
    return f"partition {one.partition}" + ("" if one.current is not False else f" of {one.topic_id.hex[:12]}")


def plain_gap(gap: "Gap") -> dict[str, Any]:
    """Give plain values, for `--json`."""
    return {
        "first": gap.range.first,
        "last": gap.range.last,
        "n": len(gap.range),
        "where": gap.where,
        "readable": gap.readable,
    }


def _sentences(found: "list[PartitionGaps]", note: str, next_step: str) -> list[str]:
    """Say what is wrong, where, and what to do."""
    lines = [f"only the ledger was looked at: {note}"] if note else []
    lines += gap_lines(found)
    for one in found:
        if one.ledger and one.doubled:
            ranges = ", ".join(map(str, one.ledger.doubled_ranges[:SHOWN]))
            lines.append(f"{where(one)}: {one.doubled} outcomes too many, at {ranges}")
    if any(one.missing for one in found if one.current is not False):
        lines.append(f"to mend what is missing: {next_step}")
    if any(one.doubled for one in found):
        lines.append("an offset with two outcomes: see docs/runbooks/gaps.md")
    if not any(one.missing or one.doubled for one in found):
        lines.append("nothing is missing" if not note else "nothing is missing between recorded offsets")
    return lines


def _fate(one: "PartitionGaps", gap: "Gap") -> str:
    if gap.readable:
        return "Kafka still has them"
    if gap.readable is None:
        return "whether Kafka has them is not known"
    return "Kafka has dropped them" if one.current else "the topic was made anew, they cannot be read"


def _plain(one: "PartitionGaps", view: "LogView | None") -> dict[str, Any]:
    ledger = one.ledger
    state = view.partitions.get(one.partition) if view and one.current else None
    return {
        "topic_id": one.topic_id,
        "current": one.current,
        "partition": one.partition,
        "first": ledger.first if ledger else None,
        "last": ledger.last if ledger else None,
        "recorded": ledger.recorded if ledger else 0,
        "outcomes": ledger.outcomes if ledger else {},
        "lost_ranges": [[r.first, r.last] for r in ledger.lost] if ledger else [],
        "doubled": one.doubled,
        "doubled_ranges": [[r.first, r.last] for r in ledger.doubled_ranges] if ledger else [],
        "missing": one.missing,
        "gaps": [plain_gap(gap) for gap in one.gaps],
        "log_start": state.log_start if state else None,
        "committed": state.committed if state else None,
    }
