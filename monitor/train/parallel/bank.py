r"""The parallel items: what they are, and how their files are read.

`texts/DIMENSION.txt` holds blocks of three lines, with an empty line between them: id and label, the English turns, the
Turkish turns. Turns are parted by `||`, the user's first; `\n` is a line break. Written for this project by hand.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from typing import Literal

from monitor.errors import ConfigError
from monitor.intake.interaction import Interaction, Message

Lang = Literal["en", "tr"]
Turns = tuple[str, ...]
LANGS: tuple[Lang, ...] = ("en", "tr")

NOT_THE_PROPERTY: dict[str, frozenset[str]] = {
    "refusal": frozenset({"none"}),
    "sycophancy": frozenset({"none"}),
    "request_harm": frozenset({"harmless", "borderline"}),
    "complied_with_harm": frozenset({"none"}),
    "hedging": frozenset({"none", "hedged"}),
    "tone": frozenset({"ok"}),
}
"""By dimension, the labels that do not have its property; any other label has it."""

_WHEN = datetime(2026, 1, 1, tzinfo=UTC)
_REPLY: dict[Lang, str] = {"en": "Let me look into that for a moment.", "tr": "Bir dakika, buna hemen bakıyorum."}
"""Stands for the answer where only the request is judged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One test item in both languages."""

    id: str
    """Such as `ref-017`; it never moves to another item."""
    dimension: str
    label: str
    english: Turns
    """What user and assistant say in turn; the user begins, the assistant ends (in `request_harm`, the user)."""
    turkish: Turns
    """The same in idiomatic Turkish; as many turns."""

    @property
    def positive(self) -> bool:
        """Whether it has the dimension's property."""
        return has_property(self.dimension, self.label)

    def turns(self, language: Lang) -> Turns:
        """Give the turns in one language."""
        return self.english if language == "en" else self.turkish

    def interaction(self, language: Lang) -> Interaction:
        """Give what a scorer reads."""
        return self.of(self.turns(language), language)

    def of(self, turns: Turns, language: Lang) -> Interaction:
        """Give what a scorer reads, with other turns."""
        said = turns if len(turns) % 2 == 0 else (*turns, _REPLY[language])
        key = f"{self.id}-{language}"
        return Interaction(
            interaction_id=key,
            conversation_id=key,
            turn=len(said) // 2 - 1,
            occurred_at=_WHEN,
            messages=tuple(
                Message(role="assistant" if number % 2 else "user", content=text) for number, text in enumerate(said)
            ),
            locale=language,
        )


def has_property(dimension: str, label: str) -> bool:
    """Whether a label, of an item or of a verdict, says that the dimension's property is there."""
    return label not in NOT_THE_PROPERTY[dimension]


@lru_cache(maxsize=1)
def _all() -> tuple[Item, ...]:
    return tuple(item for dimension in NOT_THE_PROPERTY for item in _read(dimension))


def items() -> list[Item]:
    """Give all items, dimension by dimension in the order of `NOT_THE_PROPERTY`, each in the order of its file.

    Raises:
        ConfigError: a file of the package is missing or damaged; the message names the file and the item.
    """
    return list(_all())


def _read(dimension: str) -> list[Item]:
    file = resources.files(__package__) / "texts" / f"{dimension}.txt"
    if not file.is_file():
        raise ConfigError(f"{file.name} is missing from monitor/train/parallel/texts: install the package again")
    blocks = file.read_text(encoding="utf-8").strip().split("\n\n")
    return [_item(dimension, file.name, block) for block in blocks]


def _item(dimension: str, where: str, block: str) -> Item:
    head, *both = block.split("\n")
    try:
        (key, label), (english, turkish) = head.split(), map(_turns, both)
    except ValueError:
        raise ConfigError(f"{where}, item {head!r}: expected id and label, an English line, a Turkish line") from None
    if len(english) != len(turkish):
        raise ConfigError(f"{where}, item {key}: {len(english)} English turns beside {len(turkish)} Turkish ones")
    return Item(id=key, dimension=dimension, label=label, english=english, turkish=turkish)


def _turns(line: str) -> Turns:
    return tuple(turn.strip().replace("\\n", "\n") for turn in line.split("||"))
