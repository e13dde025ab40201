"""What a rebalance changed, noted on kafka-python's IO thread and taken up by the loop (I12)."""

from collections.abc import Iterable

from kafka import ConsumerRebalanceListener, TopicPartition


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Only notes: blocking here would stop heartbeats."""

    def __init__(self) -> None:
        """Nothing has changed yet."""
        self._lost: set[TopicPartition] = set()
        self._fresh: set[TopicPartition] = set()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Another member will have these."""
        self._lost |= set(revoked)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        """Another member may have these already."""
        self._lost |= set(lost)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """These are ours from now on."""
        self._fresh |= set(assigned)

    def take_lost(self) -> set[TopicPartition]:
        """Give what was lost since the last call. One swap: the IO thread may write meanwhile."""
        taken, self._lost = self._lost, set()
        return taken

    def take_fresh(self) -> set[TopicPartition]:
        """Give what was assigned since the last call."""
        taken, self._fresh = self._fresh, set()
        return taken
