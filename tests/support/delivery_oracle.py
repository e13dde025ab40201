"""What must be true of a `World` after every step, and what more at the end (DESIGN §5, I1 to I6)."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from monitor.intake.batch import KILLS_WORKER, Position, Sifter
from monitor.intake.sampling import PolicyHistory
from monitor.store import policies
from monitor.store.attempts import DEATHS
from tests.support.delivery_world import KEY, SCORERS, TOPIC, UNSTORABLE, Outcome, Place, World

SETTLE_ROUNDS = 300


def check_step(world: World, believed: Mapping[Place, Outcome]) -> dict[Place, Outcome]:
    """Check what holds at any time; outcomes that were `believed` are not looked at again. Gives what to believe."""
    found = dict(world.ledger())
    check_commits(world, found)
    check_order(world, found)
    fresh = {
        place: outcome
        for place, outcome in found.items()
        if believed.get(place) != outcome and place not in world.too_late
    }
    if fresh:
        check_outcomes(world, fresh)
    check_due(world)
    check_verdicts(world)
    return found


def check_commits(world: World, outcomes: Mapping[Place, Outcome]) -> None:
    """I1: below the committed offset everything has an outcome."""
    topic_id = world.topic_id
    for tp, committed in world.committed.items():
        if tp not in world.misled:
            first = world.never_ours.get((topic_id, tp.partition), 0)
            missing = [o for o in range(first, committed) if (topic_id, tp.partition, o) not in outcomes]
            assert not missing, f"{committed} is committed of partition {tp.partition}, and no outcome have {missing}"


def check_order(world: World, outcomes: Mapping[Place, Outcome]) -> None:
    """I1: what the ledger counts as sampled or dead has its row."""
    for table, outcome in (("samples", "sampled"), ("dead_letters", "dead")):
        missing = {place for place, (_, _, what) in outcomes.items() if what == outcome} - _by_place(
            world, table
        ).keys()
        assert not missing, f"{outcome} in the ledger, and no row in {table}: {missing}"


def check_outcomes(world: World, found: Mapping[Place, Outcome]) -> None:
    """I2: these outcomes are those of the pure sampler under the policies as they are now."""
    samples = _by_place(world, "samples")
    reasons = {place: row["reason"] for place, row in _by_place(world, "dead_letters").items()}
    secret = KEY.get_secret_value().encode()
    sifter = Sifter(
        sampling_key=secret,
        pseudonym_key=secret,
        policies=PolicyHistory(policies.load(world.eyes)),
        max_message_bytes=2**20,
    )
    for place, outcome in found.items():
        topic_id, partition, offset = place
        record = world.produced[topic_id].get((partition, offset))
        dropped = offset < world.dropped.get((topic_id, partition), 0)
        if outcome[2] in {"lost", "absent"} and topic_id != world.topic_id:
            # Where a log that is gone began, nobody can be asked any more: which of the two it is, is a guess.
            assert dropped or record is None, f"{place} is {outcome}, and Kafka held it to the end"
        elif outcome[2] == "lost":
            assert dropped, f"{place} is lost, and Kafka holds it"
        elif record is None:
            assert (outcome[2], place in world.recordless) == ("absent", True), f"{place} held no record: {outcome}"
        elif place in world.deadly or (reasons.get(place) == KILLS_WORKER and _deaths(world, place) >= DEATHS):
            assert (outcome[2], reasons.get(place)) == ("dead", KILLS_WORKER), f"{place} kills and is {outcome}"
        else:
            batch = sifter.sift([(TOPIC, topic_id, partition, [record])])
            (cell,) = batch.cells
            expected = (cell.window, cell.stratum, cell.outcome)
            if cell.outcome == "sampled" and UNSTORABLE.encode() in (record.value or b""):
                expected = (cell.window, "", "dead")
            assert outcome == expected, f"{place} is {outcome}, and the sampler says {expected}"
            if outcome[2] == "sampled":
                (one,) = batch.sampled
                row = samples[place]
                assert row["sample_id"] == one.position.sample_id
                assert (row["probability"], row["hash"]) == (one.probability, one.hash64)
                assert _answer(row) == one.interaction.answer


def check_due(world: World) -> None:
    """I5: due is samples by scorers less terminal rows. I4: rows that lie there twice change no count."""
    tables, wanted = world.database.tables, sorted(one.identity.id for one in SCORERS)
    samples = {row["sample_id"] for row in tables["samples"].rows}
    done = {(row["sample_id"], row["scorer_id"]) for row in tables["scores"].rows}
    lacking = Counter(one for one in samples if any((one, scorer) not in done for scorer in wanted))
    assert Counter(sample_id for _, sample_id in world.due()) == lacking
    (row,) = world.eyes.query("due_depth", recent_s=10**9, scorers=wanted)
    assert row["due"] == len(samples) * len(wanted) - len(done)


def check_verdicts(world: World) -> None:
    """I6: no sample, dimension and scorer has two visible rows."""
    rows = world.eyes.query("score_digests")
    keys = Counter((row["sample_id"], row["dimension"], row["scorer_id"]) for row in rows)
    assert not [key for key, n in keys.items() if n > 1]


def check_everything(world: World) -> None:
    """Hold all that is recorded against all that was produced, then score what is due and look at every verdict.

    (1) each offset has one outcome; (2) samples are those that the sampler predicts; (3) each sample, dimension and
    scorer has one row; (5) counts by stratum are exact.
    """
    ledger, topic_id = world.ledger(), world.topic_id
    recorded = {place for place, _ in ledger}
    for partition, offset in world.produced[topic_id]:
        if offset >= world.never_ours.get((topic_id, partition), 0):
            assert (topic_id, partition, offset) in recorded, f"offset {offset} of {partition} has no outcome"
    counts = Counter((stratum, outcome) for _, (_, stratum, outcome) in ledger)
    rows = world.eyes.query("ledger", since=0, until=2**32)
    assert {(row["stratum"], row["outcome"]): row["n"] for row in rows} == counts
    for table, outcome in (("samples", "sampled"), ("dead_letters", "dead")):
        known = {place for place, (_, _, what) in ledger if what == outcome}
        # Who died before the ledger, and whose records retention took before they were read again, leaves a row behind.
        surplus = [
            (topic_id, partition, offset)
            for topic_id, partition, offset in _by_place(world, table).keys() - known
            if topic_id == world.topic_id and offset >= world.dropped.get((topic_id, partition), 0)
        ]
        assert not surplus, f"{table} that the ledger does not know: {surplus}"
    _score_all(world)


def _score_all(world: World) -> None:
    for _ in range(SETTLE_ROUNDS):
        world.hint_again()
        hint = world.queue.take()
        if hint is None:
            break
        world.score(hint)
    assert world.due() == []
    samples = world.database.tables["samples"].final()
    found = {(r["sample_id"], r["scorer_id"]): r for r in world.eyes.query("score_digests")}
    assert found.keys() == {(row["sample_id"], scorer.identity.id) for row in samples for scorer in SCORERS}
    for row in samples:
        for scorer in SCORERS:
            verdict = found[row["sample_id"], scorer.identity.id]
            assert (verdict["status"], verdict["value"]) == ("scored", scorer.judge(_answer(row)).value)


def _deaths(world: World, place: Place) -> int:
    """Count the crashes while this record was tried: not only deadly ones can be given up on."""
    subject = Position(topic=TOPIC, topic_id=place[0], partition=place[1], offset=place[2]).sample_id
    rows = world.eyes.query("attempts", stage="ingest", subjects=[subject])
    return sum(row["n"] for row in rows)


def _by_place(world: World, table: str) -> dict[Place, dict[str, Any]]:
    rows = world.database.tables[table].final()
    return {(row["topic_id"], row["partition"], row["offset"]): row for row in rows}


def _answer(row: Mapping[str, Any]) -> str:
    return str(json.loads(row["messages"])[-1]["content"])
