"""One sample or verdict that cannot be handled fails only itself: its neighbours are scored (I6, I7)."""

from monitor.clock import SystemClock
from monitor.intake.interaction import Interaction
from monitor.scoring.verdict import Result, Verdict
from monitor.store.client import Store
from monitor.store.due import find_due, score_due
from monitor.store.record import record
from monitor.store.rows import TABLES, sample_columns
from tests.contract.test_store import ALL_TIME, WINDOW, YES, FixedScorer, batch, position, sampled


def statuses(store: Store, scorer: FixedScorer) -> dict[int, tuple[str, str]]:
    """Score everything and give status and reason by offset."""
    numbers = {position(offset).sample_id: offset for offset in range(10)}
    score_due(store, (scorer,), window=WINDOW, ids=list(numbers), clock=SystemClock())
    assert find_due(store, (scorer,), oldest=ALL_TIME, settled_s=0, limit=10) == []
    return {numbers[row["sample_id"]]: (row["status"], row["reason"]) for row in store.query("score_digests")}


def test_a_stored_sample_that_cannot_be_read_becomes_an_error(store: Store) -> None:
    columns = sample_columns([sampled(offset) for offset in range(10)])
    columns[TABLES["samples"][0].index("messages")][4] = "no JSON"
    store.insert("samples", columns)
    found = statuses(store, YES)
    assert found[4] == ("error", "the stored sample cannot be read (JSONDecodeError)")
    assert [offset for offset, (status, _) in found.items() if status != "scored"] == [4]


def test_a_verdict_that_clickhouse_refuses_becomes_an_error(store: Store) -> None:
    class Surrogate(FixedScorer):
        def score(self, batch: list[Interaction]) -> list[Result]:
            return [
                Verdict(value=1.0, label="yes", reason="\ud800" if one.conversation_id == "c-6" else "fine")
                for one in batch
            ]

    record(store, batch(range(10)))
    found = statuses(store, Surrogate("odd", Verdict(value=1.0, label="", reason="")))
    assert found[6][0] == "error"
    assert "ClickHouse refused the verdict" in found[6][1]
    assert [offset for offset, (status, _) in found.items() if status != "scored"] == [6]
