"""The ClickHouse seam: what ingest and scoring rely on, the same from the fake that ships and from a real server."""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from monitor.config import ClickHouseSettings
from monitor.errors import StoreRejected, StoreUnavailable
from monitor.intake.batch import Cell, Position, Sampled
from monitor.intake.interaction import Interaction, Message
from monitor.scoring.verdict import Result, ScorerIdentity, Status, Unscored, Verdict
from monitor.store import client as client_module
from monitor.store.client import Store
from monitor.store.fake import FakeDatabase, FakeStore
from monitor.store.fake.queries import answer, known
from monitor.store.migrate import migrate
from monitor.store.rows import (
    TABLES,
    AttemptRow,
    DeadLetterRow,
    EventRow,
    PolicyRow,
    sample_columns,
    score_row,
    scorer_rows,
    to_columns,
    utc,
)
from monitor.store.sql import blocks
from tests.contract.conftest import REAL, Embedded, Server

SERVERS = ["embedded", *(["server"] if REAL else [])]
WINDOW = 1_795_420_800
HOUR = 3600
MONTH = 31 * 24 * HOUR
TOPIC_ID, OTHER_ID = UUID(int=5), UUID(int=2**100 + 6)
SCORER = ScorerIdentity(kind="rule", name="one", dimension="d", code_version="1")
OTHER_SCORER = ScorerIdentity(kind="rule", name="two", dimension="e", code_version="1")
YES = Verdict(value=1.0, label="yes", reason="first")
NO = Verdict(value=0.0, label="no", reason="second thoughts", probabilities={"no": 0.75})
FOREVER_S = 365 * 24 * HOUR


@dataclass(frozen=True, kw_only=True)
class Case:
    """A store, and a look behind it."""

    store: Store
    raw: Any = None

    def stored(self, table: str) -> int:
        """Count rows as they lie there, replaced ones too."""
        if self.raw is not None:
            return int(self.raw.command(f"SELECT count() FROM {table}"))
        assert isinstance(self.store, FakeStore)
        return len(self.store.database.tables[table].rows)

    def empty(self) -> None:
        """Forget everything, tokens too."""
        for table in TABLES if self.raw is not None else ():
            if table != "offset_ledger_in":
                self.raw.command(f"TRUNCATE TABLE {table}")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Case]]:
    """Give a database on the server that is named, which is started when it is first asked for."""
    with ExitStack() as stack:

        def started() -> Server:
            embedded = Embedded(tmp_path_factory.mktemp("clickhouse") / "data")
            stack.callback(embedded.end)
            return embedded

        @cache
        def connect(name: str) -> Case:
            server = Server(REAL, name) if name == "server" else started()
            made = ClickHouseSettings(
                host=server.host,
                port=server.port,
                username=server.user,
                password=SecretStr(server.password),
                database=f"seam_{uuid.uuid4().hex[:12]}",
            )
            migrate(made)
            raw = stack.enter_context(server.connect(database=made.database))
            stack.callback(raw.command, f"DROP DATABASE {made.database} SYNC")
            return Case(store=stack.enter_context(Store.connect(made)), raw=raw)

        yield connect


@pytest.fixture(params=["fake", *SERVERS])
def case(request: pytest.FixtureRequest, opened: Callable[[str], Case]) -> Case:
    if request.param == "fake":
        return Case(store=FakeStore())
    found = opened(request.param)
    found.empty()
    return found


def sampled(offset: int, *, window: int = WINDOW, probability: float = 0.5, text: str = "An answer.") -> Sampled:
    interaction = Interaction(
        interaction_id=f"i-{offset}",
        conversation_id=f"c-{offset}",
        turn=0,
        occurred_at=utc(WINDOW + 0.125),
        messages=(Message(role="user", content="Soru?"), Message(role="assistant", content=text)),
        feedback=0.25,
        attributes={"k": "v"},
        normalised=("turn",),
    )
    return Sampled(
        position=position(offset),
        record_ms=window * 1000 + offset,
        window=window,
        stratum="all",
        policy_id="p",
        probability=probability,
        hash64=offset * 2**56,
        interaction=interaction,
        masked={"EMAIL": 1},
    )


def position(offset: int, *, partition: int = 0, topic_id: UUID = TOPIC_ID) -> Position:
    return Position(topic="t", topic_id=topic_id, partition=partition, offset=offset)


def cell(outcome: Any, offsets: list[int], *, window: int = WINDOW, **more: Any) -> Cell:
    whole = {"topic": "t", "topic_id": TOPIC_ID, "partition": 0, "stratum": "all", **more}
    return Cell(window=window, outcome=outcome, offsets=offsets, **whole)


def dead_letter(offset: int, *, status: str = "open", window: int = WINDOW) -> DeadLetterRow:
    return DeadLetterRow(
        topic="t",
        topic_id=TOPIC_ID,
        partition=0,
        offset=offset,
        window=window,
        record_time=WINDOW * 1000 + 5,
        reason="not_json",
        detail="d",
        evidence="e",
        size=2**40,
        sha256="a" * 64,
        status=status,
    )


def attempt(subject: int, number: int, *, span: int = 8, until: int = 9, void: int = 0) -> AttemptRow:
    return AttemptRow(
        stage="ingest", subject=UUID(int=subject), attempt_id=UUID(int=number), span=span, until=until, void=void
    )


def event(number: int, *, at: int = WINDOW * 1000, kind: str = "drained") -> EventRow:
    return EventRow(
        event_id=UUID(int=number),
        at=at,
        kind=kind,
        severity="info",
        process="ingest",
        topic="t",
        topic_id=TOPIC_ID,
        partition=-1,
        first_offset=0,
        last_offset=2**63,
        n=1,
        detail="Türkçe",
    )


def score(store: Store, offset: int, result: Result, *, at: float, scorer: ScorerIdentity = SCORER) -> None:
    sample_id = position(offset).sample_id
    row = score_row(window=WINDOW, sample_id=sample_id, identity=scorer, result=result, now=utc(at))
    store.insert("scores", to_columns([row]))


def insert_samples(store: Store, *samples: Sampled) -> None:
    store.insert("samples", sample_columns(samples))


def due(store: Store, *, oldest_s: int = FOREVER_S, settled_ms: int = 0, limit: int = 100) -> list[tuple[int, UUID]]:
    options = {"oldest_s": oldest_s, "settled_ms": settled_ms, "limit": limit}
    rows = store.query("due", scorers=[SCORER.id, OTHER_SCORER.id], **options)
    return [(row["window"], row["sample_id"]) for row in rows]


def ledger(store: Store, topic: str = "t") -> dict[tuple[Any, ...], list[int]]:
    names = ("topic_id", "partition", "window", "stratum", "outcome")
    rows = store.query("ledger_offsets", topic=topic)
    return {tuple(row[name] for name in names): sorted(row["offsets"]) for row in rows}


PARAMETERS: dict[str, Any] = {
    "since": WINDOW,
    "until": WINDOW + HOUR,
    "window": WINDOW,
    "ids": [position(offset).sample_id for offset in range(4)],
    "sample_id": position(1).sample_id,
    "scorers": [SCORER.id, OTHER_SCORER.id],
    "endpoint": "",
    "embedder": "e",
    "part": "answer",
    "oldest_s": FOREVER_S,
    "settled_ms": 0,
    "recent_s": FOREVER_S,
    "limit": 100,
    "reason": "",
    "status": "",
    "kind": "",
    "topic": "t",
    "topic_id": TOPIC_ID,
    "partition": 0,
    "offset": 2,
    "first": 0,
    "last": 9,
    "stage": "ingest",
    "subjects": [UUID(int=n) for n in range(3)],
}
OWN_TIME = {"ping"}
"""Queries that say what only this server can say."""


@pytest.mark.parametrize("name", sorted(known() - OWN_TIME))
def test_empty_tables_give_the_same_answers(case: Case, name: str) -> None:
    expected: dict[str, list[dict[str, Any]]] = {
        "budget_opened": [{"opened": 0}],
        "budget_spent": [{"calls": 0, "micro_usd": 0}],
        "due_depth": [{"due": 0}],
        "recorded_between": [{"offsets": []}],
        "newest_window": [{"window": 0, "stamp": 0.0}],
    }
    assert case.store.query(name, **PARAMETERS) == expected.get(name, [])
    columns = {column: [value] for row in expected.get(name, []) for column, value in row.items()}
    assert {column: list(values) for column, values in case.store.columns(name, **PARAMETERS).items()} == columns


def test_every_query_of_the_fake_is_one_of_ours() -> None:
    assert known() <= blocks("queries.sql").keys()
    with pytest.raises(NotImplementedError, match="no_such_query"):
        answer(FakeDatabase(), "no_such_query", {})


def test_values_come_back_in_the_types_of_the_client(case: Case) -> None:
    """Times are UTC without a zone, a fixed string is bytes, an id is a UUID whichever way it went in."""
    insert_samples(case.store, sampled(1))
    (row,) = case.store.query("samples_by_id", window=WINDOW, ids=[str(position(1).sample_id)])
    assert row["sample_id"] == position(1).sample_id
    assert row["occurred_at"] == datetime(2026, 11, 23, 8, 0, 0, 125_000)  # noqa: DTZ001 - that is the point
    assert (row["feedback"], row["input_tokens"]) == (0.25, None)
    assert (row["attributes"], row["normalised"]) == ({"k": "v"}, ["turn"])
    case.store.insert("dead_letters", to_columns([dead_letter(1)]))
    (dead,) = case.store.query("dead_letters", reason="not_json", status="open", limit=5)
    assert (dead["sha256"], dead["size"], dead["record_time"]) == (
        b"a" * 64,
        2**40,
        utc(WINDOW + 0.005).replace(tzinfo=None),
    )
    assert abs(dead["updated_at"] - utc(case.store.query("ping")[0]["now"]).replace(tzinfo=None)) < timedelta(minutes=5)
    score(case.store, 1, YES, at=WINDOW + 0.000001)
    (verdict,) = case.store.query("verdicts", window=WINDOW, sample_id=position(1).sample_id)
    assert verdict["scored_at"] == utc(WINDOW).replace(tzinfo=None, microsecond=1)
    assert (verdict["name"], verdict["value"], verdict["label"]) == ("", 1.0, "yes")


def test_the_same_insert_twice_is_one_set_of_rows_and_another_value_makes_it_another(case: Case) -> None:
    first = [sampled(i) for i in range(3)]
    for _ in range(2):
        insert_samples(case.store, *first)
    assert case.stored("samples") == 3
    insert_samples(case.store, *first[:2])
    assert case.stored("samples") == 5
    insert_samples(case.store, sampled(1, text="Another answer."))
    assert case.stored("samples") == 6
    rows = {row["sample_id"]: row["answer"] for row in case.store.query("sample_digests", topic="t")}
    assert rows == {position(i).sample_id: "Another answer." if i == 1 else "An answer." for i in range(3)}, (
        "of rows with one key the last one counts"
    )


@pytest.mark.parametrize(
    ("table", "columns", "kept"),
    [
        ("samples", [sample_columns([sampled(i)]) for i in range(2)], 1),
        ("offset_ledger_in", [to_columns([cell("sampled", [i])]) for i in range(2)], 1),
        ("dead_letters", [to_columns([dead_letter(i)]) for i in range(2)], 1),
        ("attempts", [to_columns([attempt(1, i)]) for i in range(2)], 1),
        ("events", [to_columns([event(i)]) for i in range(2)], 1),
        ("scorers", [to_columns(scorer_rows([one])) for one in (SCORER, OTHER_SCORER)], 2),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_token_without_the_content_would_lose_rows_wherever_tokens_are_heeded(
    case: Case, monkeypatch: pytest.MonkeyPatch, table: str, columns: list[Any], kept: int
) -> None:
    class Contentless:
        @staticmethod
        def sha256(_body: bytes) -> Any:
            return hashlib.sha256(b"always the same")

    monkeypatch.setattr(client_module, "hashlib", Contentless)
    for one in columns:
        case.store.insert(table, one)
    if table == "offset_ledger_in":
        assert sum(map(len, ledger(case.store).values())) == kept
    else:
        assert case.stored(table) == kept


def test_of_two_verdicts_the_first_one_stays_in_whatever_order_they_come(case: Case) -> None:
    for offset, order in ((1, (0, 1)), (2, (1, 0))):
        for place in order:
            score(case.store, offset, (YES, NO)[place], at=WINDOW + place)
        (row,) = case.store.query("verdicts", window=WINDOW, sample_id=position(offset).sample_id)
        assert row["label"] == "yes"
    assert case.stored("scores") == 4
    missing = Unscored(status=Status.EXPIRED, reason="late")
    score(case.store, 3, missing, at=WINDOW)
    (row,) = case.store.query("verdicts", window=WINDOW, sample_id=position(3).sample_id)
    assert (row["status"], row["value"]) == ("expired", None)


def test_a_voided_attempt_stays_void_and_the_others_are_summed_up(case: Case) -> None:
    case.store.insert("attempts", to_columns([attempt(1, 1, void=1), attempt(1, 2, span=3, until=7), attempt(1, 3)]))
    case.store.insert("attempts", to_columns([attempt(1, 1), attempt(2, 4)]))
    case.store.insert("attempts", to_columns([attempt(2, 4, void=1)]))
    rows = case.store.query("attempts", stage="ingest", subjects=[UUID(int=1), UUID(int=2)])
    assert rows == [{"subject": UUID(int=1), "n": 2, "span": 3, "until": 9}]
    assert case.store.query("attempts", stage="score", subjects=[UUID(int=1)]) == []


def test_a_dead_letter_that_was_retried_replaces_the_open_one_even_from_another_month(case: Case) -> None:
    case.store.insert("dead_letters", to_columns([dead_letter(i) for i in range(3)]))
    case.store.insert("dead_letters", to_columns([dead_letter(1, status="retried", window=0)]))
    found = case.store.query("dead_letters", reason="", status="", limit=9)
    assert sorted((row["offset"], row["status"]) for row in found) == [(0, "open"), (1, "retried"), (2, "open")]
    assert len(case.store.query("dead_letters", reason="", status="", limit=2)) == 2
    assert case.store.query("dead_letters", reason="other", status="", limit=9) == []


def test_due_work_comes_by_window_and_then_by_hash_over_probability(case: Case) -> None:
    later = WINDOW + HOUR
    insert_samples(
        case.store,
        sampled(9, probability=0.9),
        sampled(4, probability=0.1),
        sampled(6, probability=1.0),
        sampled(200, window=later, probability=0.001),
    )
    order = [(later, 200), (WINDOW, 6), (WINDOW, 9), (WINDOW, 4)]
    expected = [(window, position(offset).sample_id) for window, offset in order]
    assert due(case.store) == expected
    assert due(case.store, limit=2) == expected[:2]
    score(case.store, 6, YES, at=WINDOW)
    assert due(case.store) == expected, "one of two scorers is done"
    score(case.store, 6, NO, at=WINDOW, scorer=OTHER_SCORER)
    score(case.store, 9, YES, at=WINDOW, scorer=replace(SCORER, name="a third one"))
    assert due(case.store) == [one for one in expected if one[1] != position(6).sample_id]
    assert case.store.query("due_depth", recent_s=HOUR, scorers=[SCORER.id, OTHER_SCORER.id]) == [{"due": 6}]
    terminal = case.store.query(
        "terminal", window=WINDOW, ids=PARAMETERS["ids"] + [position(6).sample_id], scorers=[SCORER.id]
    )
    assert terminal == [{"sample_id": position(6).sample_id, "scorer_id": SCORER.id}]


def test_what_was_just_ingested_is_young_whatever_its_window(case: Case) -> None:
    insert_samples(case.store, sampled(1, window=0))
    assert due(case.store, settled_ms=600_000) == []
    assert due(case.store, oldest_s=600) == [(0, position(1).sample_id)]
    insert_samples(case.store, sampled(2))
    assert case.store.query("due_depth", recent_s=600, scorers=["x"]) == [{"due": 2}]
    assert case.store.query("due_depth", recent_s=600, scorers=[]) == [{"due": 0}]


def test_the_ledger_is_a_union_by_incarnation_partition_window_stratum_and_outcome(case: Case) -> None:
    store = case.store
    store.insert("offset_ledger_in", to_columns([cell("sampled", [1, 2]), cell("dead", [9], stratum="")]))
    store.insert("offset_ledger_in", to_columns([cell("sampled", [2, 3]), cell("sampled", [3, 3])]))
    store.insert("offset_ledger_in", to_columns([cell("sampled", [2], topic_id=OTHER_ID, partition=1)]))
    store.insert("offset_ledger_in", to_columns([cell("lost", [2**40], window=WINDOW + HOUR)]))
    store.insert("offset_ledger_in", to_columns([cell("sampled", [7], topic="other")]))
    assert ledger(store) == {
        (TOPIC_ID, 0, WINDOW, "all", "sampled"): [1, 2, 3],
        (TOPIC_ID, 0, WINDOW, "", "dead"): [9],
        (OTHER_ID, 1, WINDOW, "all", "sampled"): [2],
        (TOPIC_ID, 0, WINDOW + HOUR, "all", "lost"): [2**40],
    }
    edges = {(r["topic_id"], r["partition"]): r["next_offset"] for r in store.query("ledger_edges", topic="t")}
    assert edges == {(TOPIC_ID, 0): 2**40 + 1, (OTHER_ID, 1): 3}
    counts = {(r["stratum"], r["outcome"]): r["n"] for r in store.query("ledger", since=WINDOW, until=WINDOW + HOUR)}
    assert counts == {("all", "sampled"): 5, ("", "dead"): 1}
    where = {"topic": "t", "topic_id": TOPIC_ID, "partition": 0}
    assert [list(store.query("recorded_between", first=n, last=n, **where)[0]["offsets"]) for n in (0, 1, 9)] == [
        [],
        [1],
        [9],
    ]


def test_policies_come_in_the_order_in_which_they_were_made(case: Case) -> None:
    made = [(5 * HOUR, "b", 2), (0, "a", 1), (5 * HOUR, "b", 3), (9 * HOUR, "c", 2)]
    for start, name, at in made:
        row = PolicyRow(effective_from=start, policy_id=name, body=f"{name} {at}", created_at=at)
        case.store.insert("policies", to_columns([row]))
    assert case.store.query("policies") == [{"body": "a 1"}, {"body": "c 2"}, {"body": "b 3"}]
    insert_samples(case.store, sampled(7))
    case.store.insert("offset_ledger_in", to_columns([cell("dead", [1], window=WINDOW + HOUR)]))
    newest = [{"window": WINDOW + HOUR, "stamp": WINDOW + 0.007}]
    assert case.store.query("newest_window", since=WINDOW, until=WINDOW + 2 * HOUR) == newest
    assert case.store.query("newest_window", since=0, until=WINDOW) == [{"window": 0, "stamp": 0.0}]


def test_events_come_newest_first_and_one_written_twice_is_one(case: Case) -> None:
    rows = [event(2**64 + 1), event(2), event(3, at=WINDOW * 1000 + 1, kind="expired")]
    case.store.insert("events", to_columns(rows))
    case.store.insert("events", to_columns([rows[1]]))
    found = case.store.query("events", since=0, kind="", limit=9)
    assert [row["kind"] for row in found] == ["expired", "drained", "drained"]
    assert found[1]["last_offset"] == 2**63
    assert [row["kind"] for row in case.store.query("events", since=0, kind="expired", limit=9)] == ["expired"]
    assert case.store.query("events", since=2**32 - 1, kind="", limit=9) == []


def test_deaths_of_scoring_count_until_a_terminal_row_comes_after_them(case: Case) -> None:
    def deaths() -> list[dict[str, Any]]:
        return case.store.query("scoring_deaths", window=WINDOW, ids=PARAMETERS["ids"])

    subject = position(1).sample_id
    rows = [
        replace(attempt(0, n), stage="score", subject=subject, span=span, void=void)
        for n, span, void in ((1, 4, 0), (2, 1, 0), (3, 1, 1))
    ]
    case.store.insert("attempts", to_columns(rows))
    assert deaths() == [{"subject": subject, "n": 2, "span": 1}]
    score(case.store, 1, YES, at=WINDOW)
    assert deaths() == []


def test_an_insert_of_more_than_a_hundred_months_is_refused_whole(case: Case) -> None:
    def cells(count: int) -> list[list[Any]]:
        return to_columns([cell("sampled_out", [n], window=n * MONTH) for n in range(count)])

    with pytest.raises(StoreRejected) as refused:
        case.store.insert("offset_ledger_in", cells(101))
    assert refused.value.code == 252
    assert ledger(case.store) == {}
    case.store.insert("offset_ledger_in", cells(100))
    assert len(ledger(case.store)) == 100
    with pytest.raises(StoreRejected) as refused:
        insert_samples(case.store, *(sampled(n, window=n * MONTH) for n in range(101)))
    assert refused.value.code == 252
    assert case.stored("samples") == 0


@pytest.mark.parametrize(
    "unfit",
    [
        {"stratum": "\ud800"},
        {"window": -1},
        {"window": 2**33},
        {"hash64": 2**64},
        {"stratum": None},
        {"probability": "x"},
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_its_column_refuses_the_insert(case: Case, unfit: dict[str, Any]) -> None:
    with pytest.raises(StoreRejected):
        insert_samples(case.store, sampled(1), replace(sampled(2), **unfit))
    assert case.stored("samples") == 0


def test_a_call_that_is_our_own_mistake_blames_no_row(case: Case) -> None:
    with pytest.raises(StoreUnavailable):
        case.store.insert("samples", [[1]])
    with pytest.raises(KeyError):
        case.store.query("no_such_query")
    case.store.insert("samples", [])
    assert case.stored("samples") == 0


SMALL = st.integers(0, 3)
INSERTS = st.one_of(
    st.builds(
        lambda offsets, text, hours: (
            "samples",
            sample_columns([sampled(n, text=text, window=WINDOW + hours * HOUR) for n in offsets]),
        ),
        st.lists(SMALL, min_size=1, max_size=3),
        st.sampled_from(["a", 'b"\\', "ğ\u2028"]),
        st.integers(0, 1),
    ),
    st.builds(
        lambda offsets, outcome, stratum, partition: (
            "offset_ledger_in",
            to_columns([cell(outcome, offsets, stratum=stratum, partition=partition)]),
        ),
        st.lists(SMALL, min_size=1, max_size=3),
        st.sampled_from(["sampled", "sampled_out", "lost"]),
        st.sampled_from(["", "all"]),
        st.integers(0, 1),
    ),
    st.builds(
        lambda offset, at, result, scorer: (
            "scores",
            to_columns(
                [
                    score_row(
                        window=WINDOW,
                        sample_id=position(offset).sample_id,
                        identity=scorer,
                        result=result,
                        now=utc(WINDOW + at),
                    )
                ]
            ),
        ),
        SMALL,
        SMALL,
        st.sampled_from([YES, NO]),
        st.sampled_from([SCORER, OTHER_SCORER]),
    ),
    st.builds(
        lambda offset, status: ("dead_letters", to_columns([dead_letter(offset, status=status)])),
        SMALL,
        st.sampled_from(["open", "retried"]),
    ),
    st.builds(
        lambda subject, number, span, void: (
            "attempts",
            to_columns([attempt(subject, number, span=span, until=span, void=void)]),
        ),
        SMALL,
        SMALL,
        SMALL,
        st.integers(0, 1),
    ),
    st.builds(lambda number, at: ("events", to_columns([event(number, at=WINDOW * 1000 + at)])), SMALL, SMALL),
)
STAMPED = {"updated_at", "stored_at", "ingested_at"}


def answers(store: Store) -> dict[str, list[Any]]:
    """Ask everything; what no ORDER BY fixes is sorted, and a server's own time is left out."""
    found = {}
    for name in sorted(known() - OWN_TIME):
        rows = [
            {
                column: sorted(value) if column == "offsets" else value
                for column, value in row.items()
                if column not in STAMPED
            }
            for row in store.query(name, **PARAMETERS)
        ]
        found[name] = sorted(rows, key=repr)
    return found


@pytest.mark.parametrize("name", SERVERS)
@settings(max_examples=15, deadline=None)
@given(inserts=st.lists(INSERTS, max_size=12))
def test_after_any_inserts_both_give_the_same_answers_to_everything(
    opened: Callable[[str], Case], name: str, inserts: list[Any]
) -> None:
    real = opened(name)
    real.empty()
    fake = Case(store=FakeStore())
    for table, columns in inserts:
        real.store.insert(table, columns)
        fake.store.insert(table, columns)
    expected = answers(real.store)
    assert answers(fake.store) == expected
    assert isinstance(fake.store, FakeStore)
    fake.store.database.merge()
    assert answers(fake.store) == expected, "merging parts changes no answer"


def test_while_the_fake_is_away_every_call_is_unavailable_and_nothing_happens() -> None:
    database = FakeDatabase()
    store = FakeStore(database)
    database.away()
    for call in (lambda: insert_samples(store, sampled(1)), lambda: store.query("policies"), lambda: store.run("")):
        with pytest.raises(StoreUnavailable):
            call()
    database.heal()
    assert FakeStore(database).query("sample_digests", topic="t") == []


def test_when_the_fake_loses_a_reply_the_rows_are_there_and_sending_them_again_changes_nothing() -> None:
    database = FakeDatabase()
    store = FakeStore(database)
    database.lose_reply("samples")
    with pytest.raises(StoreUnavailable):
        insert_samples(store, sampled(1))
    assert len(database.tables["samples"].rows) == 1
    insert_samples(store, sampled(1))
    assert len(database.tables["samples"].rows) == 1


def test_the_fake_refuses_the_rows_that_it_is_told_to_refuse() -> None:
    database = FakeDatabase()
    store = FakeStore(database)
    database.refuse("samples", lambda row: row["offset"] == 2)
    insert_samples(store, sampled(1))
    with pytest.raises(StoreRejected) as refused:
        insert_samples(store, sampled(2), sampled(3))
    assert refused.value.code == 117
    database.heal()
    insert_samples(store, sampled(2))
    assert {row["offset"] for row in database.tables["samples"].rows} == {1, 2}


def test_a_hook_of_the_fake_can_stop_an_insert_before_and_after_it_has_an_effect() -> None:
    class Crash(BaseException):
        pass

    for when, stored in (("before", 0), ("after", 1)):
        seen: list[tuple[str, str]] = []

        def hook(at: str, table: str, *, when: str = when, seen: list[tuple[str, str]] = seen) -> None:
            seen.append((at, table))
            if at == when:
                raise Crash

        database = FakeDatabase()
        with pytest.raises(Crash):
            insert_samples(FakeStore(database, hook=hook), sampled(1))
        assert len(database.tables["samples"].rows) == stored
        assert seen[-1] == (when, "samples")
