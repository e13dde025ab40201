"""Real conversations that people have labelled as answered or refused."""

import gzip
import json
import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from monitor.errors import InputError
from tests.support.data import FOLDER

FILES = ("refusal_rbr_gold_human.jsonl.gz", "refusal_reuter_human.jsonl.gz")
UNSEEN = frozenset({"dev", "test"})
"""Splits that nothing of ours is trained on."""
LABELS = {"compliance": "none", "partial_refusal": "partial", "full_refusal": "full"}
"""The judge's word for each label of the data."""
SHARES = {"none": 2, "partial": 1, "full": 1}
"""Parts of four: as many that refuse as that do not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """One conversation, whose last message is judged."""

    id: str
    label: str
    """By people, in the judge's words."""
    source: str
    row: dict[str, Any]
    """As `replay` reads it."""


def choose(n: int, *, seed: int, longest: int | None = None) -> list[Labelled]:
    """Draw n without replacement, from both files alike as far as they reach, in random order.

    Conversations of more than `longest` characters are left out.

    Raises:
        InputError: the data is not there, or holds fewer.
    """
    pools = _pools(longest)
    draw = random.Random(seed)
    found: list[Labelled] = []
    for label, share in SHARES.items():
        wanted = n - len(found) if label == "full" else n * share // 4
        both = [draw.sample(pools[file, label], len(pools[file, label])) for file in FILES]
        # The smaller file gives all that it has where its half is more.
        few = min(wanted // 2, len(both[0]))
        found += both[0][:few] + both[1][: wanted - few]
    if len(found) < n:
        raise InputError(f"the labelled data gives {len(found)} conversations, balanced; ask for no more")
    draw.shuffle(found)
    return found


def _pools(longest: int | None) -> dict[tuple[str, str], list[Labelled]]:
    pools: dict[tuple[str, str], list[Labelled]] = defaultdict(list)
    for file in FILES:
        path = FOLDER / file
        if not path.is_file():
            raise InputError(f"{file} is not there; set ALIGNMENT_MONITOR_DATA to the folder of labelled data")
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                label = LABELS.get(row["label_refusal"] or "")
                length = sum(len(message["content"]) for message in row["messages"])
                if label is not None and row["split"] in UNSEEN and (longest is None or length <= longest):
                    kept = {name: row[name] for name in ("id", "lang", "model", "messages")}
                    pools[file, label].append(Labelled(id=row["id"], label=label, source=file, row=kept))
    return pools
