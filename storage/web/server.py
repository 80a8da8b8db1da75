"""Servers of our web applications: on the loopback interface only, and bounded in what one client can hold.

uvicorn bounds neither how long nor how large a request's head may be. `BoundedProtocol` does: a head that is not whole
after ten seconds or in 64 kB ends its connection, and of too many half-open ones the oldest makes room for the newest.
"""

import asyncio
import sys
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from storage.errors import SetupError
from storage.settings import Settings
from storage.web.guard import WebRefusal, is_loopback, security_headers, written

_IDLE_SECONDS = 75
"""A connection without a request is kept for longer than clients keep theirs (httpx 5 s, browsers 60): given up first
by the server, it resets the request that just sets out on it."""

_HALF_OPEN: "dict[BoundedProtocol, None]" = {}
"""Connections whose next request has not been read to the end of its head, oldest first."""


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 by httptools, with bounds on the head of a request. A target must be a path, never another server's."""

    HEAD_SECONDS = 10.0
    MOST_HEAD_BYTES = 65_536
    MOST_HALF_OPEN = 500
    MOST_UNREAD_BYTES = 256_000_000
    """Bytes that a connection may send of bodies that go on after their requests were answered, all together."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_bytes = self._unread_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._head_begins()
        if len(_HALF_OPEN) > self.MOST_HALF_OPEN:
            next(iter(_HALF_OPEN)).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_ends()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        is_head = self._deadline is not None
        super().data_received(data)
        if is_head and self._deadline is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > self.MOST_HEAD_BYTES:
                self.send_400_response("the head of a request has at most 64 kB")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_begins()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if not self.url.startswith((b"/", b"*")):  # an absolute form names a server, which may be another one
            raise ValueError("the target of a request must be a path")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._deadline is None:  # uvicorn would add a trailer to the headers, which have been judged
            raise ValueError("trailers are not taken")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_ends()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self.cycle.response_complete:
            self._unread_bytes += len(body)
            if self._unread_bytes > self.MOST_UNREAD_BYTES:
                self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request that can be judged as every other problem is answered, and end the connection."""
        headers, body = written(WebRefusal(400, "invalid_request", msg, [(b"connection", b"close")]), "")
        lines = [b"%s: %s" % header for header in headers + security_headers(dict(headers))]
        self.transport.write(b"\r\n".join([b"HTTP/1.1 400 Bad Request", *lines, b"", body]))
        self.transport.close()

    def _head_begins(self) -> None:
        if self._deadline is None:
            self._head_bytes = 0
            self._deadline = self.loop.call_later(self.HEAD_SECONDS, self._abort)
            _HALF_OPEN[self] = None

    def _head_ends(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        _HALF_OPEN.pop(self, None)

    def _abort(self) -> None:
        self.transport.abort()


def refuse_open_address(host: str, settings: Settings) -> None:
    """Refuse an address that other machines can reach, unless the container's ports are published on loopback only.

    With AUTH=accounts a server may listen there, if people reach it by TLS.
    """
    if host == "localhost" or is_loopback(host) or settings.web_published_on is not None:
        return
    if settings.has_accounts:
        if settings.is_encrypted:
            return
        raise SetupError(
            f"on {host} passwords would cross the network as they are; set PUBLIC_URL=https://... to where your proxy "
            "ends TLS, or listen on 127.0.0.1"
        )
    raise SetupError(
        f"on {host} others than this machine could act as the owner; listen on 127.0.0.1, ::1 or localhost (in a "
        "container whose ports are published there only, set WEB_PUBLISHED_ON=127.0.0.1), or have everybody sign in by "
        "AUTH=accounts"
    )


def configured(app: Any, host: str, port: int, **more: Any) -> uvicorn.Config:
    """uvicorn's configuration for `app`. No header may say what the address or the scheme of a request was."""
    ours: dict[str, Any] = {
        "log_level": "warning",
        "http": BoundedProtocol,
        "proxy_headers": False,
        "server_header": False,
        "timeout_keep_alive": _IDLE_SECONDS,
        "ws_max_size": 1_000_000,
    }
    return uvicorn.Config(app, host=host, port=port, **(ours | more))


def serve(app: Any, host: str, port: int, settings: Settings, **more: Any) -> None:
    """Serve `app` until SIGTERM; exit with 3 if it does not start, as uvicorn does."""
    refuse_open_address(host, settings)
    server = uvicorn.Server(configured(app, host, port, **more))
    server.run()
    if not server.started:
        sys.exit(3)
