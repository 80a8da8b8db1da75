"""A load generator that costs little: raw keep-alive connections in one thread, each sending its next at once."""

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Load:
    """Result of a run: requests answered per second, latencies in seconds, and every answer that was not 200 or 201."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


def run(port: int, clients: int, seconds: float, requests: Callable[[int], Iterator[bytes]]) -> Load:
    """Let `clients` connections send what `requests(client)` yields, one after another, for `seconds`."""
    load, selector = Load(), selectors.DefaultSelector()
    for client in range(clients):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        state = [requests(client), b"", 0.0]
        selector.register(connection, selectors.EVENT_READ, state)
        _send(connection, state)
    started = time.perf_counter()
    deadline = started + seconds
    open_connections = clients
    while open_connections:
        for key, _ in selector.select(timeout=5):
            state, connection = key.data, key.fileobj
            assert isinstance(connection, socket.socket)
            state[1] += connection.recv(65536)
            if not _is_complete(state[1]):
                continue
            now = time.perf_counter()
            load.latencies.append(now - state[2])
            if not state[1].startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
                load.refused.append(state[1])
            if now > deadline:
                selector.unregister(connection)
                connection.close()
                open_connections -= 1
                continue
            _send(connection, state)
    load.seconds = time.perf_counter() - started
    return load


def _send(connection: socket.socket, state: list) -> None:
    state[1] = b""
    state[2] = time.perf_counter()
    connection.sendall(next(state[0]))


def _is_complete(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    lower = head.lower()
    at = lower.find(b"content-length: ")
    return at >= 0 and len(body) >= int(lower[at + 16 :].split(b"\r\n", 1)[0])


def post(path: str, body: bytes, key: str, more: str = "") -> bytes:
    """One request's bytes, with `more` headers."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: {key}\r\n"
        f"{more}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
