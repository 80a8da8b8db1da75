"""Requests that a page of a stranger can send to a server on this machine, and those that programs of the owner send.

A probe is put on the wire as it stands, because an HTTP client would mend a Host or refuse to send two.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
EVIL = "Origin: http://evil.example"
FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"
PLAIN = "Content-Type: text/plain"
SOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", KEY)
HOST = "Host: {address}"


@dataclass(frozen=True)
class Probe:
    """A request as it is sent: `{address}` is the server's own, `{port}` its port."""

    line: str
    headers: Sequence[str]
    body: str = ""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str


def send(root: str, probe: Probe, timeout_s: float = 10) -> Answer:
    """The answer to `probe` from the server at `root`; status 0 if it was hung up on."""
    address = urlsplit(root).netloc
    port = address.rpartition(":")[2]
    ending = [] if KEY in probe.headers else ["Connection: close"]
    lines = [probe.line, *probe.headers, *ending]
    if probe.body:
        lines.append(f"Content-Length: {len(probe.body.encode())}")
    head = "\r\n".join(lines).replace("{address}", address).replace("{port}", port)
    with socket.create_connection(("127.0.0.1", int(port)), timeout=timeout_s) as wire:
        wire.sendall(f"{head}\r\n\r\n{probe.body}".encode())
        received = b""
        while chunk := _received(wire):
            received += chunk
            if b"101 Switching" in received:
                break
    if not received:
        return Answer(0, {}, "")
    head, _, body = received.decode(errors="replace").partition("\r\n\r\n")
    status, *headers = head.split("\r\n")
    named = [line.partition(":") for line in headers]
    return Answer(int(status.split()[1]), {name.lower(): value.strip() for name, _, value in named}, body)


def _received(wire: socket.socket) -> bytes:
    try:
        return wire.recv(65_536)
    except ConnectionResetError:
        return b""


WRONG_HOSTS = {
    "a name that was rebound": ["Host: evil.example"],
    "it with our port": ["Host: evil.example:{port}"],
    "ours as its prefix": ["Host: localhost.evil.example"],
    "ours as its prefix without a dot": ["Host: localhostevil.example"],
    "an address as its prefix": ["Host: 127.0.0.1.evil.example:{port}"],
    "ours as its suffix": ["Host: evil-localhost:{port}"],
    "an address as its suffix": ["Host: evil.127.0.0.1"],
    "no label before .localhost": ["Host: .localhost"],
    "an empty label before .localhost": ["Host: evil..localhost"],
    "every interface": ["Host: 0.0.0.0:{port}"],
    "every interface of IPv6": ["Host: [::]:{port}"],
    "an address of the network": ["Host: 192.168.0.10:{port}"],
    "loopback mapped into IPv6": ["Host: [::ffff:127.0.0.1]:{port}"],
    "loopback as one number": ["Host: 2130706433"],
    "loopback in two parts": ["Host: 127.1"],
    "loopback in octal": ["Host: 0177.0.0.1"],
    "loopback in hexadecimal": ["Host: 0x7f.0.0.1"],
    "a trailing dot": ["Host: localhost.:{port}"],
    "a trailing dot of theirs": ["Host: evil.example."],
    "a user": ["Host: localhost@evil.example"],
    "a user of ours": ["Host: evil.example@{address}"],
    "a user and a password": ["Host: localhost:80@evil.example"],
    "a port that is none": ["Host: localhost:evil"],
    "a port without end": ["Host: localhost:800000"],
    "an open bracket": ["Host: [::1"],
    "a zone": ["Host: [::1%25lo]"],
    "IPv6 without brackets": ["Host: ::1"],
    "a path": ["Host: localhost/evil.example"],
    "a comma": ["Host: localhost, evil.example"],
    "two hosts, ours first": ["Host: {address}", "Host: evil.example"],
    "two hosts, ours last": ["Host: evil.example", "Host: {address}"],
    "no host": [],
    "an empty host": ["Host:"],
}
"""Hosts under which a page of a stranger could reach us, or that it could hope we read otherwise than it does."""

WRONG_ORIGINS = {
    "another site": [EVIL],
    "another site over TLS": ["Origin: https://evil.example"],
    "ours as its prefix": ["Origin: http://{address}.evil.example"],
    "ours with a dot": ["Origin: http://localhost.:{port}"],
    "another port of ours": ["Origin: http://127.0.0.1:1"],
    "no port": ["Origin: http://127.0.0.1"],
    "another scheme": ["Origin: https://{address}"],
    "another name of ours": ["Origin: http://localhost:{port}"],
    "ours as its user": ["Origin: http://{address}@evil.example"],
    "every interface": ["Origin: http://0.0.0.0:{port}"],
    "nobody": ["Origin: null"],
    "an empty one": ["Origin:"],
    "two origins": ["Origin: http://{address}", EVIL],
    "a browser's word": ["Sec-Fetch-Site: cross-site"],
    "a browser's word of a sister site": ["Sec-Fetch-Site: same-site"],
    "a browser's word against the origin": ["Sec-Fetch-Site: cross-site", "Origin: http://{address}"],
    "two words of a browser": ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"],
    "a word that no browser has": ["Sec-Fetch-Site: same-origin, cross-site"],
    "an origin against a browser's word": ["Sec-Fetch-Site: same-origin", EVIL],
}
"""Headers of a browser that shows the page of a stranger, or of one that lies."""

RIGHT = {
    "curl": [HOST],
    "curl by the name": ["Host: localhost:{port}"],
    "curl by IPv6": ["Host: [::1]:{port}"],
    "curl by another loopback address": ["Host: 127.0.0.53:{port}"],
    "a name below localhost": ["Host: lakefolio.localhost:{port}"],
    "capitals": ["Host: LocalHost:{port}"],
    "through a tunnel": ["Host: localhost:9000"],
    "a declared name": ["Host: lakefolio.home"],
    "a page of ours": [HOST, "Origin: http://{address}", "Sec-Fetch-Site: same-origin"],
    "a page of ours in an old browser": [HOST, "Origin: http://{address}"],
    "a page of ours on port 80": ["Host: localhost", "Origin: http://localhost:80"],
    "an address typed by its owner": [HOST, "Sec-Fetch-Site: none"],
    "a form of ours without a referrer": [HOST, "Origin: null", "Sec-Fetch-Site: same-origin"],
    "behind a proxy with TLS": [
        "Host: lakefolio.home",
        "Origin: https://lakefolio.home",
        "Sec-Fetch-Site: same-origin",
    ],
}
"""Headers of the owner's own programs and pages."""
