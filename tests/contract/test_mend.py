"""Gaps are found and mended on the real engine, with a log that loses records, has holes, ends early and falls silent.

The embedded broker does none of that; what is true with it is in `tests/integration/test_gaps.py`.
"""

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from monitor.clock import FixedClock
from monitor.config import ClickHouseSettings, IngestSettings, KafkaSettings, Settings
from monitor.errors import BrokerUnavailable, InputError
from monitor.intake import holes
from monitor.intake.batch import Batch, Record, Sifter
from monitor.intake.broker_log import Fetched, PartitionState
from monitor.intake.sampling import Policy, PolicyHistory, Stratum
from monitor.store import gaps, ledger, mend
from monitor.store.client import Store
from monitor.store.events import Journal
from monitor.store.gaps import Gap, PartitionGaps, find_gaps, look
from monitor.store.ledger import OffsetRange
from monitor.store.mend import Mended
from monitor.store.migrate import migrate
from monitor.store.record import record
from monitor.store.rows import policy_row, to_columns
from tests.contract.conftest import Server
from tests.support.live import KEY, clean_environment, settings_from

HOUR = 3600
START = 1_795_420_800
NOW = datetime.fromtimestamp(START + 10 * HOUR + 5, UTC)
TOPIC_ID = UUID(int=9)
OLD = Policy(effective_from=datetime.fromtimestamp(0, UTC), strata=(Stratum(name="all", probability=0.5),))
NEW = Policy(effective_from=datetime.fromtimestamp(START + HOUR, UTC), strata=(Stratum(name="some", probability=0.1),))


@dataclass(frozen=True, kw_only=True)
class Message:
    """A record as the log holds it."""

    offset: int
    timestamp: int
    value: bytes | None
    key: bytes | None = b"k"
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass
class FakeLog:
    """One partition in memory."""

    messages: list[Message]
    start: int = 0
    end: int = 0
    committed: int | None = None
    topic: UUID | None = TOPIC_ID
    at_most: int = 7
    silent_at: int | None = None
    """From this offset on it gives nothing."""
    dies_at: int | None = None
    asked: list[int] = field(default_factory=list)

    def topic_id(self) -> UUID | None:
        return self.topic

    def partitions(self) -> list[PartitionState]:
        return [PartitionState(partition=0, log_start=self.start, committed=self.committed)]

    def log_start(self, partition: int) -> int:
        assert partition == 0
        return self.start

    def fetch(self, partition: int, offset: int) -> Fetched:
        assert partition == 0
        self.asked.append(offset)
        if self.dies_at is not None and offset >= self.dies_at:
            raise BrokerUnavailable("gone")
        if offset > self.end or (self.silent_at is not None and offset >= self.silent_at):
            return Fetched(records=[], next_offset=offset)
        silent_at = self.end if self.silent_at is None else self.silent_at
        there = [m for m in self.messages if max(offset, self.start) <= m.offset < silent_at]
        found: list[Record] = list(there[: self.at_most])
        following = there[self.at_most].offset if len(there) > self.at_most else self.end
        return Fetched(records=found, next_offset=max(offset, found[-1].offset + 1 if found else following))


def message(offset: int, *, at: int | None = None) -> Message:
    value = json.dumps(
        {
            "conversation_id": f"c-{offset // 2}",
            "messages": [{"role": "user", "content": "Neden?"}, {"role": "assistant", "content": f"Çünkü {offset}."}],
        }
    ).encode()
    if offset % 11 == 3:
        value = b"not JSON"
    return Message(offset=offset, timestamp=(START + 60 * offset if at is None else at) * 1000, value=value)


def log_of(count: int, *, without: Sequence[int] = (), **more: Any) -> FakeLog:
    kept = [message(offset) for offset in range(count) if offset not in without]
    return FakeLog(messages=kept, end=count, **{"committed": count, **more})


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[Settings]:
    """Make tables once; each test has a topic of its own in them."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    clickhouse = ClickHouseSettings(
        host=server.host, port=server.port, username=server.user, password=SecretStr(server.password), database=name
    )
    migrate(clickhouse)
    basis = settings_from(clean_environment(SAMPLING__KEY=KEY, PRIVACY__PSEUDONYM_KEY=KEY))
    yield basis.model_copy(update={"clickhouse": clickhouse, "ingest": IngestSettings(max_records=20)})
    with server.connect() as client:
        client.command(f"DROP DATABASE {name} SYNC")


@dataclass(frozen=True)
class Bench:
    """A topic's tables, and what is done to them."""

    store: Store
    config: Settings

    @property
    def topic(self) -> str:
        return self.config.kafka.topic

    def sift(self, messages: Sequence[Message], topic_id: UUID = TOPIC_ID) -> Batch:
        sifter = Sifter(
            sampling_key=self.config.sampling.key.get_secret_value().encode(),
            pseudonym_key=self.config.privacy.pseudonym_key.get_secret_value().encode(),
            policies=PolicyHistory([OLD, NEW]),
            max_message_bytes=self.config.kafka.max_message_bytes,
        )
        return sifter.sift([(self.topic, topic_id, 0, messages)])

    def ingest(self, messages: Sequence[Message], topic_id: UUID = TOPIC_ID) -> None:
        """Record these as the worker would."""
        record(self.store, self.sift(messages, topic_id))

    def mended(self, log: FakeLog, config: Settings | None = None) -> tuple[list[Mended], list[PartitionGaps]]:
        clock = FixedClock(NOW)
        done = mend.mend(self.store, log, config or self.config, clock=clock, journal=Journal("test", clock))
        return done.partitions, done.left

    def told(self, log: FakeLog | None) -> list[PartitionGaps]:
        return find_gaps(self.store, self.topic, look(log) if log else None)

    def found(self, log: FakeLog) -> tuple[Gap, ...]:
        """Give the gaps of the current incarnation."""
        return tuple(gap for one in self.told(log) if one.current for gap in one.gaps)

    def cells(self) -> dict[int, list[tuple[str, str, int]]]:
        """Give the outcomes of each offset: outcome, stratum, window as hours after the start."""
        by_offset: dict[int, list[tuple[str, str, int]]] = {}
        for row in self.store.query("ledger_offsets", topic=self.topic):
            for offset in row["offsets"]:
                cell = (row["outcome"], row["stratum"], (row["window"] - START) // HOUR)
                by_offset.setdefault(offset, []).append(cell)
        return by_offset

    def everything(self) -> tuple[Any, ...]:
        """Give all that must not depend on how it was recorded."""
        samples = self.store.query("sample_digests", topic=self.topic)
        dead = self.store.query("dead_letters", reason="", status="", limit=10_000)
        return (
            self.cells(),
            sorted((one["sample_id"], one["hash"], one["probability"]) for one in samples),
            sorted((one["offset"], one["reason"]) for one in dead if one["topic"] == self.topic),
        )

    def events(self) -> set[tuple[str, str, int]]:
        rows = self.store.query("events", since=0, kind="", limit=10_000)
        return {(one["kind"], one["severity"], one["n"]) for one in rows if one["topic"] == self.topic}


@pytest.fixture
def bench(database: Settings, request: pytest.FixtureRequest) -> Iterator[Bench]:
    topic = f"{request.node.originalname}-{uuid.uuid4().hex[:6]}"
    config = database.model_copy(update={"kafka": KafkaSettings(topic=topic)})
    with Store.connect(config.clickhouse) as store:
        for policy in (OLD, NEW):
            store.insert("policies", to_columns([policy_row(policy, NOW)]))
        yield Bench(store, config)


def gap(first: int, last: int, where: gaps.Where, *, readable: bool = True) -> Gap:
    return Gap(range=OffsetRange(first, last), where=where, readable=readable)


def test_each_kind_of_gap_is_found_and_mended_as_if_it_had_never_been(bench: Bench) -> None:
    """Before the first recorded offset, in between, and after the last one; across a change of policy."""
    log = log_of(130)
    part = log.messages
    bench.ingest([*part[10:40], *part[44:45], *part[80:120]])
    assert bench.found(log) == (
        gap(0, 9, "before"),
        gap(40, 43, "within"),
        gap(45, 79, "within"),
        gap(120, 129, "after"),
    )
    done, left = bench.mended(log)
    assert (done, left) == ([Mended(partition=0, recorded=10 + 4 + 35 + 10)], [])
    assert bench.found(log) == ()
    assert all(len(outcomes) == 1 for outcomes in bench.cells().values())
    repaired = bench.everything()
    assert {outcome for (outcome,) in repaired[0].values()} == {(o, s, w) for o, s, w in expected(bench, part)}

    assert bench.mended(log) == ([], []), "nothing is left to do"
    assert bench.everything() == repaired


def expected(bench: Bench, messages: Sequence[Message]) -> set[tuple[str, str, int]]:
    batch = bench.sift(messages)
    return {(one.outcome, one.stratum, (one.window - START) // HOUR) for one in batch.cells}


def test_a_mended_gap_equals_an_uninterrupted_run_and_a_second_run_changes_nothing(bench: Bench) -> None:
    log = log_of(150)
    bench.ingest([m for m in log.messages if not 30 <= m.offset < 100])
    bench.mended(log)
    repaired = bench.everything()
    # Written over by a run that saw everything: a set union shows every difference.
    bench.ingest(log.messages)
    assert bench.everything() == repaired


def test_what_is_not_committed_is_left_to_ingest(bench: Bench) -> None:
    log = log_of(100, committed=50)
    bench.ingest([m for m in log.messages if m.offset not in {20, 49, 50, 51, 70}])
    assert bench.found(log) == (gap(20, 20, "within"), gap(49, 49, "within"))
    bench.mended(log)
    assert sorted(set(range(100)) - bench.cells().keys()) == [50, 51, 70]


@pytest.mark.parametrize("committed", [None, 0])
def test_a_group_that_has_committed_nothing_has_no_gaps(bench: Bench, committed: int | None) -> None:
    log = log_of(50, committed=committed)
    bench.ingest(log.messages[30:])
    assert bench.found(log) == ()
    assert bench.mended(log) == ([], [])


def test_a_committed_offset_of_an_earlier_topic_of_the_name_is_no_gap(bench: Bench) -> None:
    """Ingest starts over from the log's start; the former incarnation's gaps stay on record, out of reach."""
    log = log_of(50)
    bench.ingest([log.messages[0], *log.messages[5:40]], topic_id=UUID(int=8))
    assert bench.found(log) == ()
    (former,) = bench.told(log)
    assert (former.current, former.missing) == (False, 4)
    assert former.gaps == (gap(1, 4, "within", readable=False),)
    assert find_gaps(bench.store, bench.topic, look(log), former=False) == []
    assert bench.mended(log) == ([], [])


def test_a_partition_that_is_committed_and_has_no_ledger_at_all_is_one_gap(bench: Bench) -> None:
    log = log_of(40, start=10)
    assert bench.found(log) == (gap(10, 39, "after"),), "what was before the log's start was never ours to read"
    assert bench.mended(log) == ([Mended(partition=0, recorded=30)], [])


def test_without_kafka_the_ledger_alone_is_told(bench: Bench) -> None:
    log = log_of(50)
    bench.ingest([*log.messages[:10], *log.messages[20:40]])
    (alone,) = bench.told(None)
    assert (alone.current, alone.missing) == (None, 10)
    assert alone.gaps == (Gap(range=OffsetRange(10, 19), where="within", readable=None),)


def test_what_kafka_has_dropped_is_recorded_as_lost_in_the_window_of_the_next_record(bench: Bench) -> None:
    log = log_of(200)
    bench.ingest([*log.messages[:10], *log.messages[190:]])
    log.start = 130
    assert bench.found(log) == (gap(10, 129, "within", readable=False), gap(130, 189, "within"))
    done, left = bench.mended(log)
    assert (done, left) == ([Mended(partition=0, recorded=60, lost=120)], [])
    outcomes = bench.cells()
    assert {tuple(outcomes[offset]) for offset in range(10, 130)} == {(("lost", "", 2),)}
    assert bench.events() == {("gap_mended", "info", 180), ("retention_loss", "critical", 120)}


def test_retention_that_comes_by_between_the_look_and_the_read_is_a_loss_too(bench: Bench) -> None:
    log = log_of(60)
    bench.ingest([*log.messages[:10], *log.messages[50:]])
    fetch = log.fetch

    def late_fetch(partition: int, offset: int) -> Fetched:
        log.start = 25
        return fetch(partition, offset)

    log.fetch = late_fetch  # type: ignore[method-assign]
    done, _ = bench.mended(log)
    assert done == [Mended(partition=0, recorded=25, lost=15)]


def test_offsets_that_never_held_a_record_become_absent(bench: Bench) -> None:
    """Marks of transactions, compacted records: in the middle, side by side, and last of all."""
    log = log_of(120, without=(20, 21, 22, 40, 63, 118, 119))
    bench.ingest([*log.messages[:10], log.messages[70]])
    done, left = bench.mended(log)
    assert (done, left) == ([Mended(partition=0, recorded=120 - 11 - 7, absent=7)], [])
    outcomes = bench.cells()
    assert outcomes[20] == outcomes[22] == outcomes[40] == [("absent", "", 0)]
    assert outcomes[63] == [("absent", "", 1)], "the window is the next record's"
    assert outcomes[119] == [("absent", "", 10)], "no record comes after it: the window is the one of now"


def test_a_record_with_an_absurd_stamp_gives_a_hole_no_window_of_its_own(bench: Bench) -> None:
    log = log_of(30, without=(14,))
    log.messages = [replace(m, timestamp=4_200_000_000_000) if m.offset == 15 else m for m in log.messages]
    bench.ingest([*log.messages[:10], *log.messages[20:]])
    bench.mended(log)
    assert [outcome for outcome, _, _ in bench.cells()[14]] == ["absent"]
    (window,) = {
        row["window"] for row in bench.store.query("ledger_offsets", topic=bench.topic) if row["outcome"] == "absent"
    }
    assert window == 0


def test_what_kafka_does_not_give_stays_a_gap(bench: Bench) -> None:
    """A commit beyond the log's end, and a broker that falls silent: neither is a proof that there was no record."""
    log = log_of(50, committed=80)
    bench.ingest(log.messages[:30])
    log.silent_at = 40
    done, left = bench.mended(log)
    assert done == [Mended(partition=0, recorded=10)]
    assert [one.gaps for one in left] == [(gap(40, 79, "after"),)]
    log.silent_at = None
    done, left = bench.mended(log)
    assert done == [Mended(partition=0, recorded=10)]
    assert [one.gaps for one in left] == [(gap(50, 79, "after"),)]


def test_a_broker_that_dies_leaves_what_was_mended(bench: Bench) -> None:
    log = log_of(100, dies_at=60)
    bench.ingest(log.messages[:10])
    with pytest.raises(BrokerUnavailable):
        bench.mended(log)
    assert len(bench.cells()) > 10
    assert bench.events() == {("gap_mended", "info", len(bench.cells()) - 10)}
    log.dies_at = None
    bench.mended(log)
    assert sorted(bench.cells()) == list(range(100))


def test_more_ranges_than_are_told_at_once_are_mended_in_passes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST_RANGES", 3)
    monkeypatch.setattr(holes, "CELL_OFFSETS", 5)
    log = log_of(60, start=0)
    bench.ingest(log.messages[::6])
    log.messages = log.messages[:10] + log.messages[40:]
    (told,) = bench.told(log)
    # 45 between the recorded offsets, 5 after them.
    assert (told.missing, len(told.gaps)) == (50, 4)
    done, left = bench.mended(log)
    assert (sum(one.closed for one in done), left) == (50, [])
    assert sorted(bench.cells()) == list(range(60))


def test_far_gaps_are_jumped_to_and_near_ones_read_through(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mend, "JUMP", 20)
    log = log_of(200)
    bench.ingest([m for m in log.messages if m.offset not in {5, 15, 190}])
    bench.mended(log)
    assert log.asked == [5, 12, 190]


def test_another_sampling_key_is_refused_before_anything_is_written(bench: Bench) -> None:
    log = log_of(60)
    bench.ingest(log.messages[:30])
    other = bench.config.sampling.model_copy(update={"key": SecretStr("another-key-0123456789")})
    with pytest.raises(InputError, match="SAMPLING__KEY"):
        bench.mended(log, bench.config.model_copy(update={"sampling": other}))
    assert len(bench.cells()) == 30


def test_policies_are_never_made_up_and_a_topic_must_be_there(bench: Bench, server: Server) -> None:
    with pytest.raises(InputError, match=f"no topic {bench.topic!r}"):
        bench.mended(log_of(10, topic=None))
    empty = bench.config.clickhouse.model_copy(update={"database": f"test_{uuid.uuid4().hex[:12]}"})
    migrate(empty)
    with Store.connect(empty) as bare:
        with pytest.raises(InputError, match="start the ingest worker"):
            Bench(bare, bench.config).mended(log_of(10))
        assert bare.query("policies") == []
    with server.connect() as client:
        client.command(f"DROP DATABASE {empty.database} SYNC")
