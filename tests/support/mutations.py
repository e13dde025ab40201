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
    quick: bool = False
    """These few run in `make test`, all of them in `make faults`."""


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
        quick=True,
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
        quick=True,
    ),
    Mutation(
        name="no-polling-in-an-outage",
        invariant="I9",
        file="workers/ingest.py",
        old="        surprise = self._consumer.poll(timeout_ms=timeout_ms)\n",
        new="        surprise: Gathered = {}\n",
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
        quick=True,
    ),
    Mutation(
        name="no-crash-loop-isolation",
        invariant="I7",
        file="monitor/store/attempts.py",
        old="        return self.span == 1 and self.count >= DEATHS\n",
        new="        return False\n",
        test=f"{STEPS}::test_a_record_that_kills_becomes_a_dead_letter_and_its_neighbours_are_recorded",
        quick=True,
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
        old="            if not mine:\n",
        new="            if not mine and False:\n",
        test=f"{STEPS}::test_a_committed_offset_of_an_earlier_topic_is_not_believed",
    ),
    Mutation(
        name="incarnation-of-a-commit-not-looked-at",
        invariant="I1",
        file="workers/positions.py",
        old="            if committed is not None and committed.metadata:\n",
        new="            if False and committed.metadata:\n",
        test=f"{STEPS}::test_a_zombies_commit_of_an_earlier_topic_is_not_believed_once_the_new_one_has_outcomes",
    ),
    Mutation(
        name="lost-reply-of-a-hole-not-asked-about",
        invariant="I2",
        file="workers/ingest.py",
        old="        self._positions.begin(self._holes)\n",
        new="",
        test=f"{STEPS}::test_a_hole_whose_insert_lost_its_reply_keeps_its_outcome_when_retention_comes",
    ),
    Mutation(
        name="no-back-pressure",
        invariant="I11",
        file="workers/pressure.py",
        old="        self.high = self.due > self._limit * (RELEASE if self.high else 1.0)\n",
        new="",
        test=f"{STEPS}::test_ingest_waits_while_too_much_is_due_and_goes_on_when_it_is_scored",
    ),
    Mutation(
        name="kept-partition-goes-on-where-it-was",
        invariant="I12",
        file="workers/ingest.py",
        old="                    self._consumer.seek(tp, start)\n",
        new="                    continue\n",
        test=f"{STEPS}::test_a_batch_given_up_in_a_rebalance_is_read_again_by_who_keeps_the_partition",
        quick=True,
    ),
    Mutation(
        name="recorded-offsets-called-lost",
        invariant="I1",
        file="workers/positions.py",
        old="                if first < known:\n",
        new="                if first < 0:\n",
        test=f"{STEPS}::test_what_was_recorded_before_retention_took_it_is_not_lost_by_a_commit_moved_back",
    ),
    Mutation(
        name="every-refused-sample-buried",
        invariant="I8",
        file="monitor/store/record.py",
        old="    if len(refused) == len(batch.sampled) >= ALL_REFUSED:\n",
        new="    if len(refused) < 0:\n",
        test=f"{RECORD}::test_where_every_sample_is_refused_the_fault_is_not_theirs_and_none_is_buried",
    ),
    Mutation(
        name="tasks-acknowledged-early",
        invariant="I5",
        file="workers/celery_app.py",
        old="        task_acks_late=True,\n",
        new="        task_acks_late=False,\n",
        test="tests/unit/test_queue.py",
    ),
    Mutation(
        name="last-verdict-wins",
        invariant="I6",
        file="monitor/store/rows.py",
        old="        version=VERSION_BASE - micros,\n",
        new="        version=micros,\n",
        test=f"{STORE}::test_of_two_verdicts_the_first_one_stays",
    ),
    Mutation(
        name="due-work-in-another-order",
        invariant="I11",
        file="monitor/store/queries.sql",
        old="ORDER BY window DESC, hash / probability\n",
        new="ORDER BY window DESC, probability / hash\n",
        test=f"{STORE}::test_due_work_comes_in_the_order_of_hash_over_probability",
    ),
    Mutation(
        name="deadly-samples-never-given-up",
        invariant="I6",
        file="monitor/store/suspect.py",
        old="        written = self._give_up(window, hopeless)\n",
        new="        written = 0\n",
        test="tests/contract/test_suspect.py",
    ),
    Mutation(
        name="policy-from-the-running-window",
        invariant="I2",
        file="monitor/store/policies.py",
        old='    return max(next_window(stamp), utc(newest["window"] + WINDOW_SECONDS))\n',
        new="    return utc(since)\n",
        test="tests/contract/test_policies.py",
    ),
    Mutation(
        name="no-drain",
        invariant="I13",
        file="workers/ingest.py",
        old="            while not self._stopping.is_set():\n                self.step()\n",
        new=(
            "            signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
            "            while not self._stopping.is_set():\n                self.step()\n"
        ),
        test="tests/faults/test_drain.py -k under_load",
    ),
)
