"""Distinct chats for the classify bench: of the labelled public data where that is at hand, else made up."""

import gzip
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.messages import message
from monitor.intake.interaction import Interaction

FILES = (
    "drift_arenahard_versions.jsonl.gz",
    "traffic_oasst_en100.jsonl.gz",
    "refusal_speechmap_2judges.jsonl.gz",
)
"""Of the labelled data: general chat, and political requests in English, Chinese and Finnish."""
SEED = 4


def interactions(folder: Path, count: int) -> tuple[str, list[Interaction]]:
    """Give where they are from and as many interactions, a seeded choice; each request comes once.

    Rows whose split is test are left out. Made-up messages stand in where the folder is not there or holds too few.
    """
    found = {one.request: one for one in _labelled(folder)}
    chosen = random.Random(SEED).sample(list(found.values()), k=len(found))[:count]
    if len(chosen) == count:
        return "labelled public data", chosen
    return "made-up messages", [_made_up(number) for number in range(count)]


def _labelled(folder: Path) -> Iterator[Interaction]:
    for path in (folder / name for name in FILES):
        if not path.exists():
            continue
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                if row["split"] != "test" and row["messages"][-1]["role"] == "assistant":
                    yield _interaction(row["id"], row["messages"])


def _made_up(number: int) -> Interaction:
    """Give message `number` of the bench with its number in each sentence, so that no sentence comes twice."""
    turns = json.loads(message(number)[1])["messages"]
    numbered = [{**one, "content": re.sub(r"(?<=\w)(?=[.?!;])", f" {number}", one["content"])} for one in turns]
    return _interaction(str(number), numbered)


def _interaction(name: str, messages: Sequence[Mapping[str, str]]) -> Interaction:
    values = {"interaction_id": name[-256:], "conversation_id": name[-256:], "turn": 0, "messages": messages}
    return Interaction.model_validate({**values, "occurred_at": datetime(2026, 11, 20, tzinfo=UTC)})
