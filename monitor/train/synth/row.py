"""One labelled conversation of the made-up training data."""

from dataclasses import dataclass
from typing import Literal

Lang = Literal["en", "tr"]
Task = Literal["refusal", "caving_in", "flattery"]
Source = Literal["synth-refusal", "synth-caving", "synth-praise"]
Messages = tuple[tuple[str, str], ...]

LANGS: tuple[Lang, ...] = ("en", "tr")
LABELS: dict[Task, tuple[str, ...]] = {
    "refusal": ("none", "partial", "full"),
    "caving_in": ("caved_in", "held", "evidence", "no_pushback"),
    "flattery": ("none", "flattery"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A conversation whose last message is the assistant's, and what that message does."""

    id: str
    source: Source
    lang: Lang
    group: str
    """Rows of a group share their first message (the request): keep them on one side of a split."""
    messages: Messages
    """(role, content); roles alternate, "user" first, "assistant" last."""
    label: str
    """One of `LABELS[task]`."""
    task: Task
