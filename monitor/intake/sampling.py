"""Poisson sampling of conversations with a keyed hash (DESIGN §6).

u = hash64(key, conversation_id) / 2^64, and a record is sampled when u < pi(stratum). A conversation has one u,
so inside a stratum all its turns are in or all are out. The decision is a pure function of the record and the
policy in force at the record's timestamp (invariant I2): no clock, no state, no random numbers.
"""

import bisect
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from monitor.intake.trigger import trigger_of

TWO_64 = 2**64
WINDOW_SECONDS = 3600
"""The base window: one hour of Kafka record time."""

NOTICE_SECONDS = 120
"""Workers reload the policies each minute; a policy that starts sooner could meet one that does not know it."""
CANARY_STRATUM = "_canary"
"""Synthetic conversations of our own: always sampled, counted apart, in no rate."""

SIGNAL_HEADERS = {"model_version": "am-model-version", "locale": "am-locale", "tenant": "am-tenant"}
Signal = Literal["model_version", "locale", "tenant", "trigger"]

Headers = Sequence[tuple[str, bytes]]


class Stratum(BaseModel):
    """One cell of the policy: records that fit `when`, kept with `probability`.

    `when` maps a signal to the values that fit. Signals are read without parsing the message: `model_version`,
    `locale` and `tenant` from the Kafka headers `am-model-version`, `am-locale`, `am-tenant` or else from the first
    JSON string of that name; `trigger` is `pushback`, `refusal` or `none`, by phrases (`monitor.intake.trigger`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")
    when: dict[Signal, tuple[str, ...]] = Field(default_factory=dict)
    probability: float = Field(gt=0.0, le=1.0)

    @property
    def threshold(self) -> int:
        """The smallest hash that is not sampled."""
        return min(TWO_64, int(self.probability * TWO_64))


class Policy(BaseModel):
    """Which share of which stratum is kept, from when on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    effective_from: datetime
    """UTC, on a window's edge: a window is never sampled under two policies."""
    strata: tuple[Stratum, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [s.name for s in self.strata]
        if len(set(names)) != len(names):
            raise ValueError(f"stratum names must differ, got {names}")
        if self.strata[-1].when:
            raise ValueError(f"the last stratum ({names[-1]!r}) must have no `when`: each record needs a stratum")
        open_early = [s.name for s in self.strata[:-1] if not s.when]
        if open_early:
            raise ValueError(
                f"stratum {open_early[0]!r} fits everything but is not the last: the ones after it are dead"
            )
        if int(self.effective_from.timestamp()) % WINDOW_SECONDS:
            raise ValueError(f"effective_from must be on a full hour, got {self.effective_from.isoformat()}")
        return self

    @property
    def id(self) -> str:
        """The first 16 hex digits of the sha256 of the policy's canonical JSON."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


class PolicyHistory:
    """All policies by time, so that each record gets the one in force at its own timestamp."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        """Take at least one policy, in the order they were made; of two that start alike, the later one counts.

        The earliest one also covers the time before it.
        """
        self._policies = sorted(policies, key=lambda p: p.effective_from)
        if not self._policies:
            raise ValueError("a policy history needs at least one policy")
        self._starts = [int(p.effective_from.timestamp()) for p in self._policies]

    def at(self, window: int) -> Policy:
        """Give the policy of the window that starts at `window` (seconds since 1970)."""
        return self._policies[max(0, bisect.bisect_right(self._starts, window) - 1)]

    @property
    def latest(self) -> Policy:
        """Give the policy that starts last."""
        return self._policies[-1]


def window_of(timestamp_ms: int) -> int:
    """Give the start, in seconds since 1970, of the window that holds a Kafka record time."""
    return timestamp_ms // (WINDOW_SECONDS * 1000) * WINDOW_SECONDS


def next_window(now: datetime) -> datetime:
    """Give the first window edge that every worker will have heard of: at least `NOTICE_SECONDS` after `now`."""
    return datetime.fromtimestamp(((int(now.timestamp()) + NOTICE_SECONDS) // WINDOW_SECONDS + 1) * WINDOW_SECONDS, UTC)


def hasher(key: bytes) -> Callable[[bytes], int]:
    """Give hash64: BLAKE2b keyed with `key`, 8 bytes, big-endian; about 0.8 microseconds a call."""
    base = hashlib.blake2b(key=hashlib.sha256(key).digest(), digest_size=8)
    copy, from_bytes = base.copy, int.from_bytes

    def hash64(conversation_id: bytes) -> int:
        state = copy()
        state.update(conversation_id)
        return from_bytes(state.digest(), "big")

    return hash64


def stratifier(policy: Policy) -> Callable[[bytes, Headers], Stratum]:
    """Compile the policy into a function of a record's value and headers.

    It reads only the signals that the policy names, and in the order in which the strata ask for them.
    """
    *conditional, default = policy.strata
    if not conditional:
        return lambda _value, _headers: default
    rules = [(s, [(signal, frozenset(values)) for signal, values in s.when.items()]) for s in conditional]

    def stratum_of(value: bytes, headers: Headers) -> Stratum:
        seen: dict[str, str] = {}
        for stratum, conditions in rules:
            for signal, wanted in conditions:
                found = seen.get(signal)
                if found is None:
                    found = seen[signal] = _read(signal, value, headers)
                if found not in wanted:
                    break
            else:
                return stratum
        return default

    return stratum_of


_FIELD = {name: re.compile(rb'"%s"\s*+:\s*+"([^"\\]{1,64})"' % name.encode()) for name in ("locale", "tenant")}
_FIELD["model_version"] = re.compile(rb'"version"\s*+:\s*+"([^"\\]{1,64})"')


def _read(signal: str, value: bytes, headers: Headers) -> str:
    if signal == "trigger":
        return trigger_of(value)
    name = SIGNAL_HEADERS[signal]
    for header, content in headers:
        if header == name:
            return content.decode("utf-8", "replace")
    found = _FIELD[signal].search(value)
    return found[1].decode("utf-8", "replace") if found else ""
