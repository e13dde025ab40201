"""kafka-python clients, made from the settings in one place."""

from typing import Any

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError, TopicAlreadyExistsError

from monitor.config import KafkaSettings
from monitor.errors import BrokerUnavailable

BOOTSTRAP_TIMEOUT_MS = 10_000


def _common(settings: KafkaSettings) -> dict[str, Any]:
    password = settings.sasl_password
    return {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "security_protocol": settings.security_protocol,
        "sasl_mechanism": settings.sasl_mechanism,
        "sasl_plain_username": settings.sasl_username,
        "sasl_plain_password": password.get_secret_value() if password else None,
        "ssl_cafile": str(settings.ssl_cafile) if settings.ssl_cafile else None,
        "ssl_certfile": str(settings.ssl_certfile) if settings.ssl_certfile else None,
        "ssl_keyfile": str(settings.ssl_keyfile) if settings.ssl_keyfile else None,
        "bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS,
    }


def consumer(settings: KafkaSettings, *, max_poll_records: int) -> KafkaConsumer:
    """Make the group's consumer; commits are ours alone.

    Raises:
        BrokerUnavailable: no broker answers at the address in the settings.
    """
    try:
        return KafkaConsumer(
            **_common(settings),
            group_id=settings.group_id,
            group_instance_id=settings.group_instance_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=max_poll_records,
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.heartbeat_interval_ms,
            max_poll_interval_ms=settings.max_poll_interval_ms,
            partition_assignment_strategy=(RangePartitionAssignor,),
            allow_auto_create_topics=False,
            metadata_max_age_ms=30_000,
            # Its sampled metrics cost a tenth of the poll loop; ours are counted a batch.
            metrics_enabled=False,
        )
    except KafkaError as error:
        raise _unavailable(settings, error) from error


def producer(settings: KafkaSettings) -> KafkaProducer:
    """Make a producer that waits for all replicas.

    Raises:
        BrokerUnavailable: no broker answers at the address in the settings.
    """
    try:
        return KafkaProducer(
            **_common(settings),
            acks="all",
            linger_ms=20,
            batch_size=256 * 1024,
            max_request_size=64 * 1024 * 1024,
        )
    except KafkaError as error:
        raise _unavailable(settings, error) from error


def admin(settings: KafkaSettings) -> KafkaAdminClient:
    """Make an admin client.

    Raises:
        BrokerUnavailable: no broker answers at the address in the settings.
    """
    try:
        return KafkaAdminClient(**_common(settings))
    except KafkaError as error:
        raise _unavailable(settings, error) from error


def ensure_topic(settings: KafkaSettings, *, partitions: int) -> None:
    """Create our topic if it is not there."""
    client = admin(settings)
    try:
        if settings.topic not in client.list_topics():
            client.create_topics([NewTopic(name=settings.topic, num_partitions=partitions, replication_factor=1)])
    except TopicAlreadyExistsError:
        pass
    except KafkaError as error:
        raise _unavailable(settings, error) from error
    finally:
        client.close()


def _unavailable(settings: KafkaSettings, error: Exception) -> BrokerUnavailable:
    return BrokerUnavailable(
        f"Kafka does not answer at {settings.bootstrap_servers} ({type(error).__name__}); "
        "check ALIGNMENT_MONITOR_KAFKA__BOOTSTRAP_SERVERS and that the broker runs"
    )
