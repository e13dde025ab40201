"""Ingest beside a bare poll loop, in turn on one topic, and the memory of a long run."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from bench.meter import Reading
from bench.processes import consume, say
from monitor.config import IngestSettings
from monitor.names import PREFIX

PLAIN = [{"name": "all", "probability": 0.01}]
TRIGGERS = [
    {"name": "pushback", "when": {"trigger": ["pushback"]}, "probability": 0.01},
    {"name": "refusal", "when": {"trigger": ["refusal"]}, "probability": 0.01},
    {"name": "rest", "probability": 0.01},
]
"""Every message is searched for the phrases; as many are sampled as without."""
SAMPLING = "1 % of conversations"

FIRST_BATCH = IngestSettings().max_records
"""The clock starts when the first batch is there, so that one is read on top."""

# The embedded broker holds a join for half the session timeout; throughput does not depend on it.
_SESSION = {"KAFKA__SESSION_TIMEOUT_MS": "3000", "KAFKA__HEARTBEAT_INTERVAL_MS": "750"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """One bare poll and the two forms of ingest, one after the other."""

    poll: Reading
    plain: Reading
    triggers: Reading


class Runs:
    """Starts each measured process with a consumer group and a database of its own, so that all do the same work."""

    def __init__(self, variables: Mapping[str, str], *, messages: int) -> None:
        self._variables = variables
        self._messages = messages
        self._number = count(1)

    def rounds(self, repetitions: int) -> Iterator[Round]:
        """Measure; every second round runs backwards, so that a drift of the machine favours no side."""
        for turn in range(repetitions):
            order = ["poll", "plain", "triggers"][:: -1 if turn % 2 else 1]
            done = {name: self._one(name) for name in order}
            say(
                f"  round {turn + 1} of {repetitions}: poll {done['poll'].per_second:,.0f}/s, "
                f"ingest {done['plain'].per_second:,.0f}/s, with triggers {done['triggers'].per_second:,.0f}/s"
            )
            yield Round(**done)

    def long(self, messages: int, *, memory_at: tuple[int, ...]) -> Reading:
        """Run ingest once over many messages and read its memory on the way."""
        return consume("ingest", messages, self._environment(PLAIN), memory_at=memory_at)

    def _one(self, name: str) -> Reading:
        environment = self._environment(TRIGGERS if name == "triggers" else PLAIN)
        return consume("poll" if name == "poll" else "ingest", self._messages + FIRST_BATCH, environment)

    def _environment(self, strata: object) -> dict[str, str]:
        number = next(self._number)
        ours = {
            **_SESSION,
            "KAFKA__GROUP_ID": f"bench-{number}",
            "CLICKHOUSE__DATABASE": f"bench_{number}",
            "SAMPLING__STRATA": json.dumps(strata),
        }
        return {**self._variables, **{PREFIX + name: value for name, value in ours.items()}}
