"""The command `replay`: files to Kafka, or what the ledger lacks from Kafka to ClickHouse."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli_delivery import SHOWN, gap_lines, plain_gap, where
from monitor.cli_shared import Found, Json
from monitor.errors import InputError

if TYPE_CHECKING:
    from monitor.store.gaps import PartitionGaps

Files = Annotated[list[Path] | None, typer.Argument(help="JSONL or JSONL.gz files.", show_default=False)]


def replay(
    files: Files = None,
    *,
    from_ledger: Annotated[
        bool, typer.Option("--from-ledger", help="No files: read again from Kafka what the ledger lacks.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --from-ledger: only say what is missing.")] = False,
    rate: Annotated[float | None, typer.Option(min=0.001, help="At most so many messages a second.")] = None,
    speed: Annotated[
        float | None, typer.Option(min=0.001, help="Keep the original pace, so many times faster.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Send conversations from files to Kafka, or record what was missed of it; exit code 2 when not all went well."""
    if from_ledger:
        if files or rate or speed:
            raise InputError("--from-ledger reads Kafka itself: leave out FILES, --rate and --speed")
        _from_ledger(dry_run=dry_run, as_json=as_json)
        return
    if dry_run:
        raise InputError("--dry-run goes with --from-ledger")
    if not files:
        raise InputError("say what: `replay FILES...` sends files, `replay --from-ledger` records what was missed")
    from monitor.config import load_settings
    from monitor.intake.replay import count_lines, read_lines, send
    from monitor.output import print_json, progress, say

    settings = load_settings()
    total = count_lines(files)
    with progress("sent", total) as bar:
        lines = (line for path in files for line in read_lines(path))
        sent = send(settings.kafka, lines, rate=rate, speed=speed, step=bar.advance)
    if as_json:
        print_json({"sent": sent.count, "failed": sent.failed, "topic": settings.kafka.topic})
    else:
        say(
            f"{sent.count} records sent to {settings.kafka.topic}" + (f", {sent.failed} refused" if sent.failed else "")
        )
    if sent.failed:
        raise Found


def _from_ledger(*, dry_run: bool, as_json: bool) -> None:
    """Read the missing offsets again from Kafka and record them; exit code 2 when some are lost or stay missing."""
    from monitor.clock import SystemClock
    from monitor.config import load_settings
    from monitor.intake.broker_log import KafkaLog
    from monitor.output import print_json, progress, say
    from monitor.store.client import Store
    from monitor.store.events import Journal
    from monitor.store.gaps import find_gaps
    from monitor.store.mend import mend, view_of

    settings, clock = load_settings(), SystemClock()
    with KafkaLog(settings.kafka) as log, Store.connect(settings.clickhouse) as store:
        view = view_of(log, settings.kafka.topic)
        found = find_gaps(store, settings.kafka.topic, view, former=False)
        total = sum(one.missing for one in found)
        if dry_run:
            _print_plan(found, total, as_json=as_json)
            if total:
                raise Found
            return
        journal = Journal("replay", clock)
        with progress("mended", total) as bar:
            done = mend(store, log, settings, clock=clock, journal=journal, step=bar.advance)
        unsaid = not journal.flush(store)
    left = sum(one.missing for one in done.left)
    sums = {name: sum(getattr(one, name) for one in done.partitions) for name in ("recorded", "lost", "absent")}
    if as_json:
        print_json({"topic": settings.kafka.topic, **sums, "missing": left, "gaps": _all_gaps(done.left)})
    else:
        _print_mended(sums, done.left, left)
    if unsaid:
        say("ClickHouse did not take the event rows about this; the offsets themselves are recorded")
    if sums["lost"] or left:
        raise Found


def _print_plan(found: "list[PartitionGaps]", total: int, *, as_json: bool) -> None:
    from monitor.output import print_json, stdout

    readable = sum(len(gap.range) for one in found for gap in one.gaps if gap.readable)
    dropped = sum(len(gap.range) for one in found for gap in one.gaps if not gap.readable)
    if as_json:
        print_json({"missing": total, "readable": readable, "dropped": dropped, "gaps": _all_gaps(found)})
        return
    for line in gap_lines(found) if total else ["nothing is missing"]:
        stdout().print(line, markup=False)
    if total:
        stdout().print(f"would read {readable} offsets, and record {dropped} as lost; nothing was changed")


def _print_mended(sums: dict[str, int], remaining: "list[PartitionGaps]", left: int) -> None:
    from monitor.output import stdout

    if not any(sums.values()) and not left:
        stdout().print("nothing is missing")
        return
    stdout().print(
        f"{sums['recorded']} records recorded, {sums['lost']} lost (Kafka had dropped them), "
        f"{sums['absent']} absent (Kafka never had a record there)"
    )
    if sums["recorded"]:
        stdout().print("the new samples are due now: reconcile finds them, no hint is needed")
    for one in remaining:
        for gap in one.gaps[:SHOWN]:
            stdout().print(f"{where(one)}: {gap.range} stays missing: Kafka gave no record there", markup=False)
    if left:
        stdout().print(f"{left} offsets stay missing; run this again, then see docs/runbooks/gaps.md")


def _all_gaps(found: "list[PartitionGaps]") -> list[dict[str, Any]]:
    return [{"partition": one.partition, **plain_gap(gap)} for one in found for gap in one.gaps]
