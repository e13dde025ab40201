"""How fast ingest stays while Redis is of no use; measured in the long form only, and printed by `make faults`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.redis_speed import measure
from tests.support.faults import FULL
from workers.stack.supervisor import Stack

if FULL:

    @pytest.mark.integration
    def test_ingest_is_held_up_by_no_state_of_redis(
        servers: Stack, tmp_path: Path, record_property: Callable[[str, object], None]
    ) -> None:
        """The bound is loose, since whatever else runs counts too; a send that waits costs 90 % and more."""
        for state, ratio in measure(servers, tmp_path).items():
            record_property(f"ingest_speed_redis_{state}", ratio)
            assert ratio > 0.5, state
