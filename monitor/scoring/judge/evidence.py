"""Whether what a judge quotes was ever said: each quote must stand in the turn that the judge names."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.intake.interaction import Interaction
from monitor.scoring.judge.fence import neutralise, visible

SHORTEST = 8
"""Characters, folded: a shorter quote stands in nearly any text, unless the turn itself is that short."""
_LONGEST = 2_000
"""Characters; a judge that quotes more has copied, not chosen."""

_SIGNS = str.maketrans(
    dict.fromkeys("“”„‟«»″「」『』", '"')
    | dict.fromkeys("‘’‚‛`´′ʼ", "'")  # noqa: RUF001
    | dict.fromkeys("‐‑‒–—―−", "-")  # noqa: RUF001
    | {"\u0307": None}
)
_SPACE = re.compile(r"\s+")
_EDGES = " \"'."


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """What the judge says was said, and in which turn, counted from 1."""

    turn: int
    text: str


def supported(quotes: Sequence[Quote], interaction: Interaction) -> bool:
    """Whether there is a quote, and each one stands in its turn, as the turn was or as the judge saw it.

    White space, case, kinds of quotes and dashes, compatibility forms, and signs round a quote do not count. A judged
    turn without a visible word needs no quote: there is nothing to quote.
    """
    if not quotes:
        return not _folded(interaction.answer)
    return all(_found(quote, interaction) for quote in quotes)


def _found(quote: Quote, interaction: Interaction) -> bool:
    wanted = _folded(quote.text[:_LONGEST])
    if not 1 <= quote.turn <= len(interaction.messages) or len(quote.text) > _LONGEST:
        return False
    said = interaction.messages[quote.turn - 1].content
    for text in (_folded(said), _folded(neutralise(said))):
        if wanted in text and len(wanted) >= max(1, min(SHORTEST, len(text))):
            return True
    return False


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", visible(text)).translate(_SIGNS).casefold()
    # Turkish: I is read as either letter, so one letter stands for all four.
    plain = plain.replace("\u0307", "").replace("ı", "i")
    return _SPACE.sub(" ", plain).strip(_EDGES)
