"""The fake of the Kafka seam: a log, its consumer groups, and kafka-python's consumer on them; ships, for tests.

`tests/contract/test_seam_kafka.py` holds it against the real thing.
"""

from monitor.intake.fake.consumer import CommitHook, FakeConsumer
from monitor.intake.fake.log import FakeLog, FakeRecord

__all__ = ["CommitHook", "FakeConsumer", "FakeLog", "FakeRecord"]
