"""The real ingest worker on a machine whose clock is wrong: `python -m ... SECONDS`, behind if below zero."""

import sys
import time
from datetime import datetime, timedelta

from monitor.clock import SystemClock
from workers import ingest


def main() -> int:
    """Run the worker."""
    skew_s = float(sys.argv[1])
    true_time, true_now = time.time, SystemClock.now

    def now(clock: SystemClock) -> datetime:
        return true_now(clock) + timedelta(seconds=skew_s)

    SystemClock.now = now  # type: ignore[method-assign, assignment]
    time.time = lambda: true_time() + skew_s
    return ingest.main()


if __name__ == "__main__":
    raise SystemExit(main())
