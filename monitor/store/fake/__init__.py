"""The fake of the ClickHouse seam: the real `Store` on a server that lives in this process; ships, for tests.

`tests/contract/test_seam_store.py` holds it against the real thing.
"""

from monitor.store.fake.connection import FakeStore, Hook
from monitor.store.fake.database import FakeDatabase

__all__ = ["FakeDatabase", "FakeStore", "Hook"]
