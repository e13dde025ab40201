"""The history of sampling policies: rows in ClickHouse, so that a replay decides as the first run did (I2)."""

from datetime import UTC, datetime

from monitor.intake.sampling import WINDOW_SECONDS, Policy, PolicyHistory, Stratum, next_window
from monitor.store.client import Store
from monitor.store.rows import policy_row, to_columns, utc

BEGINNING = datetime.fromtimestamp(0, UTC)
"""The first policy is in force from here: records older than the service have one too."""
AHEAD_SECONDS = 24 * 3600
"""Records stamped later than this after the server's time say nothing of when a policy can start."""


def load(store: Store) -> list[Policy]:
    """Give all policies, in the order in which they were made."""
    return [Policy.model_validate_json(row["body"]) for row in store.query("policies")]


def ensure(store: Store, strata: tuple[Stratum, ...]) -> PolicyHistory:
    """Give the history, after adding `strata` to it if they differ from the latest policy.

    A new policy is in force from a window on of which no record has been decided, by the clock that all workers share,
    the server's: the next window, or a later one where producers' clocks are ahead. Its start is never moved again.
    Processes that start together write the same row, or two that say the same from two starts on.

    A record stamped more than `AHEAD_SECONDS` ahead does not put the start off, or one absurd stamp would freeze the
    policies for good. If such a record is read a second time, across a change of policy, it can be decided anew.
    """
    policies = load(store)
    if not policies or PolicyHistory(policies).latest.strata != strata:
        now = utc(store.query("ping")[0]["now"])
        policy = Policy(effective_from=_start(store, now) if policies else BEGINNING, strata=strata)
        store.insert("policies", to_columns([policy_row(policy, now)]))
        policies = load(store)
    return PolicyHistory(policies)


def _start(store: Store, now: datetime) -> datetime:
    """Give the first window edge that is after all records so far, and that every worker will have heard of."""
    since = int(now.timestamp()) // WINDOW_SECONDS * WINDOW_SECONDS
    (newest,) = store.query("newest_window", since=since, until=since + AHEAD_SECONDS)
    # The sampled records tell how far producers are ahead, so how soon the next window can begin for a record.
    stamp = max(now, utc(newest["stamp"]))
    return max(next_window(stamp), utc(newest["window"] + WINDOW_SECONDS))
