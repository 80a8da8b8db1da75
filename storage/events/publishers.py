"""The port EventPublisher: to the log, or to Kafka for those who have a broker.

The message is the same JSON in both. A publisher may be given a message twice; whoever reads it tells by `event_id`.
"""

import json
import logging
from dataclasses import asdict
from typing import Any

from domain.ports import EventMessage, EventPublisher
from storage.errors import SetupError, Unavailable
from storage.settings import Settings

_LOG = logging.getLogger("lakefolio.events")


def publisher_of(settings: Settings) -> EventPublisher:
    """Kafka if a broker is named, else the log."""
    if settings.kafka_bootstrap:
        return KafkaEventPublisher(settings.kafka_bootstrap, settings.kafka_topic)
    return LogEventPublisher()


def as_json(message: EventMessage) -> str:
    """The message as one line of JSON; ids and times are text."""
    fields = {**asdict(message), "occurred_at": message.occurred_at.isoformat()}
    return json.dumps(fields, default=str, separators=(",", ":"))


class LogEventPublisher:
    """One line of the log `lakefolio.events` for each event."""

    def publish(self, message: EventMessage) -> None:
        _LOG.info("%s", as_json(message))


class KafkaEventPublisher:
    """One record of `topic` for each event, acknowledged by all replicas before the next is sent.

    The key is the aggregate's id, so that a partition keeps its order; headers repeat what a reader filters by. The
    patience stays well below the 60 s that a transaction of the application may idle.
    """

    def __init__(self, bootstrap: str, topic: str, patience_ms: int = 10_000) -> None:
        try:
            import kafka.errors
        except ImportError as error:
            raise SetupError(
                'KAFKA_BOOTSTRAP is set; install its client with: pip install "lakefolio[kafka]"'
            ) from error
        self._errors = kafka.errors
        self._bootstrap = bootstrap
        self._topic = topic
        self._patience_s = patience_ms / 1000
        self._producer = kafka.KafkaProducer(  # repeating is the consumer's job
            bootstrap_servers=bootstrap.split(","),
            client_id="lakefolio",
            api_version=(2, 1),  # what brokers up to Kafka 4 speak; asking them would need one to be there at the start
            acks="all",
            retries=0,
            enable_idempotence=False,
            max_in_flight_requests_per_connection=1,
            request_timeout_ms=patience_ms,
            delivery_timeout_ms=patience_ms,
            max_block_ms=patience_ms,
        )

    def publish(self, message: EventMessage) -> None:
        try:
            sent = self._producer.send(
                self._topic,
                key=str(message.aggregate_id).encode(),
                value=as_json(message).encode(),
                headers=_headers(message),
                timestamp_ms=int(message.occurred_at.timestamp() * 1000),
            )
            sent.get(timeout=2 * self._patience_s)
        except self._errors.KafkaError as error:
            if error.retriable or isinstance(error, self._errors.AuthorizationError):
                raise Unavailable(f"Kafka at {self._bootstrap}: {type(error).__name__} {error}") from error
            raise

    def close(self) -> None:
        self._producer.close(timeout=1)


def _headers(message: EventMessage) -> list[tuple[str, bytes]]:
    named: dict[str, Any] = {
        "event_id": message.event_id,
        "event_type": message.event_type,
        "version": message.version,
        "correlation_id": message.correlation_id,
    }
    return [(name, str(value).encode()) for name, value in named.items()]
