"""The commands for what judges may cost: `budget show`, `budget set`."""

import re
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from monitor.cli_shared import Found, Json, visible
from monitor.errors import ConfigError, InputError

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.scoring.judge.budget.budget import SharedBudget
    from monitor.scoring.judge.budget.model import CapName, Look
    from monitor.scoring.judge.budget.show import Line
    from monitor.store.budgets import StoreLedger

budget = typer.Typer(help="What judges may cost.", no_args_is_help=True, rich_markup_mode=None)

Cap = int | Literal["settings"] | None
_DOLLARS = Annotated[str, typer.Option(help="US dollars, or: none, settings.", show_default=False)]
_CALLS = Annotated[str, typer.Option(help="Calls, or: none, settings.", show_default=False)]


@budget.command("show")
def budget_show(*, as_json: Json = False) -> None:
    """Show each cap, what is spent, reserved and left; exit code 2 when something is spent out."""
    from monitor.config import load_settings
    from monitor.output import print_json, say, stdout, table
    from monitor.store.budgets import StoreLedger
    from monitor.store.client import Store

    settings = _with_judges(load_settings())
    with Store.connect(settings.clickhouse) as store:
        look, found = _look(settings, StoreLedger(store))
    if as_json:
        opens = look.opens_at.isoformat() if look.opens_at else None
        print_json({"open": look.is_open, "opens_at": opens, "caps": [one.as_json() for one in found]})
    else:
        columns = ("judge", "cap", "limit", "settings say", "spent", "reserved", "left", "resets", "")
        stdout().print(table(columns, [_cells(one) for one in found], right=(2, 3, 4, 5, 6)))
    if not look.is_open:
        when = f"not before {look.opens_at:%H:%M:%S} UTC" if look.opens_at else "when the next call is due"
        say(f"Redis holds no counts: what is spent is what ClickHouse knows. Workers count anew from there, {when}")
    if any(one.spent_out for one in found):
        raise Found


@budget.command("set")
def budget_set(
    *,
    endpoint: Annotated[str, typer.Option(help="Of this judge only; else of all together.", show_default=False)] = "",
    usd_hour: _DOLLARS = "",
    usd_day: _DOLLARS = "",
    usd_month: _DOLLARS = "",
    calls_hour: _CALLS = "",
    calls_day: _CALLS = "",
    calls_month: _CALLS = "",
    as_json: Json = False,
) -> None:
    """Set caps at once, for all workers; they win over settings until they are set to `settings`."""
    from monitor.config import load_settings
    from monitor.errors import QueueUnavailable
    from monitor.output import print_json, say, stdout
    from monitor.scoring.judge.budget.model import ALL
    from monitor.store.budgets import StoreLedger
    from monitor.store.client import Store

    given: dict[CapName, str] = {
        "usd_hour": usd_hour,
        "usd_day": usd_day,
        "usd_month": usd_month,
        "calls_hour": calls_hour,
        "calls_day": calls_day,
        "calls_month": calls_month,
    }
    values = {cap: _read(cap, text) for cap, text in given.items() if text}
    if not values:
        raise InputError("say which cap: `alignment-monitor budget set --usd-day 20`")
    settings = _with_judges(load_settings())
    names = [one.name for one in settings.judging.endpoints]
    if endpoint and endpoint not in names:
        raise InputError(f"no judge endpoint is named {endpoint!r}; known: {', '.join(names)}")
    with Store.connect(settings.clickhouse) as store:
        ledger = StoreLedger(store)
        ledger.set_caps(endpoint or ALL, values)
        shared = _shared(settings, ledger)
        try:
            shared.apply_overrides()
            in_force = True
        except QueueUnavailable:
            # Nothing is paid for without Redis, and when it is back the caps are read from ClickHouse.
            in_force = False
            say("stored; Redis does not answer, so workers see it when it is back (alignment-monitor doctor)")
        finally:
            shared.close()
    if as_json:
        print_json({"endpoint": endpoint or None, "set": {cap: given[cap] for cap in values}, "in_force": in_force})
        return
    for cap in values:
        stdout().print(f"{endpoint or 'all judges'}: {cap} {given[cap]}", markup=False)


def _with_judges(settings: "Settings") -> "Settings":
    if not settings.judging.endpoints:
        raise ConfigError("no judge is set, so there is nothing to pay for; set ALIGNMENT_MONITOR_JUDGING__ENDPOINTS")
    return settings


def _shared(settings: "Settings", ledger: "StoreLedger") -> "SharedBudget":
    from monitor.scoring.judge.budget.budget import SharedBudget

    return SharedBudget.connect(settings.redis.url, settings.judging, ledger, name=settings.clickhouse.database)


def _look(settings: "Settings", ledger: "StoreLedger") -> tuple["Look", list["Line"]]:
    from monitor.scoring.judge.budget.model import ALL, settings_caps
    from monitor.scoring.judge.budget.show import lines

    judging = settings.judging
    shared = _shared(settings, ledger)
    try:
        look = shared.look()
    finally:
        shared.close()
    scopes = (ALL, *(one.name for one in judging.endpoints))
    return look, lines(look, settings_caps(judging.budget, judging.budgets), ledger.overrides(), scopes, ledger)


def _read(cap: "CapName", text: str) -> Cap:
    """Read what was typed: an amount in millionths of a US dollar or calls, None for no cap, or `settings`."""
    from monitor.scoring.judge.budget.model import micro

    if text == "settings":
        return "settings"
    if text == "none":
        return None
    money = cap.startswith("usd")
    # Nine digits: what is more was a slip of the finger.
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?" if money else r"[0-9]{1,9}", text):
        kind = "US dollars, like 20 or 0.5 (at most six decimals)" if money else "a whole number of calls, like 500"
        raise InputError(f"--{cap.replace('_', '-')} {visible(text)!r}: write {kind}, or none, or settings")
    return micro(float(text)) if money else int(text)


def _cells(line: "Line") -> tuple[str, ...]:
    note = "spent out" if line.spent_out else ""
    if line.overrun:
        note = f"{note}{', ' if note else ''}calls cost {_amount(line, line.overrun)} more than reserved"
    return (
        "all" if line.scope == "*" else line.scope,
        line.cap,
        *(_amount(line, one) for one in (line.limit, line.settings, line.spent, line.reserved, line.left)),
        f"{line.resets_at:%Y-%m-%d %H:%M} UTC",
        note,
    )


def _amount(line: "Line", value: int | None) -> str:
    if value is None:
        return "none"
    if not line.is_money:
        return str(value)
    whole, part = divmod(value, 1_000_000)
    # Cents at least, and more only where there are parts of them.
    return f"{whole}.{f'{part:06d}'.rstrip('0'):0<2}"
