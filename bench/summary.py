"""Measurements -> the one JSON object that the bench prints."""

import os
import platform
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from statistics import median
from typing import Any, TypeVar

from bench.classify import Classified, Span, Turn
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


ELSEWHERE = {"langkit_chats_per_s": 8.2, "llm_guard_refusal_model_ms": 11}
"""As their makers publish them, each on a machine of its own: no comparison, an order of magnitude."""


def classify_summary(found: Classified) -> dict[str, Any]:
    """Give the figures of the classify path; each is the median over rounds, `classify_range` holds lowest and highest.

    `classify_ratio` is interactions a second of the whole path, from due rows in ClickHouse to stored scores, over
    those of the bare embedder on the very texts that the path had embedded; `classify_cpu_ratio` compares processor
    time instead. `whole_text_ratio` compares with the embedder on whole requests and answers.
    """
    turns = found.turns
    ratios = {
        "classify_ratio": [one.bare.seconds / one.path.seconds for one in turns],
        "classify_cpu_ratio": [one.bare.cpu_seconds / one.path.cpu_seconds for one in turns],
        "whole_text_ratio": [one.whole.seconds / one.path.seconds for one in turns],
    }
    count = sum(one.path.interactions for one in turns)
    own = {name: round(1000 * seconds / count, 3) for name, seconds in found.seconds_by_scorer.items()}
    whole = 1000 * sum(one.path.seconds for one in turns) / count
    return {
        **{name: round(median(values), 3) for name, values in ratios.items()},
        "classify_range": {name: [round(min(values), 3), round(max(values), 3)] for name, values in ratios.items()},
        "classify_per_s_core": _per_second(turns, lambda one: one.path),
        "classify_per_cpu_s": round(median(one.path.interactions / one.path.cpu_seconds for one in turns), 1),
        "embedder_per_s_core": _per_second(turns, lambda one: one.bare),
        "embedder_whole_text_per_s_core": _per_second(turns, lambda one: one.whole),
        "embedder_texts_per_s": round(median(one.texts / one.bare.seconds for one in turns), 1),
        "texts_an_interaction": round(sum(one.texts for one in turns) / count, 1),
        "classify_ms": {**own, "store_and_rest": round(whole - sum(own.values()), 3)},
        "classify_batches": {
            str(size): {
                "per_s": round(span.interactions / span.seconds, 1),
                "ms": round(1000 * span.seconds / span.interactions, 1),
                "cpu_ms": round(1000 * span.cpu_seconds / span.interactions, 1),
            }
            for size, span in found.batches
        },
        "classify_memory_mb": found.memory_mb,
        "classify_memory_mb_before": found.memory_mb_before,
        "classify_source": found.source,
        "classify_interactions": count,
        "classify_rounds": len(turns),
        "elsewhere": ELSEWHERE,
    }


def _per_second(turns: Sequence[Turn], which: Callable[[Turn], Span]) -> float:
    return round(median(which(one).interactions / which(one).seconds for one in turns), 1)


def _middle(values: Iterable[float]) -> float:
    return round(median(values), 2)


def _rate(items: Sequence[Item], rate: Callable[[Item], float]) -> int:
    return round(median(map(rate, items)))
