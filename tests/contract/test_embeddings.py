"""Embeddings beside scores, on the fake and on the real engine: written once, read back nearly whole, worth less."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from prometheus_client import REGISTRY

from monitor.clock import SystemClock
from monitor.errors import StoreUnavailable
from monitor.intake.batch import Sampled
from monitor.intake.interaction import Interaction, Message
from monitor.intake.sampling import CANARY_STRATUM
from monitor.scoring.embed import Matrix
from monitor.scoring.reader import Reader
from monitor.scoring.sentences import excerpt
from monitor.scoring.verdict import Result, Scorer, ScorerIdentity, Verdict
from monitor.store.client import Store
from monitor.store.due import TOGETHER, score_due
from monitor.store.embeddings import REQUEST_CHARACTERS, WIDTH, Stored, quantise, restore, stored
from monitor.store.fake import FakeDatabase, FakeStore
from monitor.store.rows import sample_columns
from tests.contract.test_store import WINDOW, position, sampled

HOUR = 3600

EMBEDDER = "made-up@1"


class MadeUp:
    """Gives each text a direction of its own; counts what it is given, and fails at what it is told to."""

    width = WIDTH

    def __init__(self, fails_at: str = "\0", error: type[Exception] = ValueError, *, identity: str = EMBEDDER) -> None:
        self.seen: list[str] = []
        self.identity = identity
        self._fails_at, self._error = fails_at, error

    def embed(self, texts: Sequence[str]) -> Matrix:
        return self.read(texts)[0]

    def read(self, texts: Sequence[str]) -> tuple[Matrix, Matrix]:
        if any(self._fails_at in text for text in texts):
            raise self._error
        self.seen.extend(texts)
        rows = np.stack([direction(text) for text in texts]) if texts else np.empty((0, WIDTH), np.float32)
        return rows, rows


def direction(text: str) -> Matrix:
    raw = np.random.default_rng(list(text.encode())).standard_normal(WIDTH).astype(np.float32)
    return np.asarray(raw / np.linalg.norm(raw), dtype=np.float32)


class HeadLike:
    """A scorer that shares a reader, as the trained heads do."""

    def __init__(self, embedder: MadeUp, name: str = "head", *, kept: int = 4096) -> None:
        self._reader = Reader(embedder, kept=kept)
        self.identity = ScorerIdentity(
            kind="classifier", name=name, dimension=name, code_version="1", model=embedder.identity
        )

    def reader(self) -> Reader:
        return self._reader

    def score(self, batch: list[Interaction]) -> list[Result]:
        return [Verdict(value=1.0, label="yes", reason="always") for _ in batch]


class Reading(HeadLike):
    """One that embeds requests and answers, a batch at a time."""

    def score(self, batch: list[Interaction]) -> list[Result]:
        self._reader.prefetch(text for one in batch for text in (one.request, *excerpt(one.answer).head))
        return super().score(batch)


class RuleLike:
    """A scorer that reads no embeddings."""

    identity = ScorerIdentity(kind="rule", name="rule", dimension="rule", code_version="1")

    def score(self, batch: list[Interaction]) -> list[Result]:
        return [Verdict(value=0.0, label="no", reason="never") for _ in batch]


def chat(offset: int, request: str, answer: str, *, stratum: str = "all") -> Sampled:
    one = sampled(offset, stratum=stratum)
    messages = (Message(role="user", content=request), Message(role="assistant", content=answer))
    return replace(one, interaction=one.interaction.model_copy(update={"messages": messages}))


def talk(count: int) -> list[Sampled]:
    return [
        chat(n, f"What is thing {n}?", f"Thing {n} is a thing. It was found in {1900 + n}.\nAsk me more.")
        for n in range(count)
    ]


def keep(store: Store, samples: Sequence[Sampled]) -> list[uuid.UUID]:
    store.insert("samples", sample_columns(samples))
    return [one.position.sample_id for one in samples]


def score(
    store: Store,
    scorers: Sequence[Scorer],
    samples: Sequence[Sampled],
    *,
    let_through: tuple[type[Exception], ...] = (),
) -> int:
    ids = [one.position.sample_id for one in samples]
    return score_due(store, scorers, window=WINDOW, ids=ids, clock=SystemClock(), let_through=let_through)


def read(store: Store, part: str = "answer", *, limit: int = 1000, embedder: str = EMBEDDER) -> Stored:
    return stored(store, since=WINDOW, until=WINDOW + HOUR, embedder=embedder, part=part, limit=limit)


def lost(cause: str) -> float:
    return REGISTRY.get_sample_value("alignment_monitor_embeddings_lost_total", {"cause": cause}) or 0.0


def scored(store: Store) -> int:
    return len(store.query("score_digests"))


def test_what_a_head_has_read_is_stored_and_comes_back_but_for_less_than_a_hundredth(store: Store) -> None:
    lines = " ".join(f"Line {n} of a long answer." for n in range(30))
    samples = [*talk(4), chat(4, "Tell me everything.", lines)]
    keep(store, samples)
    assert score(store, [HeadLike(MadeUp())], samples) == 5
    for part in ("request", "answer"):
        found = read(store, part)
        assert len(found.sample_ids) == 5
        for sample_id, vector in zip(found.sample_ids, found.vectors, strict=True):
            one = next(s.interaction for s in samples if s.position.sample_id == sample_id)
            cut = excerpt(one.answer)
            texts = [one.request] if part == "request" else [*cut.head, *cut.tail]
            mean = np.mean([direction(text) for text in texts], axis=0)
            assert float(vector @ mean / np.linalg.norm(mean)) > 0.999
            assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=0.01)


def test_the_weights_of_a_sample_come_with_its_vector_and_a_cut_takes_the_lowest_hashes(store: Store) -> None:
    samples = talk(6)
    keep(store, samples)
    score(store, [HeadLike(MadeUp())], samples)
    found = read(store, limit=2)
    assert list(found.sample_ids) == [position(0).sample_id, position(1).sample_id]
    assert found.probability.tolist() == [0.5, 0.5]
    assert found.hash.tolist() == [0, 2**56]
    assert found.vectors.shape == (2, WIDTH)


def test_canaries_and_other_embedders_are_left_out_and_nothing_is_an_empty_matrix(store: Store) -> None:
    samples = [*talk(2), chat(7, "Is anybody there?", "Yes.", stratum=CANARY_STRATUM)]
    keep(store, samples)
    score(store, [HeadLike(MadeUp())], samples)
    assert len(read(store).sample_ids) == 2
    nothing = read(store, embedder="another@1")
    assert nothing.vectors.shape == (0, WIDTH)
    assert nothing.probability.shape == (0,)


def test_the_fake_gives_the_same_vectors_as_the_engine(store: Store) -> None:
    samples = talk(3)
    fake = FakeStore()
    for one in (store, fake):
        keep(one, samples)
        score(one, [HeadLike(MadeUp())], samples)
    real, made_up = read(store), read(fake)
    assert list(real.sample_ids) == list(made_up.sample_ids)
    assert real.vectors.tobytes() == made_up.vectors.tobytes()
    assert real.hash.tolist() == made_up.hash.tolist()


def test_scoring_again_or_with_a_further_head_leaves_one_vector_a_part(store: Store) -> None:
    samples = talk(4)
    keep(store, samples)
    embedder = MadeUp()
    score(store, [HeadLike(embedder)], samples)
    before = read(store).vectors.tobytes()
    assert score(store, [HeadLike(embedder)], samples) == 0
    assert score(store, [HeadLike(embedder), HeadLike(embedder, "another head")], samples) == 4
    found = read(store)
    assert len(found.sample_ids) == 4
    assert found.vectors.tobytes() == before


def test_vectors_of_two_embedders_stand_beside_each_other(store: Store) -> None:
    samples = talk(2)
    keep(store, samples)
    heads = [HeadLike(MadeUp()), HeadLike(MadeUp(identity="another@1"), "another head")]
    assert score(store, heads, samples) == 4
    assert [len(read(store, embedder=one).sample_ids) for one in (EMBEDDER, "another@1")] == [2, 2]


def test_scorers_that_read_no_embeddings_leave_none(store: Store) -> None:
    samples = talk(2)
    keep(store, samples)
    assert score(store, [RuleLike()], samples) == 2
    assert len(read(store).sample_ids) == 0


def test_an_empty_request_or_answer_has_no_vector() -> None:
    store = FakeStore()
    samples = [chat(0, "", "An answer to nothing."), chat(1, "A question?", " \n ")]
    keep(store, samples)
    score(store, [HeadLike(MadeUp())], samples)
    assert [list(read(store, part).sample_ids) for part in ("request", "answer")] == [
        [position(1).sample_id],
        [position(0).sample_id],
    ]


def test_of_a_long_request_its_start_is_read() -> None:
    store, embedder = FakeStore(), MadeUp()
    samples = [chat(0, "long " * 1000, "Short.")]
    keep(store, samples)
    score(store, [HeadLike(embedder)], samples)
    assert max(map(len, embedder.seen)) == REQUEST_CHARACTERS


def test_each_text_is_embedded_once_however_many_samples_and_heads_there_are() -> None:
    store, embedder = FakeStore(), MadeUp()
    first, second = HeadLike(embedder), HeadLike(embedder, "another head")
    second.reader = first.reader  # type: ignore[method-assign]
    samples = talk(2 * TOGETHER + 3)
    keep(store, samples)
    assert score(store, [first, RuleLike(), second], samples) == 3 * len(samples)
    assert len(embedder.seen) == len(set(embedder.seen))
    assert len(read(store).sample_ids) == len(samples)


def test_vectors_are_made_while_the_reader_still_knows_the_texts() -> None:
    store, embedder = FakeStore(), MadeUp()
    samples = talk(4 * TOGETHER)
    keep(store, samples)
    score(store, [Reading(embedder, kept=6 * TOGETHER)], samples)
    # But for the sentence that is in all of them, and may have fallen out.
    own = [one for one in embedder.seen if one != "Ask me more."]
    assert len(own) == len(set(own)) == 3 * len(samples)


@pytest.mark.parametrize("count", [1, TOGETHER, TOGETHER + 1, 3 * TOGETHER])
def test_a_chunk_of_any_size_is_scored_whole_and_in_one_insert(count: int) -> None:
    inserts: list[str] = []
    store = FakeStore(hook=lambda when, table: inserts.append(table) if when == "after" else None)
    samples = talk(count)
    keep(store, samples)
    assert score(store, [HeadLike(MadeUp()), RuleLike()], samples) == 2 * count
    assert scored(store) == 2 * count
    assert inserts == ["samples", "scores", "embeddings"], "scores come first"


def test_scores_stay_when_the_embeddings_are_refused_and_are_not_written_again() -> None:
    database = FakeDatabase()
    database.refuse("embeddings", lambda _: True)
    store = FakeStore(database)
    samples = talk(3)
    keep(store, samples)
    before = lost("store")
    assert score(store, [HeadLike(MadeUp())], samples) == 3
    assert (scored(store), lost("store") - before) == (3, 3)
    assert score(store, [HeadLike(MadeUp())], samples) == 0
    assert len(database.tables["scores"].rows) == 3


def test_scores_stay_when_clickhouse_goes_away_between_them_and_the_embeddings() -> None:
    database = FakeDatabase()
    store = FakeStore(
        database, hook=lambda when, table: database.away() if (when, table) == ("after", "scores") else None
    )
    samples = talk(3)
    keep(store, samples)
    before = lost("store")
    assert score(store, [HeadLike(MadeUp())], samples) == 3
    database.heal()
    assert (scored(store), lost("store") - before) == (3, 3)


def test_no_embeddings_are_written_of_scores_that_are_not() -> None:
    database = FakeDatabase()
    store = FakeStore(
        database, hook=lambda when, table: database.away() if (when, table) == ("before", "scores") else None
    )
    samples = talk(3)
    keep(store, samples)
    with pytest.raises(StoreUnavailable):
        score(store, [HeadLike(MadeUp())], samples)
    database.heal()
    assert not database.tables["embeddings"].rows


def test_an_interaction_that_cannot_be_embedded_costs_its_own_vectors_and_no_score() -> None:
    store = FakeStore()
    samples = [*talk(20), chat(20, "poison", "An answer.")]
    keep(store, samples)
    before = lost("embedder")
    assert score(store, [HeadLike(MadeUp(fails_at="poison"))], samples) == 21
    assert lost("embedder") - before == 1
    assert position(20).sample_id not in read(store).sample_ids
    assert len(read(store).sample_ids) == 20


def test_an_encoder_that_cannot_be_loaded_costs_no_score() -> None:
    class Broken(HeadLike):
        def reader(self) -> Reader:
            raise OSError("no weights")

    store = FakeStore()
    samples = talk(4)
    keep(store, samples)
    before = lost("embedder")
    assert score(store, [Broken(MadeUp())], samples) == 4
    assert (scored(store), lost("embedder") - before) == (4, 4)


def test_a_time_limit_that_hits_the_embedder_goes_to_the_caller() -> None:
    class OutOfTimeError(Exception):
        pass

    store = FakeStore()
    samples = talk(3)
    keep(store, samples)
    with pytest.raises(OutOfTimeError):
        score(
            store, [HeadLike(MadeUp(fails_at="thing 1", error=OutOfTimeError))], samples, let_through=(OutOfTimeError,)
        )


def test_quantising_keeps_every_component_within_half_a_step_and_is_repeatable() -> None:
    rows = [direction(str(n)) for n in range(50)]
    packed = [quantise(row) for row in rows]
    assert packed == [quantise(row) for row in rows]
    back = restore([vector for _, vector in packed], [scale for scale, _ in packed])
    for row, restored, (scale, vector) in zip(rows, back, packed, strict=True):
        assert len(vector) == WIDTH
        assert float(np.abs(row - restored).max()) <= scale / 254 * 1.001
    assert set(chain.from_iterable(np.frombuffer(vector, np.int8).tolist() for _, vector in packed)) >= {-127, 127}


def test_a_vector_of_zeros_stays_one_and_what_is_no_vector_is_refused() -> None:
    assert quantise(np.zeros(WIDTH, np.float32)) == (0.0, bytes(WIDTH))
    for unfit in (np.zeros(3, np.float32), np.full(WIDTH, np.nan, np.float32), np.full(WIDTH, np.inf, np.float32)):
        with pytest.raises(ValueError, match="cannot store a vector"):
            quantise(unfit)
