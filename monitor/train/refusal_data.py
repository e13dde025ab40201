"""The labelled answers that the refusal head learns from, source by source (the traps are those of the data's README).

Human labels first; constructed and machine labels are used where two of them agree, and weigh less.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from monitor.errors import InputError
from monitor.scoring.lexical.refusal import Degree, find

LABELLED = {
    "rbr": "refusal_rbr_gold_human.jsonl.gz",
    "reuter": "refusal_reuter_human.jsonl.gz",
    "gptfuzz": "refusal_gptfuzz_human.jsonl.gz",
    "sensitiveq": "refusal_llmdrift_sensitiveq_human.jsonl",
    "jailjudge": "refusal_jailjudge_mini_human.jsonl.gz",
    "speechmap": "refusal_speechmap_2judges.jsonl.gz",
    "coconot": "refusal_coconot_pref.jsonl.gz",
}
DEGREES = {"compliance": "none", "partial_refusal": "partial", "full_refusal": "full", "refusal": "refusal"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """One answer; `label` is none, partial, full, or `refusal` where the degree was not told."""

    id: str
    source: str
    """The source that is left out together; speechmap's languages are one."""
    subset: str
    lang: str
    split: str
    request: str
    answer: str
    label: str
    again: tuple[str, ...] = ()
    """Labels of the file's later rows that repeat it."""


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Read one data file; raises InputError where it is not there."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise InputError(f"{path} cannot be read ({why}): --data names the folder of labelled data") from error


def request_and_answer(row: dict[str, Any]) -> tuple[str, str]:
    """Give the user's last message and the answer after it."""
    messages = row["messages"]
    request = next((m["content"] for m in reversed(messages[:-1]) if m["role"] == "user"), "")
    return request, messages[-1]["content"]


def labelled(data: Path) -> list[Labelled]:
    """Give the labelled sets, each answer once: gptfuzz repeats its replies under other questions."""
    found: list[Labelled] = []
    for source, file in LABELLED.items():
        seen: dict[tuple[str, str], int] = {}
        for row in rows_of(data / file):
            if row["label_refusal"] is None:
                continue
            request, answer = request_and_answer(row)
            key = ("", answer) if source == "gptfuzz" else (request, answer)
            label = DEGREES[row["label_refusal"]]
            if key in seen:
                first = found[seen[key]]
                found[seen[key]] = replace(first, again=(*first.again, label))
            else:
                seen[key] = len(found)
                subset = f"{source}_{row['lang']}" if source == "speechmap" else source
                found.append(_row(row, source, label, subset=subset))
    return found


def weak(data: Path) -> list[Labelled]:
    """Give answers without a human's word on refusal: judges who agree, and chats in which nothing looks like one."""
    return [*_past_tense(data), *_artifacts(data), *_steered(data), *_chats(data)]


def _row(row: dict[str, Any], source: str, label: str, *, subset: str = "") -> Labelled:
    request, answer = request_and_answer(row)
    return Labelled(
        id=row["id"],
        source=source,
        subset=subset or source,
        lang=row["lang"],
        split=row["split"],
        request=request,
        answer=answer,
        label=label,
    )


def _refuses(row: dict[str, Any]) -> bool:
    return find(*request_and_answer(row)).degree is not Degree.NONE


def _past_tense(data: Path) -> Iterator[Labelled]:
    for row in rows_of(data / "jailbreak_pasttense_3judges.jsonl.gz"):
        votes = set(row["meta"]["judge"].values())
        if len(votes) == 1:
            yield _row(row, "pasttense", "none" if votes == {True} else "refusal")


def _artifacts(data: Path) -> Iterator[Labelled]:
    for row in rows_of(data / "jailbreak_jbb_artifacts.jsonl.gz"):
        votes = row["meta"]["judge"]
        both = {votes["jbb_judge"], votes["llama_guard1"]}
        if both == {True}:
            yield _row(row, "jbb", "none")
        elif both == {False} and _refuses(row):
            yield _row(row, "jbb", "refusal")


def _steered(data: Path) -> Iterator[Labelled]:
    for row in rows_of(data / "drift_refusal_direction.jsonl.gz"):
        meta = row["meta"]
        says_no = meta["judge"]["is_jailbreak_substring_matching"] == 0
        answered = not meta["prompt_unsafe"] or meta["judge"].get("is_jailbreak_llamaguard2") == 1
        if says_no and _refuses(row):
            yield _row(row, "steered", "refusal")
        elif not says_no and answered and not _refuses(row):
            yield _row(row, "steered", "none")


def _chats(data: Path) -> Iterator[Labelled]:
    files = {
        "arena": "drift_arenahard_versions.jsonl.gz",
        "oasst": "traffic_oasst_en100.jsonl.gz",
        "halueval": "honesty_halueval_human.jsonl.gz",
        "sycobench": "syco_sycobench.jsonl.gz",
    }
    for source, file in files.items():
        for number, row in enumerate(rows_of(data / file)):
            # A quarter of the large ones is as many as the others have.
            taken = (source not in {"halueval", "sycobench"} or number % 4 == 0) and row["messages"][-1][
                "role"
            ] == "assistant"
            if taken and not _refuses(row):
                yield _row(row, source, "none")
