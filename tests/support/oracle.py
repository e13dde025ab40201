"""What must be true after every fault: nothing lost, nothing counted twice, nothing that the sampler would not say.

The whole oracle is `check`, `check_scores` and `check_rollup`; `settle` and `settle_rollup` wait until the last two can
hold, where tasks run on their own.
"""

import math
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest

from monitor.config import Settings
from monitor.estimate.rates import RateEstimate, SampleTerms, StratumTotal, weighted_rate
from monitor.intake.batch import Batch, Sampled, Sifter
from monitor.intake.sampling import Policy, PolicyHistory
from monitor.scoring.registry import enabled_scorers
from monitor.scoring.runner import run
from monitor.scoring.verdict import POSITIVE_ABOVE, Result, Scorer, Status, Unscored, Verdict
from monitor.store.client import Store
from monitor.store.due import EVER, find_due
from tests.support.live import wait_for


@dataclass(frozen=True, kw_only=True)
class Produced:
    """A record as it stands in Kafka."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def predicted(settings: Settings, produced: Sequence[Produced], topic_id: UUID) -> Batch:
    """Say what the pure sampler makes of these records."""
    policy = Policy(effective_from=datetime.fromtimestamp(0, UTC), strata=settings.sampling.strata)
    sifter = Sifter(
        sampling_key=settings.sampling.key.get_secret_value().encode(),
        pseudonym_key=settings.privacy.pseudonym_key.get_secret_value().encode(),
        policies=PolicyHistory([policy]),
        max_message_bytes=settings.kafka.max_message_bytes,
    )
    parts: dict[int, list[Produced]] = {}
    for one in sorted(produced, key=lambda p: (p.partition, p.offset)):
        parts.setdefault(one.partition, []).append(one)
    return sifter.sift([(settings.kafka.topic, topic_id, n, records) for n, records in parts.items()])


def incarnation(store: Store, settings: Settings) -> UUID:
    """Give the one topic id that the ledger knows."""
    ids: set[UUID] = {row["topic_id"] for row in store.query("ledger_offsets", topic=settings.kafka.topic)}
    assert ids, "the ledger is empty"
    (topic_id,) = ids
    return topic_id


def check(store: Store, settings: Settings, produced: Sequence[Produced]) -> None:
    """Compare what is recorded with what was produced.

    (1) the ledger's offsets are the produced ones, each with one outcome; (2) the samples are those that the sampler
    predicts, each once, and unchanged; (5) the counts of what was not sampled are exact, by stratum.
    """
    topic_id = incarnation(store, settings)
    ledger = store.query("ledger_offsets", topic=settings.kafka.topic)
    found = [
        (row["partition"], offset, row["window"], row["stratum"], row["outcome"])
        for row in ledger
        for offset in row["offsets"]
    ]
    assert len({(p, o) for p, o, *_ in found}) == len(found), "an offset has two outcomes"
    assert {(p, o) for p, o, *_ in found} == {(one.partition, one.offset) for one in produced}, "gap or surplus"

    expected = predicted(settings, produced, topic_id)
    assert sorted(found) == sorted(
        (cell.partition, offset, cell.window, cell.stratum, cell.outcome)
        for cell in expected.cells
        for offset in cell.offsets
    )
    samples = {row["sample_id"]: row for row in store.query("sample_digests", topic=settings.kafka.topic)}
    assert samples.keys() == {one.position.sample_id for one in expected.sampled}
    for one in expected.sampled:
        row = samples[one.position.sample_id]
        assert (row["probability"], row["hash"]) == (one.probability, one.hash64)
        assert row["answer"] == one.interaction.answer
    dead = store.query("dead_letters", reason="", status="", limit=1_000_000)
    assert sorted((d["partition"], d["offset"]) for d in dead) == sorted(
        (d.position.partition, d.position.offset) for d in expected.dead
    )


def settle(store: Store, settings: Settings, *, seconds: float = 60) -> None:
    """Wait until nothing is due."""
    scorers = enabled_scorers(settings.scoring.scorers)
    wait_for(
        lambda: not find_due(store, scorers, oldest=EVER, settled_s=0, limit=1),
        "every verdict to be there",
        seconds=seconds,
    )


def settle_rollup(
    store: Store,
    settings: Settings,
    produced: Sequence[Produced],
    *,
    given_up: Collection[str] = (),
    seconds: float = 60,
) -> None:
    """Wait until `check_rollup` finds nothing amiss; fails with what it finds at the end."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            check_rollup(store, settings, produced, given_up=given_up)
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def check_scores(
    store: Store, settings: Settings, produced: Sequence[Produced], *, given_up: Collection[str] = ()
) -> None:
    """(3): compare the visible terminal rows with a second run of the scorers on what the sampler predicts.

    There is one for each sample and enabled scorer, and none besides. `given_up` names the interactions whose rows
    are `error`, for their scoring killed the worker.
    """
    expected = predicted(settings, produced, incarnation(store, settings))
    wanted = {
        (one.window, one.position.sample_id, scorer.identity.dimension, scorer.identity.id): result
        for scorer in enabled_scorers(settings.scoring.scorers)
        for one, result in zip(expected.sampled, _verdicts(scorer, expected.sampled, given_up), strict=True)
    }
    rows = store.query("score_digests")
    found = {(r["window"], r["sample_id"], r["dimension"], r["scorer_id"]): r for r in rows}
    assert len(found) == len(rows), "two visible rows of one sample, dimension and scorer"
    assert found.keys() == wanted.keys(), "a verdict is missing, or is of nothing that was sampled"
    for key, result in wanted.items():
        row = found[key]
        status = Status.SCORED if isinstance(result, Verdict) else result.status
        value = result.value if isinstance(result, Verdict) else None
        assert (row["status"], row["value"]) == (status, value), (key, row["reason"])


def check_rollup(
    store: Store, settings: Settings, produced: Sequence[Produced], *, given_up: Collection[str] = ()
) -> None:
    """(4): compare the stored estimates, for everything and by locale, with a recomputation from scratch.

    Nothing is read back for it: samples, counts and verdicts are those that sampler and scorers give in a second run.
    """
    expected = predicted(settings, produced, incarnation(store, settings))
    wanted: dict[tuple[int, str | None, str], RateEstimate] = {}
    for window in {one.window for one in expected.sampled}:
        samples = [one for one in expected.sampled if one.window == window]
        totals = _totals(expected, window)
        for scorer in enabled_scorers(settings.scoring.scorers):
            results = _verdicts(scorer, samples, given_up)
            everything = _terms(samples, results, totals)
            wanted[window, None, scorer.identity.id] = weighted_rate(everything, totals)
            for locale in {one.interaction.locale for one in samples}:
                inside = [n for n, one in enumerate(samples) if one.interaction.locale == locale]
                part = _terms([samples[n] for n in inside], [results[n] for n in inside], totals)
                wanted[window, locale, scorer.identity.id] = weighted_rate(part, None)

    rows = [row for row in store.query("estimate_rows") if row["segment"].keys() <= {"locale"}]
    found = {(row["window"], row["segment"].get("locale"), row["scorer_id"]): row for row in rows}
    assert len(found) == len(rows), "two estimates of one window, segment and scorer"
    assert found.keys() == wanted.keys(), "an estimate is missing or is of nothing"
    for key, estimate in wanted.items():
        row = found[key]
        assert [row[name] for name in ("population", "sampled", "scored", "unscored", "due")] == [
            estimate.n_population,
            estimate.n_sampled,
            estimate.n_scored,
            estimate.n_unscored,
            estimate.n_due,
        ], key
        for name, value in (("rate", estimate.rate), ("low", estimate.low), ("high", estimate.high)):
            assert row[name] == (None if value is None else pytest.approx(value, rel=1e-9, abs=1e-12)), (key, name)
        assert row["coverage"] == pytest.approx(estimate.coverage), key


def _verdicts(scorer: Scorer, samples: Sequence[Sampled], given_up: Collection[str]) -> list[Result]:
    lost = Unscored(status=Status.ERROR, reason="")
    results = run(scorer, [one.interaction for one in samples])
    return [
        lost if one.interaction.interaction_id in given_up else result
        for one, result in zip(samples, results, strict=True)
    ]


def _totals(expected: Batch, window: int) -> list[StratumTotal]:
    counts: dict[str, dict[str, int]] = {}
    for cell in expected.cells:
        if cell.window == window and cell.outcome in {"sampled", "sampled_out"}:
            outcomes = counts.setdefault(cell.stratum, {"sampled": 0, "sampled_out": 0})
            outcomes[cell.outcome] += len(cell.offsets)
    return [StratumTotal(name=name, **counts[name]) for name in sorted(counts)]


def _terms(samples: Sequence[Sampled], results: Sequence[Result], totals: Sequence[StratumTotal]) -> SampleTerms:
    names = [total.name for total in totals]
    _, conversation = np.unique(np.array([one.hash64 for one in samples], dtype=np.uint64), return_inverse=True)
    return SampleTerms(
        value=np.array(
            [r.value > POSITIVE_ABOVE if isinstance(r, Verdict) else math.nan for r in results], dtype=np.float64
        ),
        pi=np.array([one.probability for one in samples], dtype=np.float64),
        stratum=np.array([names.index(one.stratum) for one in samples], dtype=np.int64),
        conversation=conversation.astype(np.int64),
        unscored=np.array([isinstance(r, Unscored) for r in results], dtype=np.bool_),
    )
