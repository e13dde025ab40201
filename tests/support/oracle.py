"""What must be true after every fault: nothing lost, nothing counted twice, nothing that the sampler would not say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from monitor.config import Settings
from monitor.intake.batch import Batch, Sifter
from monitor.intake.sampling import Policy, PolicyHistory
from monitor.store.client import Store


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


def check(store: Store, settings: Settings, produced: Sequence[Produced]) -> None:
    """Compare what is recorded with what was produced.

    (1) the ledger's offsets are the produced ones, each with one outcome; (2) the samples are those that the sampler
    predicts, each once, and unchanged; (5) the counts of what was not sampled are exact, by stratum.
    """
    ledger = store.query("ledger_offsets", topic=settings.kafka.topic)
    assert ledger, "the ledger is empty"
    (topic_id,) = {row["topic_id"] for row in ledger}
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
