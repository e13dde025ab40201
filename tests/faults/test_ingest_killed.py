"""kill -9 of the ingest worker at each point of a batch: another one takes over, and the oracle finds nothing amiss."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.store.client import Store
from tests.support.crashing_ingest import POINTS
from tests.support.faults import SEEDS, environment, ingest_all, produce
from tests.support.live import settings_from
from tests.support.oracle import check
from workers.stack.supervisor import Stack

pytestmark = pytest.mark.integration
RECORDS = 400


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_in_mid_batch_loses_and_doubles_nothing(
    servers: Stack, tmp_path: Path, record_property: Callable[[str, object], None], point: str, seed: int
) -> None:
    variables = environment(servers, f"kill-{point}-{seed}")
    settings = settings_from(variables)
    produced = produce(settings, seed, RECORDS)

    victim = subprocess.run(
        [sys.executable, "-m", "tests.support.crashing_ingest", point, str(seed % 3 + 1)],
        env=variables,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert victim.returncode == -signal.SIGKILL, victim.stderr.decode()

    record_property("takeover_s", ingest_all(tmp_path, variables, RECORDS))
    with Store.connect(settings.clickhouse) as store:
        check(store, settings, produced)
