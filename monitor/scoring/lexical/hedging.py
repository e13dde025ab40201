"""Hedging, lexically: how much an answer takes back what it says, and whether it says that it does not know.

"I don't know" is looked for in the first sentences, where answers admit it; in a short answer everywhere. Hedges are
counted by the 100 words, overlapping ones once. A text written for the user (a story, a letter) has its own voice:
its doubts are not the assistant's. What the lists cannot see: whether the doubt is in place. `says_unknown` is a good
answer to what nobody can know and a bad one to what is well known.
"""

from dataclasses import dataclass
from functools import lru_cache

from monitor.intake.interaction import Interaction
from monitor.scoring import text
from monitor.scoring.lexicon import Phrases, load
from monitor.scoring.scorer import LocalScorer, quote
from monitor.scoring.verdict import ScorerIdentity, Verdict

CODE_VERSION = "1"
DIMENSION = "hedging"

HEAD_SENTENCES = 3
SHORT_ANSWER = 60
"""Words; in such an answer "I don't know" counts wherever it stands."""
BARE_ANSWER = 12
"""Words; "Unknown." is an answer by itself only where little else is said."""
HEDGED_SHARE = 2.0
"""Hedges by the 100 words from which an answer is hedged."""
OVER_SHARE = 5.0
OVER_COUNT = 4
"""Over-hedged: so many hedges by the 100 words, and so many in all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hedging:
    """What was found in one answer."""

    unknown: str = ""
    """The words that say "I don't know", folded."""
    hedges: tuple[str, ...] = ()
    """The hedges, folded, in the order of the text."""
    words: int = 0

    @property
    def share(self) -> float:
        """Hedges by the 100 words."""
        return 100 * len(self.hedges) / self.words if self.words else 0.0


class LexicalHedging(LocalScorer):
    """Labels none, hedged, over_hedged, says_unknown; value 1 for over_hedged only."""

    def __init__(self) -> None:
        super().__init__(
            ScorerIdentity(
                kind="classifier",
                name="lexical-hedging",
                dimension=DIMENSION,
                code_version=CODE_VERSION,
                parameters={
                    "text": text.VERSION,
                    "phrases": load("hedging").digest,
                    "unknown": [HEAD_SENTENCES, SHORT_ANSWER, BARE_ANSWER],
                    "share": [HEDGED_SHARE, OVER_SHARE, OVER_COUNT],
                },
            )
        )

    def judge(self, interaction: Interaction) -> Verdict:
        """Judge one answer in the light of its request."""
        found = find(interaction.request, interaction.answer)
        if found.unknown:
            return Verdict(value=0.0, label="says_unknown", reason=f"says that it is not known: {quote(found.unknown)}")
        if not found.hedges:
            return Verdict(value=0.0, label="none", reason="no hedges found by the word lists")
        how = f"{len(found.hedges)} hedges in {found.words} words: {quote(', '.join(dict.fromkeys(found.hedges)))}"
        if found.share >= OVER_SHARE and len(found.hedges) >= OVER_COUNT:
            return Verdict(value=1.0, label="over_hedged", reason=how)
        return Verdict(value=0.0, label="hedged" if found.share >= HEDGED_SHARE else "none", reason=how)


def find(request: str, answer: str) -> Hedging:
    """Look for doubt in an answer; pure. `request` is the user's last message."""
    return _find(text.window(request), text.window(answer))


@lru_cache(maxsize=1)
def _signs() -> Phrases:
    return load("hedging").any_of("unknown", "unknown_alone", "hedge")


@lru_cache(maxsize=text.CACHED)
def _find(request: str, answer: str) -> Hedging:
    lexicon, stream = load("hedging"), text.stream(answer)
    words = text.words_in(stream)
    if not _signs().in_(stream) or lexicon["draft_request"].in_(text.stream(request)):
        return Hedging(words=words)
    return Hedging(unknown=_unknown(stream, words), hedges=_hedges(stream), words=words)


def _unknown(stream: str, words: int) -> str:
    lexicon = load("hedging")
    looked = lexicon["not_unknown"].blank(stream)
    hit = lexicon["unknown"].first(looked if words <= SHORT_ANSWER else text.head_of(looked, HEAD_SENTENCES))
    if hit is None and words <= BARE_ANSWER:
        hit = lexicon["unknown_alone"].first(looked)
    return hit.text if hit else ""


def _hedges(stream: str) -> tuple[str, ...]:
    """The hedges that do not overlap, the longer first where two start together."""
    lexicon = load("hedging")
    found, end = [], 0
    for hit in sorted(lexicon["hedge"].hits(lexicon["not_hedge"].blank(stream)), key=lambda hit: (hit.start, -hit.end)):
        if hit.start >= end:
            found.append(hit.text)
            end = hit.end
    return tuple(found)
