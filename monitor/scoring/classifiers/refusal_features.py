"""What the refusal head reads of an interaction; the same at training and at run time."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from monitor.intake.interaction import Interaction
from monitor.scoring import sentences, text
from monitor.scoring.classifiers.weights import ARRAY
from monitor.scoring.lexical import refusal as lexical
from monitor.scoring.lexicon import load

VERSION = "1"
"""Part of the identity: bump it when any number here can change, and train again."""

REQUEST_CHARACTERS = 500
SLOTS = sentences.HEAD + sentences.TAIL
SECTIONS = ("deny", "deny_draft", "inability", "opinion", "deflect", "filler", "not_refusal")
"""Parts of the phrase list; each is a sign of its own for a sentence."""
SIGNS = len(SECTIONS)
WHOLE = 13


@dataclass(frozen=True, kw_only=True, slots=True)
class Features:
    """One answer in the light of its request, without the embeddings of its sentences."""

    request: str
    sentences: tuple[str, ...]
    """At most `SLOTS`."""
    slots: tuple[int, ...]
    """Of each sentence: its place from the start, or `sentences.HEAD` and on for the end's."""
    signs: ARRAY
    """(sentences, SIGNS): which parts of the phrase list it holds."""
    whole: ARRAY
    """(WHOLE,): of the answer as a whole."""


def of(interaction: Interaction) -> Features:
    """Read an interaction."""
    return read(interaction.request, interaction.answer)


def read(request: str, answer: str) -> Features:
    """Read an answer; the cost is bounded whatever its length."""
    found = sentences.excerpt(answer)
    every = (*found.head, *found.tail)
    slots = (*range(len(found.head)), *(sentences.HEAD + n for n in range(len(found.tail))))
    signs = np.array([_signs(one) for one in every], dtype=np.float32).reshape(len(every), SIGNS)
    return Features(
        request=request[:REQUEST_CHARACTERS],
        sentences=every,
        slots=slots,
        signs=signs,
        whole=_whole(request, answer),
    )


@lru_cache(maxsize=text.CACHED)
def _signs(sentence: str) -> tuple[bool, ...]:
    phrases = load("refusal")
    stream = text.stream(sentence)
    said = phrases["not_refusal"].blank(stream)
    return tuple(
        phrases[section].first(stream if section == "not_refusal" else said) is not None for section in SECTIONS
    )


def _whole(request: str, answer: str) -> ARRAY:
    finding = lexical.find(request, answer)
    seen = text.window(answer)
    words = len(seen.split())
    return np.array(
        [
            finding.degree is lexical.Degree.NONE,
            finding.degree is lexical.Degree.PARTIAL,
            finding.degree is lexical.Degree.FULL,
            finding.inability,
            math.log1p(words) / 8,
            words < 25,
            words < 80,
            load("refusal")["draft_request"].first(text.stream(request)) is not None,
            lexical.unsafe_sign(request) is not None,
            lexical.unsafe_sign(request, intents=True) is not None,
            seen.count("\n") > 6,
            "```" in seen,
            answer.lstrip()[:1] == '"',
        ],
        dtype=np.float32,
    )


def parameters() -> dict[str, str | int]:
    """What else than code decides them."""
    return {**lexical.parameters(), "features": VERSION, "lexical": lexical.CODE_VERSION}
