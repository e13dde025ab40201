"""How fast ingest is while Redis is of no use, against a Redis that works: `python -m tests.faults.redis_speed`."""

import json
import tempfile
import time
from pathlib import Path

from monitor.config import Settings
from monitor.store.client import Store
from monitor.store.migrate import migrate
from tests.support.faults import Message, environment, send, worker
from tests.support.live import settings_from, wait_for
from tests.support.proxy import TcpProxy
from tests.support.scoring import varied
from tests.support.valkey import valkey
from workers.stack.supervisor import Stack

RECORDS = 40_000
BATCH = 2_000
ROUNDS = 3
"""The best one of each state counts: whatever else runs on the machine only ever slows down."""
LONGEST_S = 300.0
STATES = ("works", "refuses", "hangs", "slow")


def measure(servers: Stack, folder: Path, *, records: int = RECORDS) -> dict[str, float]:
    """Give the speed of ingest in each bad state of Redis as a share of its speed with a Redis that works."""
    best = dict.fromkeys(STATES, 0.0)
    common = {"KAFKA__TOPIC": "redis-speed", "INGEST__MAX_RECORDS": str(BATCH)}
    with valkey(folder) as queue, TcpProxy(queue.port) as proxy:
        common["REDIS__URL"] = f"redis://127.0.0.1:{proxy.port}/0"
        send(
            settings_from(environment(servers, "redis-speed", **common)),
            [Message(key=key, value=value) for key, value in varied(0, records)],
        )
        for turn in range(ROUNDS):
            for state in STATES:
                proxy.mode = {"refuses": "refuse", "hangs": "hang"}.get(state, "pass")  # type: ignore[assignment]
                proxy.latency_s = 5.0 if state == "slow" else 0.0
                variables = environment(servers, f"redis-speed-{state}-{turn}", **common)
                best[state] = max(best[state], _speed(folder, variables, records))
    return {state: round(best[state] / best["works"], 3) for state in STATES[1:]}


def _speed(folder: Path, variables: dict[str, str], records: int) -> float:
    """Give records a second from the first recorded batch to the last."""
    settings = settings_from(variables)
    migrate(settings.clickhouse)
    with worker(folder, variables) as running:
        first = wait_for(lambda: _recorded(settings), "the first batch", seconds=60)
        start = time.monotonic()
        while _recorded(settings) < records:
            assert time.monotonic() < start + LONGEST_S, running.said()
            time.sleep(0.02)
        seconds = time.monotonic() - start
        assert running.stop() == 0, running.said()
    return float((records - first) / seconds)


def _recorded(settings: Settings) -> int:
    with Store.connect(settings.clickhouse) as store:
        return sum(row["n"] for row in store.query("ledger", since=0, until=2**32 - 1))


def main() -> None:
    """Start servers, measure and print one JSON object."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with Stack(data / "servers", say=print, services=False) as servers:
            found = measure(servers, data)
    print(json.dumps({f"ingest_speed_redis_{state}": ratio for state, ratio in found.items()}))  # noqa: T201


if __name__ == "__main__":
    main()
