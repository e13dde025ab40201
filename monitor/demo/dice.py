"""Seeded choices, the same on every Python: built on `Random.random`, the one call kept stable."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """One stream of choices; the same seed and the same calls give the same answers."""

    def __init__(self, seed: int) -> None:
        """Start the stream at `seed`."""
        self._random = random.Random(seed)  # noqa: S311 - made-up traffic, nothing secret
        self._decks: dict[str, list[int]] = {}

    def below(self, end: int) -> int:
        """Give a whole number from 0 to `end` - 1."""
        return int(self._random.random() * end)

    def chance(self, probability: float) -> bool:
        """Say yes with this probability."""
        return self._random.random() < probability

    def pick(self, items: Sequence[T]) -> T:
        """Give any one item."""
        return items[self.below(len(items))]

    def deal(self, deck: str, items: Sequence[T]) -> T:
        """Give each item once in random order before any comes again; `deck` names the pile."""
        pile = self._decks.setdefault(deck, [])
        if not pile:
            pile.extend(self.shuffled(range(len(items))))
        return items[pile.pop()]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Give the items in random order (Fisher-Yates)."""
        result = list(items)
        for last in range(len(result) - 1, 0, -1):
            other = self.below(last + 1)
            result[last], result[other] = result[other], result[last]
        return result

    def digits(self, count: int) -> str:
        """Give this many decimal digits."""
        return "".join(str(self.below(10)) for _ in range(count))

    def hexadecimal(self, count: int) -> str:
        """Give this many lower-case hexadecimal digits."""
        return "".join("0123456789abcdef"[self.below(16)] for _ in range(count))
