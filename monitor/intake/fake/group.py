"""A consumer group as its coordinator sees it: members, generations, eager rebalances, committed offsets."""

from collections.abc import Callable, Mapping, Sequence

from kafka import OffsetAndMetadata, TopicPartition
from kafka.errors import IllegalGenerationError, UnknownMemberIdError


class FakeGroup:
    """While a rebalance goes on, nobody has an assignment until every member has joined again or is gone."""

    def __init__(self, partitions_of: Callable[[str], Sequence[int]]) -> None:
        """Start without members."""
        self.offsets: dict[TopicPartition, OffsetAndMetadata] = {}
        self.generation = 0
        self.rebalancing = False
        self._partitions_of = partitions_of
        self._members: dict[str, tuple[str, ...]] = {}
        self._joined: set[str] = set()
        self._assigned: dict[str, list[TopicPartition]] = {}
        self._count = 0

    def join(self, member: str | None, topics: Sequence[str]) -> str:
        """Take a member in, new or again, and give its id."""
        if member is None or member not in self._members:
            self._count += 1
            member = f"member-{self._count:04d}"
        self._members[member] = tuple(topics)
        self._joined.add(member)
        self.rebalancing = True
        self._complete()
        return member

    def leave(self, member: str | None) -> None:
        """Strike a member off: it left, or was silent for the session timeout; it may not know yet."""
        if member is None or self._members.pop(member, None) is None:
            return
        self._joined.discard(member)
        self._assigned.pop(member, None)
        self.rebalancing = bool(self._members)
        self._complete()

    def knows(self, member: str | None) -> bool:
        """Say whether this is a member."""
        return member in self._members

    def awaits(self, member: str) -> bool:
        """Say whether a rebalance waits for this member to join again."""
        return self.rebalancing and member not in self._joined

    def assigned(self, member: str) -> list[TopicPartition]:
        """Give a member's share."""
        return self._assigned.get(member, [])

    def commit(self, member: str | None, generation: int, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        """Keep offsets; a member that has not heard of a rebalance yet may still commit.

        Raises:
            UnknownMemberIdError: it was struck off.
            IllegalGenerationError: it speaks of an earlier generation.
        """
        if not self.knows(member):
            raise UnknownMemberIdError
        if generation != self.generation:
            raise IllegalGenerationError
        self.offsets.update(offsets)

    def forget(self, topic: str) -> None:
        """Drop the offsets of a topic that is deleted."""
        self.offsets = {tp: offset for tp, offset in self.offsets.items() if tp.topic != topic}

    def _complete(self) -> None:
        if not self.rebalancing or self._joined != set(self._members):
            return
        self.generation += 1
        self.rebalancing = False
        self._joined.clear()
        self._assigned = {member: [] for member in self._members}
        for topic in sorted({topic for topics in self._members.values() for topic in topics}):
            self._share(topic, sorted(m for m, topics in self._members.items() if topic in topics))

    def _share(self, topic: str, members: Sequence[str]) -> None:
        """Give each member a range of the partitions; the first ones get one more where they do not divide."""
        partitions = self._partitions_of(topic)
        each, more = divmod(len(partitions), len(members))
        for place, member in enumerate(members):
            start = each * place + min(place, more)
            share = partitions[start : start + each + (place < more)]
            self._assigned[member] += [TopicPartition(topic, partition) for partition in share]
