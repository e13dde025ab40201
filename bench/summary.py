"""Measurements -> the one JSON object that the bench prints."""

import os
import platform
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from statistics import median
from typing import Any, TypeVar

from bench.ingest import SAMPLING, Round
from bench.messages import MESSAGE_BYTES
from bench.meter import Reading
from bench.store import ROWS, Inserted

Item = TypeVar("Item")

PACKAGES = ("kafka-python", "crc32c", "clickhouse-connect", "chdb-core")


def summary(
    *, rounds: Sequence[Round], long: Reading, samples: Sequence[Inserted], scores: Sequence[Inserted]
) -> dict[str, Any]:
    """Give all figures; each ratio is the median over rounds, and `range` holds the lowest and the highest.

    `store_ratio` is `Store.insert` over the client's own insert, both given the same finished rows;
    `store_ratio_with_rows` also counts the making of rows from interactions (or verdicts), which the bare insert
    is spared.

    `ingest_cpu_ratio` compares processor time a message instead of speed: it says what our own code costs, and is
    steadier on a machine that is busy with other things.
    """
    ratios: dict[str, list[float]] = {
        "ingest_ratio": [one.plain.per_second / one.poll.per_second for one in rounds],
        "ingest_ratio_triggers": [one.triggers.per_second / one.poll.per_second for one in rounds],
        "ingest_cpu_ratio": [one.poll.cpu_us / one.plain.cpu_us for one in rounds],
        "store_ratio": [one.bare / one.columns for one in samples],
        "store_ratio_with_rows": [one.bare / one.whole for one in samples],
        "score_store_ratio": [one.bare / one.columns for one in scores],
        "score_store_ratio_with_rows": [one.bare / one.whole for one in scores],
    }
    return {
        **{name: round(median(values), 3) for name, values in ratios.items()},
        "range": {name: [round(min(values), 3), round(max(values), 3)] for name, values in ratios.items()},
        "ingest_msgs_per_s": _rate(rounds, lambda one: one.plain.per_second),
        "ingest_msgs_per_s_triggers": _rate(rounds, lambda one: one.triggers.per_second),
        "poll_msgs_per_s": _rate(rounds, lambda one: one.poll.per_second),
        "store_rows_per_s": _rate(samples, lambda one: ROWS / one.columns),
        "bare_rows_per_s": _rate(samples, lambda one: ROWS / one.bare),
        "score_rows_per_s": _rate(scores, lambda one: ROWS / one.columns),
        "bare_score_rows_per_s": _rate(scores, lambda one: ROWS / one.bare),
        "ingest_cpu_us": _middle(one.plain.cpu_us for one in rounds),
        "ingest_cpu_us_triggers": _middle(one.triggers.cpu_us for one in rounds),
        "poll_cpu_us": _middle(one.poll.cpu_us for one in rounds),
        "memory_mb_200k": long.memory_mb["200000"],
        "memory_mb_1m": long.memory_mb["1000000"],
        "memory_mb_peak": long.peak_mb,
        "messages": min(one.plain.messages for one in rounds),
        "message_bytes": MESSAGE_BYTES,
        "sampling": SAMPLING,
        "rounds": len(rounds),
        "insert_rows": ROWS,
        "inserts": len(samples),
        "python": platform.python_version(),
        **{name.replace("-", "_"): version(name) for name in PACKAGES},
        "cores": os.cpu_count(),
        "machine": platform.machine(),
    }


def _middle(values: Iterable[float]) -> float:
    return round(median(values), 2)


def _rate(items: Sequence[Item], rate: Callable[[Item], float]) -> int:
    return round(median(map(rate, items)))
