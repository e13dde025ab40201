"""The history of sampling policies: rows in ClickHouse, so that a replay decides as the first run did (I2)."""

from datetime import UTC, datetime

from monitor.clock import Clock
from monitor.intake.sampling import Policy, PolicyHistory, Stratum, next_window
from monitor.store.client import Store
from monitor.store.rows import policy_row, to_columns

BEGINNING = datetime.fromtimestamp(0, UTC)
"""The first policy is in force from here: records older than the service have one too."""


def load(store: Store) -> list[Policy]:
    """Give all policies, in the order in which they were made."""
    return [Policy.model_validate_json(row["body"]) for row in store.query("policies")]


def ensure(store: Store, strata: tuple[Stratum, ...], clock: Clock) -> PolicyHistory:
    """Give the history, after adding `strata` to it if they differ from the latest policy.

    A new policy is in force from the next window on, never in the one that is running. Processes that start
    together write the same row.
    """
    policies = load(store)
    if not policies or PolicyHistory(policies).latest.strata != strata:
        start = next_window(clock.now()) if policies else BEGINNING
        policy = Policy(effective_from=start, strata=strata)
        store.insert("policies", to_columns([policy_row(policy, clock.now())]))
        policies = load(store)
    return PolicyHistory(policies)
