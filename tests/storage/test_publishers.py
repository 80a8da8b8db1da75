"""Published events: the log line, and the bytes that a Kafka broker gets from a real client."""

import json
import logging
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from domain.ports import EventMessage
from oltp_api.worker import in_one_sentence, main
from storage.clock import SystemClock
from storage.errors import Unavailable
from storage.events.consumers import Consumer, deliver, lag, register
from storage.events.publishers import KafkaEventPublisher, LogEventPublisher, publisher_of
from storage.postgres.database import Database
from storage.settings import Settings

TOPIC = "lakefolio.events"
MESSAGE = EventMessage(
    event_id=UUID("00000000-0000-4000-8000-0000000000e1"),
    event_type="TransactionRecorded",
    aggregate_id=UUID("00000000-0000-4000-8000-0000000000aa"),
    version=7,
    occurred_at=datetime(2017, 3, 29, 14, 30, 5, 250000, tzinfo=UTC),
    correlation_id="request-7",
    payload={"quantity": "10.5", "note": "Zürich"},
)
PUBLISHED = {
    "event_id": "00000000-0000-4000-8000-0000000000e1",
    "event_type": "TransactionRecorded",
    "aggregate_id": "00000000-0000-4000-8000-0000000000aa",
    "version": 7,
    "occurred_at": "2017-03-29T14:30:05.250000+00:00",
    "correlation_id": "request-7",
    "payload": {"quantity": "10.5", "note": "Zürich"},
}


def test_the_log_gets_one_line_of_json_for_an_event(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        LogEventPublisher().publish(MESSAGE)

    (line,) = [record.getMessage() for record in caplog.records if record.name == "lakefolio.events"]
    assert "\n" not in line
    assert json.loads(line) == PUBLISHED


class Reader:
    """Reads Kafka's types from bytes."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        assert len(taken) == size, "the message ends too early"
        self._at += size
        return taken

    def number(self, kind: str) -> int:
        return int(struct.unpack(f">{kind}", self.take(struct.calcsize(f">{kind}")))[0])

    def text(self) -> str | None:
        size = self.number("h")
        return None if size < 0 else self.take(size).decode()

    def varint(self) -> int:
        """Zigzag: 0, -1, 1, -2 ... in groups of seven bits, the lowest first."""
        value = shift = 0
        while True:
            byte = self.number("B")
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)

    def rest(self) -> bytes:
        return self._data[self._at :]


@dataclass(frozen=True)
class Record:
    """Record that a broker stores, with the topic and acks of its request."""

    topic: str | None
    acks: int
    timestamp_ms: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum, bit by bit, as RFC 3720 (appendix B.4) has it: 32 zero bytes give 0x8A9136AA."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def records_of(batch: Reader, topic: str | None, acks: int) -> list[Record]:
    """The records of one batch in format 2, its checksum proven."""
    batch.number("q")
    batch = Reader(batch.take(batch.number("i")))
    batch.number("i")
    assert batch.number("b") == 2
    assert batch.number("I") == crc32c(batch.rest())
    assert batch.number("h") & 0b111 == 0, "compressed"
    batch.take(4)
    first_timestamp = batch.number("q")
    batch.take(8 + 8 + 2 + 4)
    return [record_of(batch, topic, acks, first_timestamp) for _ in range(batch.number("i"))]


def record_of(batch: Reader, topic: str | None, acks: int, first_timestamp: int) -> Record:
    record = Reader(batch.take(batch.varint()))
    record.take(1)
    timestamp = first_timestamp + record.varint()
    record.varint()
    key, value = record.take(record.varint()), record.take(record.varint())
    headers = [(record.take(record.varint()).decode(), record.take(record.varint())) for _ in range(record.varint())]
    assert record.rest() == b""
    return Record(topic, acks, timestamp, key, value, headers)


def text(value: str) -> bytes:
    return struct.pack(">h", len(value.encode())) + value.encode()


@dataclass
class Broker:
    """A TCP server that speaks as much of Kafka's protocol as a producer needs; one topic has one partition."""

    records: list[Record] = field(default_factory=list)
    error: int = 0
    _server: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._open.append(connection)
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def close(self) -> None:
        for one in (self._server, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError), connection.makefile("rwb") as stream:
            while size := stream.read(4):
                request = Reader(stream.read(struct.unpack(">i", size)[0]))
                api, version, correlation = request.number("h"), request.number("h"), request.take(4)
                request.text()  # the client's id
                body = {0: self._produce, 3: self._metadata, 18: self._api_versions}[api](request, version)
                stream.write(struct.pack(">i", len(correlation + body)) + correlation + body)
                stream.flush()

    def _api_versions(self, _: Reader, version: int) -> bytes:
        """We speak as of Kafka 0.11, the first with headers; who asks in a newer version is told so, in the oldest."""
        spoken = [(0, 3, 3), (3, 4, 4), (18, 0, 0)]
        listed = b"".join(struct.pack(">hhh", *one) for one in spoken)
        return struct.pack(">hi", 35 if version else 0, len(spoken)) + listed

    def _metadata(self, request: Reader, _: int) -> bytes:
        host, port = self.address.split(":")
        names = [request.text() or "" for _ in range(max(request.number("i"), 0))]
        brokers = struct.pack(">ii", 1, 0) + text(host) + struct.pack(">ih", int(port), -1)
        partition = struct.pack(">ihiiiiii", 1, 0, 0, 0, 1, 0, 1, 0)
        topics = b"".join(struct.pack(">h", 0) + text(name) + b"\0" + partition for name in names)
        return struct.pack(">i", 0) + brokers + struct.pack(">hii", -1, 1, len(names)) + topics

    def _produce(self, request: Reader, _: int) -> bytes:
        request.text()  # no transaction
        acks = request.number("h")
        request.take(4)
        assert request.number("i") == 1
        topic = request.text()
        assert (request.number("i"), request.number("i")) == (1, 0)
        stored = records_of(Reader(request.take(request.number("i"))), topic, acks)
        offset = len(self.records)
        self.records += [] if self.error else stored
        answer = struct.pack(">iihqq", 1, 0, self.error, -1 if self.error else offset, -1)
        return struct.pack(">i", 1) + text(topic or "") + answer + struct.pack(">i", 0)


@pytest.fixture
def broker() -> Iterator[Broker]:
    running = Broker()
    thread = threading.Thread(target=running.serve, daemon=True)
    thread.start()
    yield running
    running.close()
    thread.join()


@pytest.fixture
def kafka(broker: Broker) -> Iterator[KafkaEventPublisher]:
    publisher = KafkaEventPublisher(broker.address, TOPIC, patience_ms=5000)
    yield publisher
    publisher.close()


def test_the_checksum_is_the_one_of_the_standard() -> None:
    assert crc32c(bytes(32)) == 0x8A9136AA


def test_kafka_gets_the_event_under_its_aggregates_key(broker: Broker, kafka: KafkaEventPublisher) -> None:
    kafka.publish(MESSAGE)

    (record,) = broker.records
    assert (record.topic, record.acks, record.timestamp_ms) == (TOPIC, -1, 1490797805250)
    assert record.key == b"00000000-0000-4000-8000-0000000000aa"
    assert json.loads(record.value) == PUBLISHED
    assert record.headers == [
        ("event_id", b"00000000-0000-4000-8000-0000000000e1"),
        ("event_type", b"TransactionRecorded"),
        ("version", b"7"),
        ("correlation_id", b"request-7"),
    ]


def test_events_are_acknowledged_one_by_one_in_their_order(broker: Broker, kafka: KafkaEventPublisher) -> None:
    for version in range(1, 6):
        kafka.publish(replace(MESSAGE, version=version))
        assert len(broker.records) == version

    assert [json.loads(record.value)["version"] for record in broker.records] == [1, 2, 3, 4, 5]


def test_a_broker_that_cannot_store_now_is_unavailable_until_it_can(broker: Broker, kafka: KafkaEventPublisher) -> None:
    broker.error = 19  # NOT_ENOUGH_REPLICAS
    with pytest.raises(Unavailable, match="NotEnoughReplicas"):
        kafka.publish(MESSAGE)
    broker.error = 0
    kafka.publish(MESSAGE)

    assert len(broker.records) == 1


def test_a_message_that_a_broker_refuses_is_the_messages_own_fault(broker: Broker, kafka: KafkaEventPublisher) -> None:
    broker.error = 10  # MESSAGE_TOO_LARGE
    with pytest.raises(Exception, match="MessageSizeTooLarge") as refused:
        kafka.publish(MESSAGE)

    assert not isinstance(refused.value, Unavailable)


def test_a_broker_that_does_not_answer_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        publisher = KafkaEventPublisher(address, TOPIC, patience_ms=300)
        with pytest.raises(Unavailable, match=address):
            publisher.publish(MESSAGE)
        publisher.close()


def test_a_broker_that_is_not_there_is_unavailable() -> None:
    """In a process of its own, since the client leaves sockets it could not connect to the garbage collector."""
    publish = f"""if True:
        from datetime import datetime
        from uuid import UUID
        from domain.ports import EventMessage
        from storage.events.publishers import KafkaEventPublisher
        KafkaEventPublisher("127.0.0.1:1", "{TOPIC}", patience_ms=300).publish(
            EventMessage(UUID(int=1), "Happened", UUID(int=2), 1, datetime.now(), "", {{}})
        )
    """
    refused = subprocess.run([sys.executable, "-c", publish], capture_output=True, text=True)

    assert refused.stderr.strip().splitlines()[-1].startswith("storage.errors.Unavailable: Kafka at 127.0.0.1:1: ")


def test_while_the_broker_is_away_events_wait_and_none_is_parked(
    broker: Broker, kafka: KafkaEventPublisher, new_database: Callable[[], Database]
) -> None:
    consumer = Consumer("publisher", None, lambda _, message: kafka.publish(message), retry_after_s=())
    insert = "insert into outbox (aggregate_id, version, event_type, payload) values (%s, %s, 'Happened', '{}')"
    with psycopg.connect(new_database().services_url, autocommit=True, row_factory=dict_row) as session:
        register(session, consumer)
        for version in (1, 2):
            session.execute(insert, (MESSAGE.aggregate_id, version))
        broker.error = 19
        with pytest.raises(Unavailable):
            deliver(session, consumer, SystemClock())
        assert [(one.unhandled, one.dead_letters) for one in lag(session)] == [(2, 0)]

        broker.error = 0
        assert deliver(session, consumer, SystemClock()) == 2
    assert [json.loads(record.value)["version"] for record in broker.records] == [1, 2]


def test_the_settings_choose_the_publisher(broker: Broker) -> None:
    assert isinstance(publisher_of(Settings(kafka_bootstrap=None)), LogEventPublisher)
    chosen = publisher_of(Settings(kafka_bootstrap=f"{broker.address},{broker.address}"))
    assert isinstance(chosen, KafkaEventPublisher)
    chosen.close()


def test_a_worker_without_the_kafka_client_says_what_to_install(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "kafka", None)
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "localhost:9092")
    monkeypatch.setenv("DATABASE_URL", database.app_url)
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # what ends a worker would end the tests

    assert in_one_sentence(main) == 2
    assert capsys.readouterr().err == (
        'error: KAFKA_BOOTSTRAP is set; install its client with: pip install "lakefolio[kafka]"\n'
    )
