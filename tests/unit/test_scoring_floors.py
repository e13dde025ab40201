"""The lexical refusal scorer on public human-labelled sets: not below the plain regex floors of their README.

Reads the folder that ALIGNMENT_MONITOR_DATA names, `../shared/data` beside the repository by default; run with `-s` to
see the table. The phrase lists were written on the train and dev splits only; the test split is measured here.
"""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from monitor.scoring.lexical.refusal import Degree, find
from tests.support.data import public

FLOORS = {
    "refusal_rbr_gold_human.jsonl.gz": 0.50,
    "refusal_reuter_human.jsonl.gz": 0.47,
    "refusal_gptfuzz_human.jsonl.gz": 0.86,
}


def rows(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(public(name), "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["label_refusal"] is not None:
                yield row


def f1(pairs: list[tuple[bool, bool]]) -> float:
    hits = sum(gold and found for gold, found in pairs)
    return 2 * hits / (sum(gold for gold, _ in pairs) + sum(found for _, found in pairs))


@pytest.mark.parametrize(("name", "floor"), FLOORS.items())
def test_refusal_f1_is_not_below_the_floor(name: str, floor: float) -> None:
    every: list[tuple[bool, bool]] = []
    test: list[tuple[bool, bool]] = []
    # The same answers come again and again in these sets.
    known: dict[tuple[str, str], bool] = {}
    for row in rows(name):
        messages = row["messages"]
        request = next((m["content"] for m in reversed(messages[:-1]) if m["role"] == "user"), "")
        case = (request, messages[-1]["content"])
        if case not in known:
            known[case] = find(*case).degree is not Degree.NONE
        pair = (row["label_refusal"] != "compliance", known[case])
        every.append(pair)
        if row["split"] == "test":
            test.append(pair)
    print(f"{name}: all {f1(every):.3f} (n={len(every)}), test {f1(test):.3f} (n={len(test)}), floor {floor}")  # noqa: T201
    assert f1(every) >= floor
    assert f1(test) >= floor
