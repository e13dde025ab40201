"""The process that is measured: `python -m bench.consume ingest|poll MESSAGES [MARK...]`.

Its settings come from the environment, as the worker's do. Its last line is a reading as JSON.
"""

import json
import logging
import sys
from dataclasses import asdict

from bench.meter import Meter
from monitor.config import Settings, load_settings
from monitor.errors import MonitorError
from monitor.intake import broker
from monitor.telemetry import configure_logging
from workers.ingest import Ingest


class MeteredIngest(Ingest):
    """The ingest worker, told to stop when the meter is full; the loop itself is untouched."""

    def __init__(self, settings: Settings, meter: Meter) -> None:
        super().__init__(settings)
        self._meter = meter

    def step(self) -> None:
        """Do one round of the loop and count what it recorded."""
        super().step()
        recorded = self.health.counts().get("consumed", 0)
        # Not what was polled: the first records after an assignment may be given back and read again.
        self._meter.note(recorded - self._meter.delivered)
        if self._meter.full:
            self.stop()


def ingest(settings: Settings, meter: Meter) -> None:
    """Run the worker's own loop: poll, sift, record, commit, hint."""
    MeteredIngest(settings, meter).run()


def poll(settings: Settings, meter: Meter) -> None:
    """Run the bare loop: the same consumer, polled and counted."""
    consumer = broker.consumer(settings.kafka, max_poll_records=settings.ingest.max_records)
    consumer.subscribe([settings.kafka.topic])
    try:
        while not meter.full:
            meter.note(sum(map(len, consumer.poll(timeout_ms=settings.ingest.max_wait_ms).values())))
    finally:
        consumer.close()


def main(arguments: list[str]) -> int:
    """Measure one loop; 0 when it got its messages, 1 when it could not run."""
    configure_logging(logging.WARNING)
    mode, target, *marks = arguments
    meter = Meter(int(target), memory_at=[int(mark) for mark in marks])
    try:
        {"ingest": ingest, "poll": poll}[mode](load_settings(), meter)
        print(json.dumps(asdict(meter.reading())))
    except (MonitorError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
