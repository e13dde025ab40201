"""Dead letters for people: list them, look at one, and send one again once its cause is gone."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from kafka import TopicPartition
from kafka.errors import KafkaError

from monitor.config import Settings
from monitor.errors import BrokerUnavailable
from monitor.intake import broker
from monitor.intake.batch import KILLS_WORKER
from monitor.intake.broker_log import topic_id_of
from monitor.intake.decode import Malformed, decode
from monitor.intake.redact import RedactionFailed, pseudonym, redact
from monitor.store.client import Row, Store
from monitor.store.rows import DeadLetterRow, to_columns

FETCH_TIMEOUT_MS = 10_000
NO_SHA256 = "0" * 64
"""What is kept where the record's bytes were not at hand: a sample that ClickHouse refused."""
RetryResult = Literal[
    "sent again", "still unreadable", "gone from Kafka", "already retried", "no such dead letter", "needs --force"
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Retried:
    """What became of one retry."""

    partition: int
    offset: int
    result: RetryResult
    detail: str = ""


def find(store: Store, partition: int, offset: int) -> Row | None:
    """Give one dead letter, of the topic's latest incarnation."""
    rows = store.query("dead_letter", partition=partition, offset=offset)
    return rows[0] if rows else None


def retry(store: Store, settings: Settings, partition: int, offset: int, *, force: bool = False) -> Retried:
    """Read the original record from Kafka and send it again, with its key, headers and time.

    The old offset stays dead in the ledger, the new one gets an outcome of its own: so no offset ever has two.
    A record that this version still cannot read is left alone. One that kills its worker is sent only with `force`,
    and only after this process has read it and lived.

    Raises:
        BrokerUnavailable: Kafka does not answer.
        StoreUnavailable: ClickHouse does not answer.
    """

    def outcome(result: RetryResult, detail: str = "") -> Retried:
        return Retried(partition=partition, offset=offset, result=result, detail=detail)

    row = find(store, partition, offset)
    if row is None:
        return outcome("no such dead letter")
    if row["status"] != "open":
        return outcome("already retried")
    if row["reason"] == KILLS_WORKER and not force:
        return outcome("needs --force", f"it kills its worker: deadletters retry {partition} {offset} --force")
    record = _fetch(settings, row)
    if record is None:
        return outcome("gone from Kafka", "the broker does not hold this record any more")
    problem = _problem(settings, record)
    if problem:
        return outcome("still unreadable", problem)
    producer = broker.producer(settings.kafka)
    try:
        producer.send(
            settings.kafka.topic,
            value=record.value,
            key=record.key,
            headers=list(record.headers),
            timestamp_ms=record.timestamp if record.timestamp >= 0 else None,
        ).get(timeout=30)
    except KafkaError as error:
        raise BrokerUnavailable(f"Kafka did not take the record ({type(error).__name__})") from error
    finally:
        producer.close(timeout=5)
    store.insert("dead_letters", to_columns([_row(row, "retried")]))
    return outcome("sent again")


def _problem(settings: Settings, record: Any) -> str:
    """Read the record as ingest would, and say why it cannot be; empty = it can."""
    key = settings.privacy.pseudonym_key.get_secret_value().encode()
    decoded = decode(
        record.value,
        key=record.key,
        headers=record.headers,
        record_time=datetime.fromtimestamp(max(0, record.timestamp) / 1000, UTC),
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        pseudonym=lambda raw: pseudonym(key, raw),
        max_bytes=settings.kafka.max_message_bytes,
    )
    if isinstance(decoded, Malformed):
        return f"{decoded.reason}: {decoded.detail}"
    try:
        redact(decoded, key=key)
    except RedactionFailed as error:
        return f"redaction_failed: {error}"
    return ""


def _fetch(settings: Settings, row: Row) -> Any:
    """Give the record that this dead letter is of; None = Kafka does not have it any more."""
    partition, offset = row["partition"], row["offset"]
    consumer = broker.consumer(settings.kafka, max_poll_records=1)
    try:
        tp = TopicPartition(settings.kafka.topic, partition)
        if partition not in consumer.partitions_for_topic(tp.topic):
            return None
        if topic_id_of(consumer, tp.topic) != row["topic_id"]:
            # The topic was made anew: another record stands at this offset.
            return None
        consumer.assign([tp])
        consumer.seek(tp, offset)
        polled = consumer.poll(timeout_ms=FETCH_TIMEOUT_MS, max_records=1).get(tp, [])
    except KafkaError as error:
        raise BrokerUnavailable(f"Kafka does not give the record ({type(error).__name__})") from error
    finally:
        consumer.close()
    if not polled or polled[0].offset != offset:
        return None
    sha256 = _text(row["sha256"])
    same = sha256 in {NO_SHA256, hashlib.sha256(polled[0].value or b"").hexdigest()}
    return polled[0] if same else None


def _row(row: Mapping[str, Any], status: str) -> DeadLetterRow:
    moment: datetime = row["record_time"]
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return DeadLetterRow(
        topic=row["topic"],
        topic_id=row["topic_id"],
        partition=row["partition"],
        offset=row["offset"],
        window=row["window"],
        record_time=int(moment.timestamp() * 1000),
        reason=row["reason"],
        detail=row["detail"],
        evidence=row["evidence"],
        size=row["size"],
        sha256=_text(row["sha256"]),
        status=status,
    )


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
