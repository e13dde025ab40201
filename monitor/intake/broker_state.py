"""What Kafka says of a group: how far it is behind, by partition."""

from dataclasses import dataclass

from kafka import TopicPartition
from kafka.errors import KafkaError

from monitor.config import KafkaSettings
from monitor.errors import BrokerUnavailable
from monitor.intake import broker


@dataclass(frozen=True, kw_only=True, slots=True)
class PartitionLag:
    """One partition: where its end is, what is committed, and the difference."""

    partition: int
    end: int
    committed: int
    lag: int


def lag(settings: KafkaSettings) -> list[PartitionLag]:
    """Give the lag of our group by partition; an empty list when the topic is not there.

    Raises:
        BrokerUnavailable: Kafka does not answer.
    """
    consumer = broker.consumer(settings, max_poll_records=1)
    try:
        partitions = sorted(consumer.partitions_for_topic(settings.topic) or ())
        assigned = [TopicPartition(settings.topic, p) for p in partitions]
        if not assigned:
            return []
        ends = consumer.end_offsets(assigned)
        found = []
        for tp in assigned:
            committed = consumer.committed(tp) or 0
            found.append(
                PartitionLag(
                    partition=tp.partition,
                    # The embedded broker tells the start of the last batch as the end.
                    end=max(ends[tp], committed),
                    committed=committed,
                    lag=max(0, ends[tp] - committed),
                )
            )
    except KafkaError as error:
        raise BrokerUnavailable(f"Kafka does not tell offsets ({type(error).__name__})") from error
    finally:
        consumer.close()
    return found
