"""The process that fills the topic: `python -m bench.produce FIRST COUNT PARTITIONS`; sends [FIRST, FIRST + COUNT)."""

import sys

from kafka.errors import KafkaError

from bench.messages import message, partition
from monitor.config import load_settings
from monitor.errors import MonitorError
from monitor.intake import broker

FLUSH_TIMEOUT_S = 60


def main(arguments: list[str]) -> int:
    """Send messages and wait until all are acknowledged; 0 when they are, else 1."""
    first, count, partitions = map(int, arguments)
    settings = load_settings().kafka
    failures: list[BaseException] = []
    try:
        producer = broker.producer(settings)
        try:
            for number in range(first, first + count):
                key, value = message(number)
                sent = producer.send(settings.topic, key=key, value=value, partition=partition(number, partitions))
                sent.add_errback(failures.append)
            producer.flush(timeout=FLUSH_TIMEOUT_S)
        finally:
            producer.close(timeout=5)
    except (MonitorError, KafkaError) as error:
        failures.append(error)
    if failures:
        print(f"{len(failures)} messages were not taken: {failures[0]}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
