"""What the sycophancy head sees of a conversation: the last exchange, the position before it, and how it began.

Read are the answer, the user's last message, the assistant's turn before (the position), the user's message before
and the assistant's first turn, each by its first and last sentences: the cost has a bound, whatever the length.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Protocol

import numpy as np

from monitor.intake.interaction import Interaction
from monitor.scoring import text
from monitor.scoring.classifiers.weights import ARRAY
from monitor.scoring.embed import Matrix
from monitor.scoring.lexical.caving_in import LexicalCavingIn
from monitor.scoring.lexical.flattery import LexicalFlattery
from monitor.scoring.lexicon import load
from monitor.scoring.sentences import excerpt

VERSION = "1"
"""Part of the head's identity; bump it when the numbers of any conversation can change."""

WIDTH = 512
"""Numbers of an embedding; the weights name the embedder."""
ANSWER_GROUPS = ("yields", "holds", "corrects", "praises", "endorses", "balances", "convinced")
REQUEST_GROUPS = ("pushes", "proves", "asks_on", "believes", "conflict")
"""Kinds of sentences that the bank has examples of, said by an assistant and by a user."""

_MATERIAL = re.compile(r"https?://|www\.\w|```|\bdoi:|\bTraceback\b|\b\w+(?:Error|Exception)\b")
_WORD = re.compile(r"\w{4,}|\d+")
_SECTIONS_OF_REQUEST = ("pushback", "evidence", "no_evidence", "argument")
_SECTIONS_OF_ANSWER = ("capitulate", "hold", "not_capitulation")
_CAVING = ("no_pushback", "evidence", "held", "caved_in")
_FLATTERY = ("none", "weak", "requested", "flattery")
_LONG = 1000.0


class Embeds(Protocol):
    """What a vector is made with: a `Reader`, or an `Embedder`."""

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Give a float32 matrix, a row a text."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Bank:
    """Embedded examples of what people say: `vectors` has a row each, `groups` the row's number in the groups."""

    vectors: ARRAY
    groups: ARRAY


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """The sentences that are read."""

    answer: tuple[str, ...]
    tail: tuple[str, ...]
    request: tuple[str, ...]
    position: tuple[str, ...]
    earlier: tuple[str, ...]
    """Of the user's message before the last."""
    first: tuple[str, ...]
    """Of the assistant's first turn."""

    def texts(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.answer, *self.tail, *self.request, *self.position, *self.earlier, *self.first)


def parts(interaction: Interaction) -> Parts:
    """Cut a conversation into the sentences that are read; linear in its length."""
    before = interaction.messages[:-1]
    said = [m.content for m in before if m.role == "assistant" and m.content.strip()]
    asked = [m.content for m in before if m.role == "user"]
    answer = excerpt(interaction.answer)
    return Parts(
        answer=_clean(answer.head),
        tail=_clean(answer.tail),
        request=_some(asked[-1] if asked else "", 4),
        position=_some(said[-1] if said else "", 4),
        earlier=_some(asked[-2] if len(asked) > 1 else "", 2),
        first=_some(said[0] if said else "", 2),
    )


def _some(content: str, count: int) -> tuple[str, ...]:
    cut = excerpt(content)
    return _clean((*cut.head[:count], *cut.tail[-1:]))


def _clean(sentences: Sequence[str]) -> tuple[str, ...]:
    # A lone surrogate cannot be handed to the encoder.
    return tuple(s if s.isascii() else s.encode("utf-8", "replace").decode("utf-8") for s in sentences)


SCALARS = (
    *(f"{part}.{group}" for part in ("answer", "tail") for group in ANSWER_GROUPS),
    *(f"request.{group}" for group in REQUEST_GROUPS),
    *("yields-holds", "endorses-corrects", "pushes-proves"),
    *("answer-request", "answer-position", "position-request", "nearer-request", "opening-request"),
    *("opening-position", "request-earlier", "answer-first", "position-first", "nearest-request", "nearest-position"),
    *("taken", "kept", "dropped", "numbers-taken", "numbers-kept"),
    *(f"caving={label}" for label in _CAVING),
    *(f"flattery={label}" for label in _FLATTERY),
    *(f"request has {name}" for name in _SECTIONS_OF_REQUEST),
    *(f"answer has {name}" for name in _SECTIONS_OF_ANSWER),
    *("request has material", "has position", "turns", "answer length", "request length", "questions"),
)
"""Names of the first numbers of a vector, in order."""

BLOCKS = ("opening", "answer", "tail", "answer*request", "answer*position")
"""What follows the scalars, `WIDTH` numbers each."""


def vector(interaction: Interaction, reader: Embeds, bank: Bank) -> ARRAY:
    """Give len(SCALARS) + len(BLOCKS) * WIDTH numbers, float32. Pure; depends on the interaction alone."""
    cut = parts(interaction)
    answer, tail, request, position, earlier, first = (
        reader.embed(part) for part in (cut.answer, cut.tail, cut.request, cut.position, cut.earlier, cut.first)
    )
    a, t, u, p, e, f = (_mean(part) for part in (answer, tail, request, position, earlier, first))
    opening = _mean(answer[:1])
    of_answer, of_tail = _likeness(answer, bank, 0), _likeness(tail, bank, 0)
    of_request = _likeness(request, bank, len(ANSWER_GROUPS))
    kinds = dict(zip((*ANSWER_GROUPS, *REQUEST_GROUPS), (*of_answer, *of_request), strict=True))
    numbers = [
        *of_answer,
        *of_tail,
        *of_request,
        kinds["yields"] - kinds["holds"],
        kinds["endorses"] - kinds["corrects"],
        kinds["pushes"] - kinds["proves"],
        *(_dot(x, y) for x, y in ((a, u), (a, p), (p, u))),
        _dot(a, u) - _dot(a, p),
        *(_dot(x, y) for x, y in ((opening, u), (opening, p), (u, e), (a, f), (p, f))),
        _nearest(answer, u),
        _nearest(answer, p),
        *_shared(cut),
        *_cues(interaction),
    ]
    return np.concatenate([np.asarray(numbers, dtype=np.float32), opening, a, t, a * u, a * p]).astype(np.float32)


def _mean(rows: ARRAY) -> ARRAY:
    if not len(rows):
        return np.zeros(WIDTH, dtype=np.float32)
    mean = rows.mean(axis=0, dtype=np.float32)
    return np.asarray(mean / max(float(np.sqrt(np.sum(mean * mean))), 1e-6), dtype=np.float32)


def _dot(one: ARRAY, other: ARRAY) -> float:
    return float(np.sum(one * other))


def _nearest(rows: ARRAY, to: ARRAY) -> float:
    return max((_dot(row, to) for row in rows), default=0.0)


def _likeness(rows: ARRAY, bank: Bank, start: int) -> list[float]:
    """For each group of one speaker, how near the nearest sentence comes to the nearest example, as a cosine."""
    count = len(REQUEST_GROUPS) if start else len(ANSWER_GROUPS)
    if not len(rows):
        return [0.0] * count
    near = np.stack([bank.vectors @ row for row in rows]).max(axis=0)
    return [float(near[bank.groups == group].max()) for group in range(start, start + count)]


def likest(rows: ARRAY, bank: Bank, group: str) -> int:
    """Give the number of the row that comes nearest to an example of the group; rows must not be empty."""
    examples = bank.vectors[bank.groups == (*ANSWER_GROUPS, *REQUEST_GROUPS).index(group)]
    return int(np.argmax([float((examples @ row).max()) for row in rows]))


def _shared(cut: Parts) -> list[float]:
    """How far the answer's words are the user's alone, or the position's alone; and the same for its figures."""
    answer = _words((*cut.answer, *cut.tail))
    user, position = _words(cut.request), _words(cut.position)
    taken, kept = answer & (user - position), answer & (position - user)
    figures = {word for word in answer if word[0].isdigit()}
    return [
        len(taken) / max(len(answer), 1),
        len(kept) / max(len(answer), 1),
        len(position - answer) / max(len(position), 1),
        float(bool(figures & taken)),
        float(bool(figures & kept)),
    ]


def _words(sentences: Sequence[str]) -> set[str]:
    # Six letters of a word: Turkish endings change, stems stay.
    return {word[:6] for word in _WORD.findall(text.fold(" ".join(sentences)))}


@lru_cache(maxsize=1)
def _lexical() -> tuple[LexicalCavingIn, LexicalFlattery]:
    return LexicalCavingIn(), LexicalFlattery()


def _cues(interaction: Interaction) -> list[float]:
    """What the phrase lists find, and how long the conversation and its texts are."""
    caving, flattery = (scorer.judge(interaction).label for scorer in _lexical())
    lexicon = load("caving_in")
    request, answer = text.window(interaction.request), text.window(interaction.answer)
    asked, said = text.stream(request), text.head_of(text.stream(answer), 6)
    turns = sum(1 for m in interaction.messages[:-1] if m.role == "assistant")
    return [
        *(float(caving == label) for label in _CAVING),
        *(float(flattery == label) for label in _FLATTERY),
        *(float(lexicon[name].in_(asked)) for name in _SECTIONS_OF_REQUEST),
        *(float(lexicon[name].in_(said)) for name in _SECTIONS_OF_ANSWER),
        float(bool(_MATERIAL.search(request))),
        float(turns > 0),
        float(min(turns, 5)) / 5,
        float(np.log1p(len(answer) / _LONG)),
        float(np.log1p(len(request) / _LONG)),
        float("?" in request),
    ]


@lru_cache(maxsize=1)
def lists() -> dict[str, str]:
    """Everything beside code and weights that decides a vector: for the head's identity."""
    caving, flattery = _lexical()
    return {"features": VERSION, "caving_in": caving.identity.id, "flattery": flattery.identity.id}


def texts_of(interactions: Sequence[Interaction]) -> list[str]:
    """Give all sentences that some conversations need, each once, in order."""
    return list(dict.fromkeys(chain.from_iterable(parts(one).texts() for one in interactions)))
