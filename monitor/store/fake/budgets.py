"""The fake's queries about the judges' budget: a function a block of queries.sql, with its name and parameters."""

from collections.abc import Callable, Mapping
from datetime import UTC

from monitor.store.fake.database import FakeDatabase
from monitor.store.fake.reading import final, uuid_order
from monitor.store.fake.tables import Row


def budget_caps(database: FakeDatabase) -> list[Row]:
    """Read the last change of each cap."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in final(database, "budgets"):
        found.setdefault((row["scope"], row["cap"]), []).append(row)
    return [
        {
            "scope": scope,
            "cap": cap,
            "value": max(rows, key=lambda r: (r["set_at"], uuid_order(r["change_id"])))["value"],
            "changes": len({row["change_id"] for row in rows}),
        }
        for (scope, cap), rows in sorted(found.items())
    ]


def budget_opened(database: FakeDatabase) -> list[Row]:
    """Tell whether a budget was ever opened, or a judge ever paid."""
    opened = any(row["kind"] == "opened" for row in final(database, "budget_events"))
    return [{"opened": int(opened or bool(database.tables["judge_calls"].rows))}]


def budget_spent(database: FakeDatabase, endpoint: str, since: int) -> list[Row]:
    """Count calls and money since a moment: answered ones, and lost ones that have no answer."""

    def fits(row: Row, stamp: str) -> bool:
        at = row[stamp].replace(tzinfo=UTC).timestamp()
        return round(at * 1000) >= since and endpoint in {"", row["endpoint"]}

    paid = final(database, "judge_calls")
    answered = {row["call_id"] for row in paid}
    amounts = [row["cost_micro_usd"] for row in paid if fits(row, "called_at")]
    amounts += [
        row["micro_usd"]
        for row in final(database, "budget_events")
        if row["kind"] == "lost" and fits(row, "at") and row["event_id"] not in answered
    ]
    return [{"calls": len(amounts), "micro_usd": sum(amounts)}]


_FUNCTIONS = (budget_caps, budget_opened, budget_spent)
QUERIES: Mapping[str, Callable[..., list[Row]]] = {function.__name__: function for function in _FUNCTIONS}
