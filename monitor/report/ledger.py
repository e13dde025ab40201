"""The exact counts of a span of windows, from the offset ledger."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.intake.sampling import CANARY_STRATUM, WINDOW_SECONDS
from monitor.store.client import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A half-open span of whole windows, in seconds since 1970 of Kafka record time."""

    since: int
    until: int

    @classmethod
    def last(cls, seconds: float, *, now: datetime) -> "Span":
        """Give the windows that reach into the last `seconds`, the running one included."""
        end = int(now.timestamp()) // WINDOW_SECONDS * WINDOW_SECONDS + WINDOW_SECONDS
        start = int(now.timestamp() - seconds) // WINDOW_SECONDS * WINDOW_SECONDS
        return cls(since=max(0, start), until=end)

    @classmethod
    def week(cls, *, now: datetime) -> "Span":
        """Give the windows of the week so far, from Monday 00:00 UTC on, the running one included."""
        day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        last = cls.last(1.0, now=now)
        return cls(since=int((day - timedelta(days=day.weekday())).timestamp()), until=last.until)


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What became of the records of a span."""

    strata: dict[str, tuple[int, int]]
    """By stratum: sampled, sampled out."""
    dead: int
    canaries: int
    lost: int = 0
    """Dropped by Kafka before they were read: in no stratum, since nobody knows what they were."""

    @property
    def sampled(self) -> int:
        """All that were kept."""
        return sum(kept for kept, _ in self.strata.values())

    @property
    def sampled_out(self) -> int:
        """All that were counted and not kept."""
        return sum(left for _, left in self.strata.values())

    @property
    def consumed(self) -> int:
        """All traffic that was read; canaries are none, and what was lost was not read."""
        return self.sampled + self.sampled_out + self.dead


def ledger_counts(store: Store, span: Span) -> Counts:
    """Read the exact counts of a span.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    strata: dict[str, tuple[int, int]] = {}
    dead = canaries = lost = 0
    for row in store.query("ledger", since=span.since, until=span.until):
        if row["outcome"] == "absent":
            # Kafka never had a record there.
            continue
        if row["outcome"] == "dead":
            dead += row["n"]
        elif row["outcome"] == "lost":
            lost += row["n"]
        elif row["stratum"] == CANARY_STRATUM:
            canaries += row["n"]
        else:
            kept, left = strata.get(row["stratum"], (0, 0))
            is_kept = row["outcome"] == "sampled"
            strata[row["stratum"]] = (kept + row["n"], left) if is_kept else (kept, left + row["n"])
    return Counts(strata=strata, dead=dead, canaries=canaries, lost=lost)
