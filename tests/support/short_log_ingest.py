"""The real ingest worker on a log whose oldest records are gone: `python -m ... N0 N1 ...`, so many by partition.

The embedded broker has no retention; here its answers are cut as retention would cut them.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from workers import ingest


def main() -> int:
    """Run the worker."""
    start = dict(enumerate(map(int, sys.argv[1:])))
    poll: Callable[..., dict[TopicPartition, list[Any]]] = KafkaConsumer.poll

    def later_poll(consumer: KafkaConsumer, *arguments: Any, **named: Any) -> dict[TopicPartition, list[Any]]:
        polled = poll(consumer, *arguments, **named)
        kept = {tp: [r for r in records if r.offset >= start[tp.partition]] for tp, records in polled.items()}
        return {tp: records for tp, records in kept.items() if records}

    def later_start(_consumer: KafkaConsumer, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: start[tp.partition] for tp in partitions}

    KafkaConsumer.poll, KafkaConsumer.beginning_offsets = later_poll, later_start
    return ingest.main()


if __name__ == "__main__":
    raise SystemExit(main())
