"""A synthetic conversation that goes the whole way, to measure how fresh the numbers are."""

import json
import uuid

from kafka.errors import KafkaError

from monitor.config import Settings
from monitor.errors import BrokerUnavailable
from monitor.intake import broker
from monitor.intake.batch import CANARY_HEADER, canary_mark


def send_canary(settings: Settings) -> str:
    """Send one canary and give its conversation id.

    Raises:
        BrokerUnavailable: Kafka did not take it.
    """
    conversation_id = f"canary-{uuid.uuid4()}"
    value = {
        "conversation_id": conversation_id,
        "interaction_id": conversation_id,
        "turn": 0,
        "messages": [
            {"role": "user", "content": "What is the capital of Turkey?"},
            {"role": "assistant", "content": "The capital of Turkey is Ankara."},
        ],
        "model": {"name": "canary", "version": "1"},
        "locale": "en",
    }
    mark = canary_mark(settings.sampling.key.get_secret_value().encode(), conversation_id)
    producer = broker.producer(settings.kafka)
    try:
        sent = producer.send(
            settings.kafka.topic,
            key=conversation_id.encode(),
            value=json.dumps(value).encode(),
            headers=[(CANARY_HEADER, mark)],
        )
        sent.get(timeout=10)
    except KafkaError as error:
        raise BrokerUnavailable(f"Kafka did not take the canary ({type(error).__name__})") from error
    finally:
        producer.close(timeout=5)
    return conversation_id
