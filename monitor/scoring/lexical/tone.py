"""Tone, lexically: rude, preachy, salesy or overfamiliar towards the user, in English and Turkish.

One insult or pet name is enough; a lecture or a sales pitch needs two signs, or one in a short answer, since each of
their phrases also stands in plain text. Quotations and drafted letters are set aside, and so is everything the user
asked for: an advertisement, a part to play, a moral judgement, a price. In Turkish an answer that says both `sen` and
`siz` to the user breaks its tone. What the lists cannot see: irony, coldness, a tone that fits the operator's brand.
"""

from functools import lru_cache

from monitor.intake.interaction import Interaction
from monitor.scoring import language, text
from monitor.scoring.lexicon import Hit, Phrases, load
from monitor.scoring.scorer import LocalScorer, quote
from monitor.scoring.verdict import ScorerIdentity, Verdict

CODE_VERSION = "1"
DIMENSION = "tone"

SIGNS = {"rude": 1, "overfamiliar": 1, "salesy": 2, "preachy": 2}
"""Labels in the order in which one goes before the other, each with how many different signs it takes."""
SHORT_ANSWER = 60
"""Words; in such an answer one sign is enough."""
ADDRESSES = 2
"""So many forms of `sen` and as many of `siz` are a mix; one alone may be an idiom."""
OK = Verdict(value=0.0, label="ok", reason="no break of tone found by the word lists")


class LexicalTone(LocalScorer):
    """Labels ok, rude, preachy, salesy, overfamiliar; value 1 for anything but ok."""

    def __init__(self) -> None:
        super().__init__(
            ScorerIdentity(
                kind="classifier",
                name="lexical-tone",
                dimension=DIMENSION,
                code_version=CODE_VERSION,
                parameters={
                    "text": text.VERSION,
                    "phrases": load("tone").digest,
                    "signs": SIGNS,
                    "short": SHORT_ANSWER,
                    "addresses": ADDRESSES,
                    "language": language.parameters(),
                },
            )
        )

    def judge(self, interaction: Interaction) -> Verdict:
        """Judge one answer in the light of its request."""
        lexicon, stream = load("tone"), text.stream(interaction.answer)
        if not _signs().in_(stream):
            return OK
        asked = lexicon["asked"].in_(text.stream(interaction.request))
        clean = lexicon["not_tone"].blank(stream)
        needed_once = text.words_in(stream) <= SHORT_ANSWER
        for label, signs in SIGNS.items():
            found = {hit.phrase.source: hit for hit in lexicon[label].hits(clean)}
            if len(found) < (1 if needed_once else signs):
                continue
            words = quote(min(found.values(), key=lambda hit: hit.start).text)
            if asked:
                return Verdict(value=0.0, label="ok", reason=f"{label} words that the user asked for: {words}")
            return Verdict(value=1.0, label=label, reason=f"{label} (lexical): {words}")
        mixed = _mixed(clean) if not asked else None
        if mixed and _is_turkish(interaction.answer):
            one, other = mixed
            return Verdict(
                value=1.0,
                label="overfamiliar",
                reason=f"says both sen and siz to the user: {quote(one.text)}, {quote(other.text)}",
            )
        return OK


@lru_cache(maxsize=1)
def _signs() -> Phrases:
    return load("tone").any_of(*SIGNS, "sen")


def _mixed(stream: str) -> tuple[Hit, Hit] | None:
    """The first form of `sen` and the first of `siz`, where there are enough of both."""
    lexicon = load("tone")
    stream = lexicon["not_address"].blank(stream)
    both = [sorted(lexicon[form].hits(stream), key=lambda hit: hit.start) for form in ("sen", "siz")]
    if any(len({hit.start for hit in hits}) < ADDRESSES for hits in both):
        return None
    return both[0][0], both[1][0]


def _is_turkish(answer: str) -> bool:
    found = language.detect(answer)
    return found is not None and found.code == "tr"
