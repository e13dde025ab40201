"""The commands for records that could not be read: `deadletters list`, `show`, `retry`."""

from typing import Annotated

import typer

from monitor.cli_shared import Found, Json, visible
from monitor.errors import InputError

deadletters = typer.Typer(help="Records that could not be read.", no_args_is_help=True, rich_markup_mode=None)


@deadletters.command("list")
def deadletters_list(
    *,
    reason: Annotated[str, typer.Option(help="Only this reason.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Retried ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 100,
    as_json: Json = False,
) -> None:
    """List dead letters, newest first."""
    from monitor.config import load_settings
    from monitor.output import print_json, stdout, table
    from monitor.store.client import Store

    with Store.connect(load_settings().clickhouse) as store:
        rows = store.query("dead_letters", reason=reason, status="" if every else "open", limit=limit)
    if as_json:
        print_json(rows)
        return
    cells = [
        (f"{r['partition']}", f"{r['offset']}", r["reason"], r["detail"], f"{r['size']}", r["status"]) for r in rows
    ]
    stdout().print(table(("partition", "offset", "reason", "detail", "bytes", "status"), cells, right=(0, 1, 4)))


@deadletters.command("show")
def deadletters_show(partition: int, offset: int, *, as_json: Json = False) -> None:
    """Show one dead letter with its masked evidence."""
    from monitor.config import load_settings
    from monitor.output import print_json, stdout, table
    from monitor.store import deadletters as dead
    from monitor.store.client import Store

    with Store.connect(load_settings().clickhouse) as store:
        row = dead.find(store, partition, offset)
    if row is None:
        raise InputError(
            f"no dead letter at partition {partition}, offset {offset}; see: alignment-monitor deadletters list"
        )
    if as_json:
        print_json(row)
        return
    stdout().print(table(("", ""), [(name, str(row[name])) for name in row if name != "evidence"]))
    stdout().print()
    stdout().print(visible(row["evidence"]), markup=False)


@deadletters.command("retry")
def deadletters_retry(
    position: Annotated[list[int] | None, typer.Argument(help="PARTITION OFFSET", show_default=False)] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every open dead letter, but for those that kill.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Even if it has killed its worker.")] = False,
    as_json: Json = False,
) -> None:
    """Send dead letters again from Kafka; exit code 2 when some stay dead."""
    from monitor.config import load_settings
    from monitor.output import print_json, progress, stdout, table
    from monitor.store import deadletters as dead
    from monitor.store.client import Store

    settings = load_settings()
    if every == bool(position) or (position and len(position) != 2):
        raise InputError("say which: `deadletters retry PARTITION OFFSET`, or `deadletters retry --all`")
    if force and every:
        raise InputError("--force is for one record that you name: `deadletters retry PARTITION OFFSET --force`")
    with Store.connect(settings.clickhouse) as store:
        if position:
            todo = [(position[0], position[1])]
        else:
            todo = [
                (r["partition"], r["offset"])
                for r in store.query("dead_letters", reason="", status="open", limit=100_000)
            ]
        with progress("retried", len(todo)) as bar:
            results = []
            for partition, offset in todo:
                results.append(dead.retry(store, settings, partition, offset, force=force))
                bar.advance()
    if as_json:
        print_json(
            [{"partition": r.partition, "offset": r.offset, "result": r.result, "detail": r.detail} for r in results]
        )
    else:
        cells = [(f"{r.partition}", f"{r.offset}", r.result, r.detail) for r in results]
        stdout().print(table(("partition", "offset", "result", "detail"), cells, right=(0, 1)))
    if any(r.result != "sent again" for r in results):
        raise Found
