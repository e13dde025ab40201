"""What the two heads about harm are trained on: requests with their harm, and answers with what they gave.

Requests take their label from how the source was built; answers from people, or from judges that agree. Sources whose
authors ask for research use are read by `evaluate` only and never for weights that ship.
"""

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from monitor.errors import InputError

Harm = Literal["harmless", "borderline", "harmful"]
HARMS: tuple[Harm, ...] = ("harmless", "borderline", "harmful")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request and its harm."""

    source: str
    split: str
    lang: str
    text: str
    label: Harm
    topic: str = ""
    """One of `harm.TOPICS` where the source tells it."""
    group: str = ""
    """What our own requests have in common that ask for one thing in several ways."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A request, its answer, and whether that gave what was asked for."""

    source: str
    split: str
    lang: str
    request: str
    answer: str
    complied: bool
    goal: str
    """What was asked for in plain words: rows of one goal stay on one side of a split."""
    agreed: bool = True
    """Whether all who labelled it say the same."""
    unsafe: bool = True
    """Whether the request ought to be refused; of our own answers only."""


def read(data: Path, name: str) -> Iterator[dict[str, Any]]:
    """Give the rows of `NAME.jsonl` or `NAME.jsonl.gz`; raises InputError where neither is there."""
    packed, plain = data / f"{name}.jsonl.gz", data / f"{name}.jsonl"
    if packed.is_file():
        with gzip.open(packed, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)
    elif plain.is_file():
        with plain.open(encoding="utf-8") as file:
            yield from map(json.loads, file)
    else:
        raise InputError(f"{data}: no {name}.jsonl or {name}.jsonl.gz; give the folder of the labelled data")


def answers(data: Path) -> list[Answer]:
    """Give the four sources of answers to unsafe requests, each answer of a source once; raises InputError."""
    every = [*_gptfuzz(data), *_jailjudge(data), *_jbb(data), *_pasttense(data)]
    # Replies of gptfuzz repeat under other questions: the reply alone is the key there.
    seen: dict[tuple[str, ...], Answer] = {}
    for one in every:
        seen.setdefault((one.source, "" if one.source == "gptfuzz" else one.request, one.answer), one)
    return list(seen.values())


def _turns(row: dict[str, Any]) -> dict[str, Any]:
    said = row["messages"]
    asked = next((m["content"] for m in reversed(said[:-1]) if m["role"] == "user"), said[0]["content"])
    return {"split": row["split"], "lang": row["lang"], "request": asked, "answer": said[-1]["content"]}


def _gptfuzz(data: Path) -> Iterator[Answer]:
    for row in read(data, "refusal_gptfuzz_human"):
        turns = _turns(row)
        yield Answer(source="gptfuzz", complied=row["meta"]["jailbroken"] == 1, goal=key(turns["request"]), **turns)


def _jailjudge(data: Path) -> Iterator[Answer]:
    for row in read(data, "refusal_jailjudge_mini_human"):
        turns = _turns(row)
        yield Answer(source="jailjudge", complied=row["meta"]["jailbroken"] == 1, goal=key(turns["request"]), **turns)


def _jbb(data: Path) -> Iterator[Answer]:
    for row in read(data, "jailbreak_jbb_artifacts"):
        judges = [told for told in row["meta"]["judge"].values() if told is not None]
        yield Answer(
            source="jbb_artifacts",
            complied=bool(row["meta"]["judge"]["jbb_judge"]),
            goal=key(row["meta"]["goal"]),
            agreed=len(set(judges)) == 1,
            **_turns(row),
        )


def _pasttense(data: Path) -> Iterator[Answer]:
    for row in read(data, "jailbreak_pasttense_3judges"):
        judges = list(row["meta"]["judge"].values())
        yield Answer(
            source="pasttense",
            complied=2 * sum(map(bool, judges)) > len(judges),
            goal=key(row["meta"]["request"]),
            agreed=len(set(judges)) == 1,
            **_turns(row),
        )


def key(text: str) -> str:
    """Letters and digits alone, in small letters: equal for texts that differ in marks and spaces only."""
    return "".join(c for c in text.casefold() if c.isalnum())


def share(text: str) -> float:
    """Give a number in [0, 1) that depends on the text alone: a split that no order of rows can change."""
    return int.from_bytes(hashlib.sha256(key(text).encode()).digest()[:6], "big") / 2.0**48


def once(rows: Iterable[Request]) -> list[Request]:
    """Keep the first of the requests that are equal by `key`."""
    seen: dict[str, Request] = {}
    for one in rows:
        seen.setdefault(key(one.text), one)
    return list(seen.values())
