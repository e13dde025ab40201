"""Embeddings as rows, for drift (DESIGN §9): what the heads have read of an interaction, in a kilobyte.

Written beside scores and worth less than they: what goes wrong here is counted, and neither loses a score nor repeats
one. Components are kept as signed bytes (linear, symmetric quantisation as in Jacob et al. 2018).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from uuid import UUID

import numpy as np
import numpy.typing as npt

from monitor import metrics
from monitor.errors import MonitorError
from monitor.intake.interaction import Interaction
from monitor.scoring.embed import Matrix
from monitor.scoring.reader import Reader
from monitor.scoring.sentences import excerpt
from monitor.scoring.verdict import Scorer
from monitor.store.client import Store
from monitor.store.rows import EmbeddingRow, to_columns

log = logging.getLogger("score")

WIDTH = 512
"""Components of a vector, as schema.sql has them."""
LARGEST = 127
REQUEST_CHARACTERS = 500
"""Of the request that are read, the same text that the refusal head reads: it is embedded once."""


@runtime_checkable
class ReadsEmbeddings(Protocol):
    """A scorer whose verdicts come from embeddings."""

    def reader(self) -> Reader:
        """Give the reader whose embeddings it shares; may load the encoder."""
        ...


class Vectors:
    """What is to be written of the interactions that one call scores. `let_through` passes, all else is counted."""

    def __init__(self, window: int, *, let_through: tuple[type[Exception], ...] = ()) -> None:
        """Start empty."""
        self._window, self._let_through = window, let_through
        self._noted: dict[str, tuple[ReadsEmbeddings, dict[UUID, Interaction]]] = {}
        self._rows: list[EmbeddingRow] = []

    def note(self, scorer: Scorer, interactions: Mapping[UUID, Interaction]) -> None:
        """Remember what a scorer has read; nothing where it reads no embeddings."""
        if interactions and isinstance(scorer, ReadsEmbeddings):
            self._noted.setdefault(scorer.identity.model, (scorer, {}))[1].update(interactions)

    def take(self) -> None:
        """Make the rows of what was noted, while the reader still knows the embeddings."""
        for scorer, interactions in self._noted.values():
            try:
                reader = scorer.reader()
            except self._let_through:
                raise
            except Exception as error:  # noqa: BLE001 - best effort: whatever it is must not cost a score
                _lose("embedder", len(interactions), type(error).__name__)
            else:
                self._take(reader, list(interactions.items()))
        self._noted.clear()

    def write(self, store: Store) -> None:
        """Insert the rows made, once; rows sent again replace equal ones."""
        if not self._rows:
            return
        try:
            store.insert("embeddings", to_columns(self._rows))
        except MonitorError as error:
            _lose("store", len({row.sample_id for row in self._rows}), str(error))

    def _take(self, reader: Reader, items: Sequence[tuple[UUID, Interaction]]) -> None:
        """Add rows; an interaction that cannot be embedded loses its own, found by halving."""
        try:
            self._rows.extend(_rows(reader, self._window, items))
        except self._let_through:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            if len(items) > 1:
                half = len(items) // 2
                self._take(reader, items[:half])
                self._take(reader, items[half:])
                return
            _lose("embedder", 1, type(error).__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """Vectors of one part of the samples of a span."""

    sample_ids: Sequence[UUID]
    probability: npt.NDArray[np.float64]
    """pi of phase 1, shape (n,)."""
    hash: npt.NDArray[np.uint64]
    """`hash64` of the conversation, shape (n,): equal in a variance cluster."""
    vectors: Matrix
    """Shape (n, WIDTH), of length 1 but for what quantisation lost (under 1 %)."""


def stored(store: Store, *, since: int, until: int, embedder: str, part: str, limit: int) -> Stored:
    """Read the vectors of windows in [since, until), seconds; `part` is `request` or `answer`.

    Of more samples than `limit`, a random part is given, as sampling would have chosen at a lower rate.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
    """
    found = store.columns("embeddings", since=since, until=until, embedder=embedder, part=part, limit=limit)
    return Stored(
        sample_ids=found["sample_id"],
        probability=np.asarray(found["probability"], dtype=np.float64),
        hash=np.asarray(found["hash"], dtype=np.uint64),
        vectors=restore(found["vector"], found["scale"]),
    )


def quantise(vector: Matrix) -> tuple[float, bytes]:
    """Give the scale and the signed bytes of a vector of shape (WIDTH,): round(127 * x / max |x|), halves to even.

    Raises:
        ValueError: it has another width, or a component that is no number.
    """
    scale = float(np.abs(vector).max(initial=0.0))
    if vector.shape != (WIDTH,) or not np.isfinite(scale):
        raise ValueError(f"cannot store a vector of shape {vector.shape} and scale {scale}")
    raised = np.rint(vector * np.float32(LARGEST / scale)) if scale else vector
    return scale, raised.astype(np.int8).tobytes()


def restore(vectors: Sequence[bytes], scales: Sequence[float]) -> Matrix:
    """Give float32 vectors, shape (n, WIDTH), each component off by at most scale / 254."""
    raised = np.frombuffer(b"".join(vectors), dtype=np.int8).reshape(-1, WIDTH)
    return raised * (np.asarray(scales, dtype=np.float32) / np.float32(LARGEST))[:, None]


def _lose(cause: str, count: int, why: str) -> None:
    metrics.EMBEDDINGS_LOST.labels(cause=cause).inc(count)
    log.warning("embeddings not stored", extra={"n": count, "why": why})


def _rows(reader: Reader, window: int, items: Sequence[tuple[UUID, Interaction]]) -> list[EmbeddingRow]:
    parts = [
        (sample_id, part, texts)
        for sample_id, interaction in items
        for part, texts in (("request", _request(interaction)), ("answer", _answer(interaction)))
        if texts
    ]
    reader.prefetch(text for _, _, texts in parts for text in texts)
    rows = []
    for sample_id, part, texts in parts:
        scale, vector = quantise(_unit(reader.embed(texts).mean(axis=0)))
        rows.append(
            EmbeddingRow(
                window=window, sample_id=sample_id, embedder=reader.identity, part=part, scale=scale, vector=vector
            )
        )
    return rows


def _request(interaction: Interaction) -> tuple[str, ...]:
    text = interaction.request[:REQUEST_CHARACTERS]
    return (text,) if text.strip() else ()


def _answer(interaction: Interaction) -> tuple[str, ...]:
    """Give the sentences that the heads read too, so that each is embedded once."""
    cut = excerpt(interaction.answer)
    return cut.head + cut.tail


def _unit(vector: Matrix) -> Matrix:
    length = np.sqrt(np.square(vector).sum())
    return vector / length if length else vector
