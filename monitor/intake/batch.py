"""Kafka records -> what to record about them: the pure middle of ingest (DESIGN §5, §6).

An unsampled record costs a scan for its conversation id, one hash and, if the policy has strata, their signals; it
is never parsed. Everything else is decoded, and what is sampled is masked. A record fails only itself (I7).
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, Protocol
from uuid import UUID

from monitor.intake.decode import Malformed, decode
from monitor.intake.interaction import Interaction
from monitor.intake.peek import peek_conversation_id
from monitor.intake.redact import RedactionFailed, pseudonym, redact, redact_text
from monitor.intake.sampling import (
    CANARY_STRATUM,
    WINDOW_SECONDS,
    Headers,
    PolicyHistory,
    Stratum,
    hasher,
    stratifier,
    window_of,
)

Outcome = Literal["sampled", "sampled_out", "dead", "lost", "absent"]
"""`lost`: Kafka dropped the record before it was read. `absent`: Kafka never had a record there (a transaction's mark,
a compacted one). Both close a hole in the offsets, so that any other hole is a fault of ours."""

EVIDENCE_BYTES = 64 * 1024
"""How much of a dead letter's value is kept, masked."""
_MARGIN_BYTES = 512
"""Longer than any value that is masked."""
CANARY_HEADER = "am-canary"
_DECODE_HEADERS = frozenset({CANARY_HEADER, "am-format"})
"""Headers that change how a record is read: then it is decoded in full."""
FIRST_RECORD_MS = 946_684_800_000  # 2000-01-01
LAST_RECORD_MS = 4_102_444_800_000  # 2100-01-01
"""A record stamped outside has no usable window; the bounds are fixed, so that a replay decides alike."""
KILLS_WORKER = "kills_worker"
"""The reason of a dead letter that nobody may read again without care."""
NO_WINDOW = 0
"""The window that such dead letters are filed under."""


class Record(Protocol):
    """The part of kafka-python's ConsumerRecord that is read here."""

    @property
    def offset(self) -> int:
        """Position in the partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Kafka record time, milliseconds since 1970; -1 = none."""
        ...

    @property
    def key(self) -> bytes | None:
        """Record key."""
        ...

    @property
    def value(self) -> bytes | None:
        """Record value."""
        ...

    @property
    def headers(self) -> Headers:
        """Record headers."""
        ...


@lru_cache(maxsize=4096)
def _partition_name(topic_id: UUID, partition: int) -> bytes:
    return f"{topic_id}|{partition}|".encode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """Where a record stands in Kafka."""

    topic: str
    topic_id: UUID
    partition: int
    offset: int

    @property
    def sample_id(self) -> UUID:
        """The sample's id: a hash of incarnation, partition and offset; it says nothing and spreads evenly."""
        return UUID(int=self.sample_number)

    @property
    def sample_number(self) -> int:
        """The sample's id as 128 bits: a UUID object each is dear where there are thousands."""
        text = _partition_name(self.topic_id, self.partition) + b"%d" % self.offset
        return int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampled:
    """A record that is in the sample, masked, with the probability that it had."""

    position: Position
    record_ms: int
    window: int
    stratum: str
    policy_id: str
    probability: float
    hash64: int
    interaction: Interaction
    masked: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dead:
    """A record that could not be read: why, and masked evidence."""

    position: Position
    record_ms: int
    window: int
    reason: str
    detail: str
    evidence: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """The offsets of one partition that share window, stratum and outcome."""

    topic: str
    topic_id: UUID
    partition: int
    window: int
    stratum: str
    outcome: Outcome
    offsets: list[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What one round of polling came to; every offset stands in exactly one cell."""

    sampled: list[Sampled]
    dead: list[Dead]
    cells: list[Cell]

    @property
    def consumed(self) -> int:
        """How many records went in."""
        return sum(len(cell.offsets) for cell in self.cells)


class _Rule:
    """What a window's policy says, compiled."""

    __slots__ = ("end_ms", "only", "policy_id", "start_ms", "stratum_of", "window")

    def __init__(self, window: int, history: PolicyHistory) -> None:
        policy = history.at(window)
        self.window = window
        self.start_ms = window * 1000
        self.end_ms = (window + WINDOW_SECONDS) * 1000
        self.policy_id = policy.id
        self.stratum_of = stratifier(policy)
        self.only: Stratum | None = policy.strata[0] if len(policy.strata) == 1 else None


class Sifter:
    """Sorts records into sampled, sampled out and dead. Pure but for its keys; never raises on a record."""

    def __init__(
        self, *, sampling_key: bytes, pseudonym_key: bytes, policies: PolicyHistory, max_message_bytes: int
    ) -> None:
        """Take the secrets and the policies in force."""
        self._hash64 = hasher(sampling_key)
        self._sampling_key = sampling_key
        self._pseudonym_key = pseudonym_key
        self._policies = policies
        self._max_bytes = max_message_bytes
        self._rules: dict[int, _Rule] = {}

    def sift(self, parts: Iterable[tuple[str, UUID, int, Sequence[Record]]]) -> Batch:
        """Sort the records of (topic, topic id, partition, records in order of offset)."""
        sampled: list[Sampled] = []
        dead: list[Dead] = []
        cells: list[Cell] = []
        for topic, topic_id, partition, records in parts:
            if not records:
                continue
            grouped = self._partition(topic, topic_id, partition, records, sampled, dead)
            cells.extend(
                Cell(
                    topic=topic,
                    topic_id=topic_id,
                    partition=partition,
                    window=window,
                    stratum=stratum,
                    outcome=outcome,
                    offsets=offsets,
                )
                for (window, stratum, outcome), offsets in grouped.items()
            )
        return Batch(sampled=sampled, dead=dead, cells=cells)

    def _partition(  # noqa: C901, PLR0912 - the hot loop: a call for each message costs what it saves in branches
        self,
        topic: str,
        topic_id: UUID,
        partition: int,
        records: Sequence[Record],
        sampled: list[Sampled],
        dead: list[Dead],
    ) -> dict[tuple[int, str, Outcome], list[int]]:
        cells: dict[tuple[int, str, Outcome], list[int]] = {}
        hash64, peek, max_bytes = self._hash64, peek_conversation_id, self._max_bytes
        rule: _Rule | None = None
        start_ms = end_ms = threshold = 0
        only: Stratum | None = None
        nowhere: list[int] = []
        out = nowhere.append
        for record in records:
            stamp, value = record.timestamp, record.value
            if not start_ms <= stamp < end_ms:
                rule = self._rule(stamp)
                if rule is not None:
                    start_ms, end_ms, only = rule.start_ms, rule.end_ms, rule.only
                    if only is not None:
                        threshold = only.threshold
                        out = cells.setdefault((rule.window, only.name, "sampled_out"), []).append
            headers = record.headers
            if (
                rule is not None
                and value is not None
                and len(value) <= max_bytes
                and not (headers and any(name in _DECODE_HEADERS for name, _ in headers))
            ):
                conversation_id = peek(value, record.key)
                if conversation_id is not None:
                    if only is not None:
                        # The common case, kept flat: one stratum, not sampled.
                        if hash64(conversation_id.encode()) >= threshold:
                            out(record.offset)
                            continue
                    else:
                        stratum = rule.stratum_of(value, headers)
                        if hash64(conversation_id.encode()) >= stratum.threshold:
                            cells.setdefault((rule.window, stratum.name, "sampled_out"), []).append(record.offset)
                            continue
            position = Position(topic=topic, topic_id=topic_id, partition=partition, offset=record.offset)
            result = self._examine(position, record, rule)
            if isinstance(result, Dead):
                dead.append(result)
                key: tuple[int, str, Outcome] = (result.window, "", "dead")
            elif isinstance(result, Sampled):
                sampled.append(result)
                key = (result.window, result.stratum, "sampled")
            else:
                key = (rule.window if rule else NO_WINDOW, result, "sampled_out")
            cells.setdefault(key, []).append(record.offset)
            if rule is None:
                start_ms = end_ms = 0
        return {key: offsets for key, offsets in cells.items() if offsets}

    def _rule(self, stamp: int) -> _Rule | None:
        if not FIRST_RECORD_MS <= stamp < LAST_RECORD_MS:
            return None
        window = window_of(stamp)
        rule = self._rules.get(window)
        if rule is None:
            if len(self._rules) > 1000:
                self._rules.clear()
            rule = self._rules[window] = _Rule(window, self._policies)
        return rule

    def _examine(self, position: Position, record: Record, rule: _Rule | None) -> Sampled | Dead | str:
        """Decode one record in full; give the name of its stratum when it is not sampled."""
        value = record.value
        if rule is None:
            detail = f"Kafka record time {record.timestamp} ms is not between the years 2000 and 2100"
            return self._bury(position, record, NO_WINDOW, "record_time", detail)
        headers = record.headers
        decoded = decode(
            value,
            key=record.key,
            headers=headers,
            record_time=datetime.fromtimestamp(record.timestamp / 1000, UTC),
            topic=position.topic,
            partition=position.partition,
            offset=position.offset,
            pseudonym=self._pseudonym,
            max_bytes=self._max_bytes,
        )
        if isinstance(decoded, Malformed):
            return self._bury(position, record, rule.window, decoded.reason, decoded.detail)
        if value is None:
            raise AssertionError("decode gave an interaction for a record without a value")
        hash64 = self._hash64(decoded.conversation_id.encode())
        if self._is_canary(headers, decoded.conversation_id):
            stratum, probability = CANARY_STRATUM, 1.0
        else:
            chosen = rule.stratum_of(value, headers)
            stratum, probability = chosen.name, chosen.probability
            if hash64 >= chosen.threshold:
                return stratum
        try:
            redacted = redact(decoded, key=self._pseudonym_key)
        except RedactionFailed as error:
            return self._bury(position, record, rule.window, "redaction_failed", str(error))
        return Sampled(
            position=position,
            record_ms=record.timestamp,
            window=rule.window,
            stratum=stratum,
            policy_id=rule.policy_id,
            probability=probability,
            hash64=hash64,
            interaction=redacted.interaction,
            masked=dict(redacted.masked),
        )

    def _pseudonym(self, raw: str) -> str:
        return pseudonym(self._pseudonym_key, raw)

    def _is_canary(self, headers: Headers, conversation_id: str) -> bool:
        return any(
            name == CANARY_HEADER and hmac.compare_digest(content, canary_mark(self._sampling_key, conversation_id))
            for name, content in headers
        )

    @staticmethod
    def _bury(position: Position, record: Record, window: int, reason: str, detail: str) -> Dead:
        value = record.value or b""
        try:
            # Masked before it is cut: half a number would not be recognised as one.
            masked, _ = redact_text(value[: EVIDENCE_BYTES + _MARGIN_BYTES].decode("utf-8", "replace"))
            evidence = masked.encode()[:EVIDENCE_BYTES].decode("utf-8", "ignore")
        except RedactionFailed:
            evidence = ""
            detail += "; the evidence could not be masked and is not kept"
        return Dead(
            position=position,
            record_ms=record.timestamp if window != NO_WINDOW else 0,
            window=window,
            reason=reason,
            detail=detail,
            evidence=evidence,
            size=len(value),
            sha256=hashlib.sha256(value).hexdigest(),
        )


def entomb(topic: str, topic_id: UUID, partition: int, record: Record, detail: str) -> Batch:
    """Make a dead letter of a record that kills whoever reads it: nothing of its value is kept but size and hash."""
    value = record.value or b""
    usable = FIRST_RECORD_MS <= record.timestamp < LAST_RECORD_MS
    window = window_of(record.timestamp) if usable else NO_WINDOW
    dead = Dead(
        position=Position(topic=topic, topic_id=topic_id, partition=partition, offset=record.offset),
        record_ms=record.timestamp if usable else 0,
        window=window,
        reason=KILLS_WORKER,
        detail=detail,
        evidence="",
        size=len(value),
        sha256=hashlib.sha256(value).hexdigest(),
    )
    cell = Cell(
        topic=topic,
        topic_id=topic_id,
        partition=partition,
        window=window,
        stratum="",
        outcome="dead",
        offsets=[record.offset],
    )
    return Batch(sampled=[], dead=[dead], cells=[cell])


def canary_mark(sampling_key: bytes, conversation_id: str) -> bytes:
    """Give the header value that proves a canary is ours: without the key nobody can slip past the sampling."""
    return hmac.new(sampling_key, b"canary|" + conversation_id.encode(), hashlib.sha256).hexdigest().encode()
