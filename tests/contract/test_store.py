"""Our tables and queries on the real engine: each runs, replays change nothing, due work is found and closed."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from monitor.clock import FixedClock
from monitor.config import ClickHouseSettings
from monitor.errors import StoreRejected, StoreUnavailable
from monitor.intake.batch import Batch, Cell, Dead, Position, Sampled
from monitor.intake.interaction import Interaction, Message, Model
from monitor.intake.sampling import CANARY_STRATUM
from monitor.report.ledger import Span, ledger_counts
from monitor.report.rates import rates
from monitor.report.rollup import rollup
from monitor.report.status import status
from monitor.scoring.verdict import Result, ScorerIdentity, Status, Unscored, Verdict
from monitor.store.client import Store
from monitor.store.due import expire_overdue, find_due, register, score_due
from monitor.store.migrate import migrate
from monitor.store.record import record
from monitor.store.rows import sample_columns, score_row, to_columns
from monitor.store.sql import blocks
from tests.contract.conftest import Server

WINDOW = 1_795_420_800
SPAN = Span(since=WINDOW, until=WINDOW + 3600)
TOPIC_ID = UUID(int=5)
ALL_TIME = timedelta(days=365)


class FixedScorer:
    """Says the same of everything."""

    def __init__(self, dimension: str, result: Result) -> None:
        self._dimension, self._result = dimension, result

    @property
    def identity(self) -> ScorerIdentity:
        return ScorerIdentity(kind="rule", name=f"fixed-{self._dimension}", dimension=self._dimension, code_version="1")

    def score(self, batch: list[Interaction]) -> list[Result]:
        return [self._result for _ in batch]


YES = FixedScorer("yes", Verdict(value=1.0, label="yes", reason="always"))
NO = FixedScorer("no", Verdict(value=0.0, label="no", reason="never"))
MUTE = FixedScorer("mute", Unscored(status=Status.UNPARSEABLE, reason="never says anything"))
SCORERS = (YES, NO, MUTE)


def position(offset: int, topic_id: UUID = TOPIC_ID) -> Position:
    return Position(topic="t", topic_id=topic_id, partition=0, offset=offset)


def sampled(offset: int, *, stratum: str = "all", probability: float = 0.5, text: str = "An answer.") -> Sampled:
    interaction = Interaction(
        interaction_id=f"i-{offset}",
        conversation_id=f"c-{offset}",
        turn=0,
        occurred_at=datetime(2026, 11, 23, tzinfo=UTC),
        messages=(Message(role="user", content="Soru?"), Message(role="assistant", content=text)),
        model=Model(name="m", version="1" if offset % 2 else "2"),
        locale="tr",
        attributes={"k": "v"},
    )
    return Sampled(
        position=position(offset),
        record_ms=WINDOW * 1000 + offset,
        window=WINDOW,
        stratum=stratum,
        policy_id="p",
        probability=probability,
        hash64=offset * 2**56,
        interaction=interaction,
        masked={"EMAIL": 1},
    )


def cell(outcome: Any, offsets: list[int], *, stratum: str = "all", topic_id: UUID = TOPIC_ID) -> Cell:
    return Cell(
        topic="t",
        topic_id=topic_id,
        partition=0,
        window=WINDOW,
        stratum=stratum,
        outcome=outcome,
        offsets=offsets,
    )


def batch(kept: range, left: range = range(0), dead: range = range(0)) -> Batch:
    return Batch(
        sampled=[sampled(i) for i in kept],
        dead=[
            Dead(
                position=position(i),
                record_ms=0,
                window=WINDOW,
                reason="not_json",
                detail="d",
                evidence="e",
                size=1,
                sha256="a" * 64,
            )
            for i in dead
        ],
        cells=[
            c
            for c in (
                cell("sampled", list(kept)),
                cell("sampled_out", list(left)),
                cell("dead", list(dead), stratum=""),
            )
            if c.offsets
        ],
    )


def due(store: Store) -> list[UUID]:
    return [d.sample_id for d in find_due(store, SCORERS, oldest=ALL_TIME, settled_s=0, limit=10_000)]


def score(store: Store, ids: list[UUID], at: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)) -> int:
    return score_due(store, SCORERS, window=WINDOW, ids=ids, clock=FixedClock(at))


PARAMETERS: dict[str, Any] = {
    "since": WINDOW,
    "until": WINDOW + 3600,
    "window": WINDOW,
    "windows": [WINDOW],
    "ids": [UUID(int=1)],
    "names": ["i-1"],
    "sample_id": UUID(int=1),
    "scorers": ["a", "b"],
    "scorer": "a",
    "classifier": "b",
    "reviewer": "",
    "text": 0,
    "with_ids": 1,
    "dimension": "d",
    "judge": "",
    "judges": ["a", "b"],
    "members": ["a", "b"],
    "seats": 2,
    "mark": "m",
    "endpoint": "",
    "questions": ["q" * 64],
    "seed": 1,
    "embedder": "e",
    "part": "answer",
    "by": ["model", "locale"],
    "oldest_s": 3600,
    "settled_ms": 0,
    "recent_s": 60,
    "look_back_days": 9,
    "margin_ms": 5000,
    "limit": 10,
    "reason": "",
    "status": "",
    "partition": 0,
    "offset": 0,
    "first": 0,
    "last": 9,
    "id": "x",
    "topic": "t",
    "topic_id": TOPIC_ID,
    "outcomes": ["lost"],
    "kind": "",
    "stage": "ingest",
    "subjects": [UUID(int=1)],
    "chunks": [0],
    "size": 10,
}


@pytest.mark.parametrize("name", blocks("queries.sql"))
def test_every_query_runs_on_empty_tables(store: Store, name: str) -> None:
    assert isinstance(store.query(name, **PARAMETERS), list)


def test_migrating_again_changes_nothing(settings: ClickHouseSettings, store: Store) -> None:
    record(store, batch(range(3)))
    migrate(settings)
    assert ledger_counts(store, SPAN).sampled == 3


def test_a_batch_recorded_again_or_in_overlapping_parts_is_counted_once(store: Store) -> None:
    whole = batch(range(10), range(10, 40), range(40, 43))
    record(store, whole)
    record(store, whole)
    record(store, batch(range(5), range(10, 20), range(40, 41)))
    counts = ledger_counts(store, SPAN)
    assert (counts.sampled, counts.sampled_out, counts.dead) == (10, 30, 3)
    assert len(store.query("dead_letters", reason="", status="open", limit=100)) == 3
    assert store.query("progress", since=WINDOW, until=WINDOW + 3600, scorers=["x"])[0]["sampled"] == 10


def test_a_topic_made_anew_is_counted_apart(store: Store) -> None:
    record(store, batch(range(10)))
    other = UUID(int=6)
    store.insert("offset_ledger_in", to_columns([cell("sampled_out", list(range(10)), topic_id=other)]))
    counts = ledger_counts(store, SPAN)
    assert (counts.sampled, counts.sampled_out) == (10, 10)


def test_due_work_is_found_once_scored_is_no_longer_due_and_missing_verdicts_are_terminal(store: Store) -> None:
    record(store, batch(range(6)))
    found = due(store)
    assert len(found) == 6
    assert score(store, found[:4]) == 4 * 3
    assert sorted(due(store)) == sorted(found[4:])
    assert score(store, found) == 2 * 3, "what is terminal already is not scored again"
    assert due(store) == []
    state = status(store, SPAN, scorers=SCORERS, clock=FixedClock(datetime(2026, 11, 23, 12, tzinfo=UTC)))
    assert (state.scored, state.unscored, state.due) == (12, 6, 0)
    assert state.coverage == pytest.approx(12 / 18)


def test_due_work_comes_in_the_order_of_hash_over_probability(store: Store) -> None:
    rows = [sampled(1, probability=0.1), sampled(2, probability=1.0), sampled(3, probability=0.9)]
    whole = Batch(sampled=rows, dead=[], cells=[cell("sampled", [1, 2, 3])])
    record(store, whole)
    expected = sorted(rows, key=lambda s: s.hash64 / s.probability)
    assert due(store) == [s.position.sample_id for s in expected]


def test_a_sample_that_is_still_young_is_left_to_its_hint(store: Store) -> None:
    record(store, batch(range(3)))
    assert find_due(store, SCORERS, oldest=ALL_TIME, settled_s=600, limit=10) == []


def test_of_two_verdicts_the_first_one_stays(store: Store) -> None:
    """Two workers had the same hint; the slower one says something else and is not heard."""
    record(store, batch(range(1)))
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    late = Verdict(value=0.0, label="no", reason="second thoughts")
    early = Verdict(value=1.0, label="yes", reason="first")
    for verdict, moment in ((late, noon + timedelta(seconds=1)), (early, noon)):
        row = score_row(
            window=WINDOW, sample_id=position(0).sample_id, identity=YES.identity, result=verdict, now=moment
        )
        store.insert("scores", to_columns([row]))
    (visible,) = store.query("verdicts", window=WINDOW, sample_id=position(0).sample_id)
    assert visible["label"] == "yes"


def test_what_waits_for_too_long_is_closed_as_expired_and_counts_as_missing(store: Store) -> None:
    record(store, batch(range(4)))
    score_due(store, (YES,), window=WINDOW, ids=due(store), clock=FixedClock(datetime(2026, 11, 23, 12, tzinfo=UTC)))
    clock = FixedClock(datetime(2026, 11, 23, 13, tzinfo=UTC))
    assert expire_overdue(store, SCORERS, oldest=timedelta(0), limit=100, clock=clock) == 4 * 2
    assert due(store) == []
    found = {one.dimension: one.estimate for one in rates(store, SPAN, scorers=SCORERS)}
    assert found["yes"].coverage == 1.0
    assert found["no"].coverage == 0.0
    assert found["no"].n_unscored == 4
    assert found["no"].rate is None


def test_rates_weigh_strata_by_the_ledger_and_segments_are_their_own(store: Store) -> None:
    """Half of 'rare' says yes and none of 'rest': the rate is the ledger's mix, not the sample's."""
    rare = [sampled(i, stratum="rare", probability=1.0) for i in range(100)]
    rest = [sampled(i, stratum="rest", probability=0.1) for i in range(100, 200)]
    cells = [
        cell("sampled", list(range(100)), stratum="rare"),
        cell("sampled", list(range(100, 200)), stratum="rest"),
        cell("sampled_out", list(range(200, 1100)), stratum="rest"),
        cell("sampled", [5000], stratum=CANARY_STRATUM),
    ]
    record(store, Batch(sampled=[*rare, *rest], dead=[], cells=cells))
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    rows = [
        score_row(
            window=WINDOW,
            sample_id=one.position.sample_id,
            identity=YES.identity,
            result=Verdict(value=float(one.stratum == "rare" and one.position.offset % 2 == 0), label="", reason=""),
            now=now,
        )
        for one in (*rare, *rest)
    ]
    store.insert("scores", to_columns(rows))
    found = rates(store, SPAN, splits=[("model_version",)])
    (whole,) = [one for one in found if not one.segment]
    assert whole.estimate.n_population == 1100
    assert whole.estimate.rate == pytest.approx(50 / 1100)
    assert whole.estimate.low < 50 / 1100 < whole.estimate.high
    segments = {one.segment["model_version"]: one.estimate for one in found if one.segment}
    assert segments.keys() == {"1", "2"}
    assert segments["1"].rate == 0.0
    assert segments["2"].rate == pytest.approx(50 / 550)
    assert segments["1"].n_population_estimated


def test_the_rollup_writes_what_rates_says_and_can_be_repeated(store: Store) -> None:
    record(store, batch(range(30), range(30, 60)))
    score(store, due(store))
    clock = FixedClock(datetime(2026, 11, 23, 13, tzinfo=UTC))
    first = rollup(store)
    count = store.query("estimate_count")[0]["n"]
    clock.advance(60)
    assert rollup(store) == first
    assert store.query("estimate_count")[0]["n"] == count == first


def test_text_of_any_kind_comes_back_as_it_was(store: Store) -> None:
    text = 'İstanbul "çay" \\ \n\t 😀 \u2028 \u202e ' + "x" * 100_000
    whole = Batch(sampled=[sampled(1, text=text)], dead=[], cells=[cell("sampled", [1])])
    record(store, whole)
    (row,) = store.query("interaction", id="i-1")
    assert text in json.loads(row["messages"])[1]["content"]
    assert row["masked"] == {"EMAIL": 1}
    assert row["attributes"] == {"k": "v"}


def test_a_scorer_can_be_looked_up_by_its_id(store: Store) -> None:
    register(store, SCORERS)
    register(store, SCORERS)
    record(store, batch(range(1)))
    score(store, due(store))
    names = {row["name"] for row in store.query("verdicts", window=WINDOW, sample_id=position(0).sample_id)}
    assert names == {"fixed-yes", "fixed-no", "fixed-mute"}


def test_rows_that_do_not_fit_are_refused_and_a_server_that_is_away_is_unavailable(
    store: Store, settings: ClickHouseSettings
) -> None:
    with pytest.raises(StoreRejected):
        store.insert("policies", [["not a time"], ["id"], ["{}"], [0]])
    with pytest.raises(StoreUnavailable):
        Store.connect(settings.model_copy(update={"port": 1}))
    with pytest.raises(StoreUnavailable):
        Store.connect(settings.model_copy(update={"database": "no_such_database"})).query("policies")


def test_a_batch_sent_again_is_dropped_by_its_token_and_one_changed_value_is_not(
    store: Store, settings: ClickHouseSettings, server: Server
) -> None:
    """The token is made from the content (I3): without that, the second batch here would vanish silently."""
    with server.connect(database=settings.database) as raw:

        def stored() -> int:
            return int(raw.command("SELECT count() FROM samples"))  # type: ignore[arg-type]

        first = [sampled(i) for i in range(5)]
        store.insert("samples", sample_columns(first))
        store.insert("samples", sample_columns(first))
        assert stored() == 5
        store.insert("samples", sample_columns([sampled(i, text="Another answer.") for i in range(5)]))
        assert stored() == 10


def test_inserting_loads_no_data_frame_library(settings: ClickHouseSettings) -> None:
    """clickhouse-connect would import pandas and pyarrow: a second and 80 MB in each worker."""
    plain = settings.model_dump() | {"password": settings.password.get_secret_value()}
    code = f"""
import sys
from monitor.config import ClickHouseSettings
from monitor.store.client import Store, spare_data_frames
spare_data_frames()
settings = ClickHouseSettings.model_validate({plain!r})
with Store.connect(settings) as store:
    store.insert("policies", [[0], ["id"], ["{{}}"], [0]])
    assert store.query("policies") == [{{"body": "{{}}"}}]
print(sorted({{"pandas", "pyarrow", "scipy", "evidently"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
