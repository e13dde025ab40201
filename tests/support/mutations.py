"""The safeguards of delivery, each as the change that would remove it, and the test that must then go red.

A test that stays green without the safeguard that it is for proves nothing.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One safeguard taken away by replacing text that occurs once."""

    name: str
    invariant: str
    file: str
    old: str
    new: str
    test: str
    """What pytest is given: it must fail."""
    quick: bool = True
    """Needs no server: these run in `make test`, all of them in `make faults`."""


STEPS = "tests/unit/test_ingest_steps.py"
RECORD = "tests/unit/test_store_record.py"
STORE = "tests/contract/test_store.py"

MUTATIONS = (
    Mutation(
        name="commit-before-record",
        invariant="I1",
        file="workers/recorder.py",
        old="        kept = record(self._store, batch)\n",
        new="        self._commit(portion, batch)\n        kept = record(self._store, batch)\n",
        test=f"{STEPS}::test_while_clickhouse_is_away_the_worker_waits_as_a_member_and_then_records_all",
    ),
    Mutation(
        name="ledger-before-samples",
        invariant="I1",
        file="monitor/store/record.py",
        old="    refused: list[tuple[Sampled, StoreRejected]] = []\n",
        new=(
            "    refused: list[tuple[Sampled, StoreRejected]] = []\n"
            '    store.insert("offset_ledger_in", to_columns(batch.cells))\n'
        ),
        test=f"{RECORD}",
    ),
    Mutation(
        name="token-without-content",
        invariant="I3",
        file="monitor/store/client.py",
        old="hashlib.sha256(body).hexdigest()",
        new="hashlib.sha256(table.encode()).hexdigest()",
        test=f"{STEPS}::test_a_record_that_kills_becomes_a_dead_letter_and_its_neighbours_are_recorded",
    ),
    Mutation(
        name="no-deduplication-window",
        invariant="I3",
        file="monitor/store/schema.sql",
        old="ORDER BY (window, sample_id)\nSETTINGS non_replicated_deduplication_window = 10000;",
        new="ORDER BY (window, sample_id);",
        test=f"{STORE}::test_a_batch_sent_again_is_dropped_by_its_token_and_one_changed_value_is_not",
        quick=False,
    ),
    Mutation(
        name="no-bisecting",
        invariant="I7",
        file="monitor/store/record.py",
        old="        if len(items) > 1:\n",
        new="        if len(items) > 10**9:\n",
        test=f"{STEPS}::test_a_refused_sample_becomes_a_dead_letter_and_an_event",
    ),
    Mutation(
        name="dead-letter-failure-ignored",
        invariant="I8",
        file="monitor/store/record.py",
        old="    raise error\n",
        new="    return\n",
        test=f"{STEPS}::test_a_refused_dead_letter_stops_the_offset_and_is_told_at_once",
    ),
    Mutation(
        name="no-polling-in-an-outage",
        invariant="I9",
        file="workers/ingest.py",
        old="        surprise = self._consumer.poll(timeout_ms=timeout_ms)\n",
        new="        self._clock.now()\n        surprise: Gathered = {}\n",
        test=f"{STEPS}::test_a_member_thrown_out_during_an_outage_gives_up_its_batch",
    ),
    Mutation(
        name="records-that-came-in-an-outage-forgotten",
        invariant="I9",
        file="workers/ingest.py",
        old="            self._consumer.seek(tp, records[0].offset)\n",
        new="            continue\n",
        test=f"{STEPS}::test_a_member_thrown_out_during_an_outage_gives_up_its_batch",
    ),
    Mutation(
        name="insert-timeout-not-checked",
        invariant="I9",
        file="monitor/config.py",
        old="        if self.clickhouse.timeout_s >= limit_s:\n",
        new="        if self.clickhouse.timeout_s < 0:\n",
        test="tests/unit/test_config.py",
    ),
    Mutation(
        name="lost-partitions-kept",
        invariant="I12",
        file="workers/rebalance.py",
        old="        taken, self._lost = self._lost, set()\n",
        new="        taken, self._lost = set(), set()\n",
        test=f"{STEPS}::test_a_member_thrown_out_during_an_outage_gives_up_its_batch",
    ),
    Mutation(
        name="no-crash-loop-isolation",
        invariant="I7",
        file="monitor/store/attempts.py",
        old="        return self.span == 1 and self.count >= DEATHS\n",
        new="        return False\n",
        test=f"{STEPS}::test_a_record_that_kills_becomes_a_dead_letter_and_its_neighbours_are_recorded",
    ),
    Mutation(
        name="attempts-never-cleared",
        invariant="I7",
        file="workers/careful.py",
        old="        void(self._store, portion.attempts)\n",
        new="        return\n",
        test=f"{STEPS}::test_a_record_that_is_read_again_and_again_without_a_death_leaves_no_attempt",
    ),
    Mutation(
        name="holes-not-seen",
        invariant="I1",
        file="workers/positions.py",
        old="            if record.offset > expected:\n",
        new="            if record.offset > expected + 10**12:\n",
        test=f"{STEPS}::test_what_retention_dropped_is_lost_and_what_never_was_is_absent",
    ),
    Mutation(
        name="commit-of-an-earlier-topic-believed",
        invariant="I1",
        file="workers/positions.py",
        old="            if committed and recorded is None and others:\n",
        new="            if committed and recorded is None and others and False:\n",
        test=f"{STEPS}::test_a_committed_offset_of_an_earlier_topic_is_not_believed",
    ),
    Mutation(
        name="no-back-pressure",
        invariant="I11",
        file="workers/pressure.py",
        old="        self.high = self.due > self._limit * (RELEASE if self.high else 1.0)\n",
        new="",
        test=f"{STEPS}::test_ingest_waits_while_too_much_is_due_and_goes_on_when_it_is_scored",
    ),
)
