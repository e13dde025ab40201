"""`make faults`: every fault in its long form; the last line is one JSON object.

Runs the fault tests, the delivery state machine and the contract suites of the seams with all seeds, two at a time:
they mostly wait. Exit code 0 when all passed, 2 when some failed, 1 when they could not run.
"""

import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

SUITES = ("tests/faults", "tests/property/test_delivery_machine.py", "tests/contract")
SEEDS = "20"
AT_ONCE = "2"
PASSED, FAILED = 0, 1


class Tally:
    """Counts results by file, and keeps what tests measured."""

    def __init__(self) -> None:
        """Start at zero."""
        self.results: dict[str, Counter[str]] = {}
        self.failed: list[str] = []
        self.measured: dict[str, list[float]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one phase of one test."""
        if report.when == "call" or report.outcome != "passed":
            file = Path(report.nodeid.partition("::")[0]).stem.removeprefix("test_")
            self.results.setdefault(file, Counter())[report.outcome] += 1
            if report.failed:
                self.failed.append(report.nodeid)
        if report.when == "call":
            for name, value in report.user_properties:
                self.measured.setdefault(name, []).append(float(str(value)))


def main() -> int:
    """Run everything."""
    os.environ["ALIGNMENT_MONITOR_TEST_FAULTS"] = "full"
    os.environ.setdefault("ALIGNMENT_MONITOR_TEST_SEEDS", SEEDS)
    tally, start = Tally(), time.monotonic()
    options = ["-q", "-n", AT_ONCE, "--dist", "worksteal", "--timeout", "900", *sys.argv[1:]]
    code = pytest.main([*options, *SUITES], plugins=[tally])
    total = sum(tally.results.values(), Counter[str]())
    sys.stdout.write(
        json.dumps(
            {
                "passed": total["passed"],
                "failed": total["failed"],
                "skipped": total["skipped"],
                "seeds": int(os.environ["ALIGNMENT_MONITOR_TEST_SEEDS"]),
                "minutes": round((time.monotonic() - start) / 60, 1),
                "suites": {name: dict(counts) for name, counts in sorted(tally.results.items())},
                "measured": {
                    name: {"n": len(values), "worst": max(values), "median": sorted(values)[len(values) // 2]}
                    for name, values in sorted(tally.measured.items())
                },
                "failures": tally.failed,
            }
        )
        + "\n"
    )
    return {PASSED: 0, FAILED: 2}.get(int(code), 1)


if __name__ == "__main__":
    raise SystemExit(main())
