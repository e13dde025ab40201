"""kafka-python's `KafkaConsumer` on a fake log: the part that ingest uses, with its habits.

A group member whose partitions stay its own through a rebalance keeps their positions, and records that were fetched
ahead are given out even if retention has dropped them or the topic was made anew meanwhile.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, overload
from uuid import UUID

from kafka import ConsumerRebalanceListener, OffsetAndMetadata, TopicPartition
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from monitor.intake.fake.log import FakeLog, FakeRecord

Offsets = Mapping[TopicPartition, OffsetAndMetadata]
CommitHook = Callable[[Literal["before", "after"], Offsets], None]
"""Called before a commit has an effect, and after; what it raises, the caller of `commit` gets."""


@dataclass(kw_only=True)
class _State:
    position: int | None = None
    from_start: bool = False
    """The position is to be the log's start, whatever is committed."""
    paused: bool = False
    fetched: list[FakeRecord] = field(default_factory=list)
    fetched_from: int = 0
    """The position that `fetched` was fetched at: it is given out only if the position is that again."""


class _Metadata:
    """What the consumer has heard of topics: the broker may know better."""

    def __init__(self, log: FakeLog) -> None:
        self._log = log
        self._ids: dict[str, UUID] = {}

    def topic_id(self, topic: str) -> UUID | None:
        return self._ids.get(topic)

    def refresh(self, topics: Iterable[str]) -> None:
        found = {topic: self._log.topic_id(topic) for topic in topics}
        self._ids = {topic: topic_id for topic, topic_id in found.items() if topic_id is not None}

    def is_stale(self, topic: str) -> bool:
        return self._ids.get(topic) != self._log.topic_id(topic)


class FakeConsumer:
    """A group member that resets to the earliest offset and never commits by itself."""

    def __init__(
        self, log: FakeLog, *, group_id: str, fetch_records: int = 500, commit_hook: CommitHook | None = None
    ) -> None:
        """Take the broker; `fetch_records` is how many records a partition are fetched at once, ahead of `poll`."""
        self._log, self._group = log, log.group(group_id)
        self._fetch_records = fetch_records
        self._commit_hook = commit_hook or _nothing
        self._topics: tuple[str, ...] = ()
        self._listener: ConsumerRebalanceListener | None = None
        self._cluster = _Metadata(log)
        self._member: str | None = None
        self._generation = -1
        self._joining = False
        self._states: dict[TopicPartition, _State] = {}
        self._closed = False
        self.deaf_polls = 0
        """So many next polls hear nothing of the group, as between two heartbeats."""

    def subscribe(self, topics: Sequence[str], *, listener: ConsumerRebalanceListener | None = None) -> None:
        """Say what to read; the group is joined by the next poll."""
        self._topics = tuple(topics)
        self._listener = listener
        self._cluster.refresh(self._topics)

    def poll(self, timeout_ms: int = 0, max_records: int | None = None) -> dict[TopicPartition, list[FakeRecord]]:
        """Give the next records; takes part in rebalances, whose listener is called in here."""
        if timeout_ms < 0:
            raise ValueError("Timeout must not be negative")
        if max_records is not None and max_records <= 0:
            raise ValueError("max_records must be positive")
        if self._closed:
            raise IllegalStateError("KafkaConsumer is closed")
        found = self._take(max_records) if self._coordinate() else {}
        if not found and timeout_ms:
            self._log.idle(timeout_ms / 1000)
        return found

    def assignment(self) -> set[TopicPartition]:
        """Give the partitions that this consumer believes are its own."""
        return set(self._states)

    def pause(self, *partitions: TopicPartition) -> None:
        """Give no records of these until they are resumed."""
        for tp in partitions:
            self._states[tp].paused = True

    def resume(self, *partitions: TopicPartition) -> None:
        """Give records of these again."""
        for tp in partitions:
            self._states[tp].paused = False

    def paused(self) -> set[TopicPartition]:
        """Give the paused partitions."""
        return {tp for tp, state in self._states.items() if state.paused}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on from another offset."""
        if offset < 0:
            raise ValueError("Offset must be int >= 0")
        state = self._assigned_state(partition)
        state.position, state.from_start = offset, False

    def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        """Go on from the first offset that is held; no partition given means all, of which there must be one."""
        if not partitions and not self._states:
            raise ValueError("No partitions are currently assigned")
        for state in [self._assigned_state(tp) for tp in partitions or self._states]:
            state.position, state.from_start = None, True

    def position(self, partition: TopicPartition) -> int | None:
        """Give the offset of the record that comes next."""
        if partition not in self._states:
            raise IllegalStateError("Partition is not assigned")
        return self._positioned(partition)

    def commit(self, offsets: Offsets) -> None:
        """Commit for the group.

        Raises:
            CommitFailedError: this consumer is no member any more.
            RebalanceInProgressError: it has given up its partitions and waits for new ones.
        """
        self._commit_hook("before", offsets)
        if self._member is None:
            raise CommitFailedError
        if self._joining:
            raise RebalanceInProgressError
        try:
            self._group.commit(self._member, self._generation, offsets)
        except (UnknownMemberIdError, IllegalGenerationError) as error:
            self._member = None
            raise CommitFailedError(error) from error
        self._commit_hook("after", offsets)

    @overload
    def committed(self, partition: TopicPartition, metadata: Literal[False] = False) -> int | None: ...
    @overload
    def committed(self, partition: TopicPartition, metadata: Literal[True]) -> OffsetAndMetadata | None: ...
    def committed(self, partition: TopicPartition, metadata: bool = False) -> OffsetAndMetadata | int | None:
        """Give the group's committed offset, with its metadata if asked; None = none."""
        found = self._group.offsets.get(partition)
        return found.offset if found and not metadata else found

    def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Give the first offsets that are still held."""
        return {tp: self._log.bounds(tp)[0] for tp in partitions}

    def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Give the offsets that come next."""
        return {tp: self._log.bounds(tp)[1] for tp in partitions}

    def partitions_for_topic(self, topic: str) -> set[int]:
        """Give the numbers of a topic's partitions; asks the broker about all topics when it does not know this one."""
        if self._cluster.topic_id(topic) is None:
            self._cluster.refresh(self._topics)
        return set(self._log.partitions(topic))

    def close(self) -> None:
        """Leave the group; does nothing the second time."""
        if self._closed:
            return
        self._closed = True
        if self._states:
            self._tell_gone(lost=self._member is None)
        self._states = {}
        self._group.leave(self._member)

    def expel(self) -> None:
        """Strike this member off, as the broker does with one that is silent: it hears of it later, or never."""
        self._group.leave(self._member)

    def _coordinate(self) -> bool:
        """Talk to the group; says whether records may be given out."""
        if self.deaf_polls and not self._joining and self._member is not None:
            self.deaf_polls -= 1
            return True
        if self._member is not None and not self._group.knows(self._member):
            self._member = None
        if self._member is None or self._group.awaits(self._member):
            self._rejoin()
        if self._group.rebalancing:
            return False
        if self._joining:
            self._assign()
        return True

    def _rejoin(self) -> None:
        lost = self._member is None and bool(self._states)
        self._tell_gone(lost=lost)
        if lost:
            self._states = {}
        self._joining = True
        self._member = self._group.join(self._member, self._topics)

    def _tell_gone(self, *, lost: bool) -> None:
        gone = set(self._states)
        if self._listener is None:
            return
        if lost:
            self._listener.on_partitions_lost(gone)
        else:
            self._listener.on_partitions_revoked(gone)

    def _assign(self) -> None:
        if self._member is None:
            raise AssertionError("only a member is given partitions")
        self._joining = False
        self._generation = self._group.generation
        self._states = {tp: self._states.get(tp) or _State() for tp in self._group.assigned(self._member)}
        if self._listener is not None:
            self._listener.on_partitions_assigned(set(self._states))

    def _take(self, max_records: int | None) -> dict[TopicPartition, list[FakeRecord]]:
        self._fetch()
        left = max_records or self._fetch_records * max(1, len(self._states))
        found: dict[TopicPartition, list[FakeRecord]] = {}
        for tp, state in self._states.items():
            taken = [] if state.paused else state.fetched[:left]
            if taken:
                found[tp] = taken
                state.fetched = state.fetched[len(taken) :]
                state.position = state.fetched_from = taken[-1].offset + 1
                left -= len(taken)
                if not left:
                    break
        self._fetch()
        return found

    def _fetch(self) -> None:
        """Fetch ahead where nothing is left of the last fetch; a topic that was made anew costs a round."""
        stale = any(self._cluster.is_stale(topic) for topic in self._topics)
        if stale:
            self._cluster.refresh(self._topics)
        for tp, state in self._states.items():
            resets = state.from_start
            position = self._positioned(tp)
            if state.paused:
                continue
            if resets or state.fetched_from != position:
                state.fetched = []
            if not state.fetched and not stale:
                start, end = self._log.bounds(tp)
                state.position = state.fetched_from = position if start <= position <= end else start
                state.fetched = self._log.read(tp, state.position, self._fetch_records)

    def _positioned(self, tp: TopicPartition) -> int:
        state = self._states[tp]
        if state.position is None:
            committed = None if state.from_start else self.committed(tp)
            state.position = self._log.bounds(tp)[0] if committed is None else committed
            state.from_start = False
        return state.position

    def _assigned_state(self, tp: TopicPartition) -> _State:
        if tp not in self._states:
            raise ValueError("Unassigned partition")
        return self._states[tp]


def _nothing(_when: str, _offsets: Offsets) -> None:
    """Let every commit pass."""
