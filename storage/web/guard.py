"""The guard in front of the API and of the Dagster UI: a web page of another site cannot act as the owner.

Any page that a browser shows can reach a server on localhost, by DNS rebinding even under a name of its own. Two checks
without state close both. The Host must be a name that no stranger can point here, compared whole: a literal address of
the loopback interface, `localhost`, a name below `.localhost`, or one that WEB_HOSTS declares. A request that may
change something, and the handshake of a WebSocket, must come from a page of the same origin by Sec-Fetch-Site, or where
a browser does not send that by Origin; programs send neither and pass. (The idea is Go's CrossOriginProtection, 1.25.)

Plain ASGI, because it stands outside of whatever it guards, on the hot path.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]
Headers = Iterable[Header]

CODE = "lakefolio.code"
"""Where a request's scope carries the code of the problem it was answered with."""
NO_FRAMES = "frame-ancestors 'none'"
_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
_OF_THIS_SITE = frozenset((b"same-origin", b"none"))
_HOST = re.compile(rb"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::[0-9]{1,5})?")
_BELOW_LOCALHOST = re.compile(r"(?:[a-z0-9_-]{1,63}\.)+localhost")
_DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # `no-referrer` would make a form's own Origin null
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class WebRefusal(Exception):
    """A request that is turned down for its form, whatever it asks: a status, a stable code, and what to do."""

    def __init__(self, status: int, code: str, detail: str, headers: Headers = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = list(headers)


def problem_members(status: int, code: str, detail: str, instance: str) -> dict[str, object]:
    """The members of RFC 9457 that every problem of ours has."""
    return {
        "type": f"urn:lakefolio:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "instance": instance,
    }


def values_of(headers: Headers, name: bytes) -> list[bytes]:
    """All values of a header, in the order in which they were sent."""
    return [value for key, value in headers if key == name]


@lru_cache(maxsize=256)
def is_loopback(address: str) -> bool:
    """True for a literal address of the loopback interface, in its canonical form; 0.0.0.0 is none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return found.is_loopback and getattr(found, "ipv4_mapped", None) is None


def invalid_host() -> WebRefusal:
    detail = "a request needs exactly one Host header, a name or an address with at most a port"
    return WebRefusal(400, "invalid_host", detail)


def host_not_allowed() -> WebRefusal:
    detail = "this server answers only under localhost and its addresses; declare another name in WEB_HOSTS"
    return WebRefusal(421, "host_not_allowed", detail)


def cross_origin() -> WebRefusal:
    detail = "a page of another site may not change anything here; send the request from this origin or from a program"
    return WebRefusal(403, "cross_origin", detail)


def not_local() -> WebRefusal:
    detail = "without accounts this server answers only to this machine; let it listen on 127.0.0.1"
    return WebRefusal(421, "not_local", detail)


class WebGuard:
    """`app`, answering only to requests that no other site can have made, with security headers on every answer.

    `hosts` are the declared names. `is_published` says that requests may arrive at other addresses than loopback: the
    ports of this container are published on the loopback interface of its machine, or everybody signs in. `check` may
    raise a further WebRefusal. `policy` is the Content-Security-Policy of what brings none, `page_policy` that of HTML.
    """

    def __init__(
        self,
        app: App,
        hosts: frozenset[str] = frozenset(),
        is_published: bool = False,
        check: Callable[[Scope], None] | None = None,
        policy: str = NO_FRAMES,
        page_policy: str | None = None,
    ) -> None:
        self._app = app
        self._is_published = is_published
        self._check = check
        self._policy = policy.encode()
        self._page_policy = (page_policy or policy).encode()
        self._allowed = lru_cache(maxsize=256)(lambda host: _check_host(host, hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                message["headers"] = self._secured(list(message.get("headers", ())))
            await send(message)

        try:
            self._judge(scope)
        except WebRefusal as refusal:
            await answer(refusal, scope, secured)
        else:
            await self._app(scope, receive, secured)

    def _judge(self, scope: Scope) -> None:
        server = scope.get("server")
        if not (self._is_published or server is None or server[1] is None or is_loopback(server[0])):
            raise not_local()
        headers = scope["headers"]
        hosts = values_of(headers, b"host")
        if len(hosts) != 1:
            raise invalid_host()
        host = hosts[0].lower()
        refusal = self._allowed(host)
        if refusal is not None:
            raise refusal
        if scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS:
            _refuse_other_origins(headers, scope.get("scheme", "http").encode(), host)
        if self._check is not None:
            self._check(scope)

    def _secured(self, headers: list[Header]) -> list[Header]:
        own = {name.lower(): value for name, value in headers}
        is_page = own.get(b"content-type", b"").startswith(b"text/html")
        return headers + security_headers(own, self._page_policy if is_page else self._policy)


def _check_host(host: bytes, declared: frozenset[str]) -> WebRefusal | None:
    """Return why a Host, in lower case, is refused; None if it is one of ours."""
    parsed = _HOST.fullmatch(host)
    if parsed is None:
        return invalid_host()
    name = (parsed["v6"] or parsed["name"]).decode()
    is_ours = name == "localhost" or is_loopback(name) or name in declared or _BELOW_LOCALHOST.fullmatch(name)
    return None if is_ours else host_not_allowed()


def _refuse_other_origins(headers: Headers, scheme: bytes, host: bytes) -> None:
    sites, origins = values_of(headers, b"sec-fetch-site"), values_of(headers, b"origin")
    if len(sites) > 1 or len(origins) > 1 or (sites and sites[0] not in _OF_THIS_SITE):
        raise cross_origin()
    if not origins:
        return
    scheme = {b"ws": b"http", b"wss": b"https"}.get(scheme, scheme)
    origin_scheme, _, authority = origins[0].lower().partition(b"://")
    is_same_host = _without_default_port(origin_scheme, authority) == _without_default_port(origin_scheme, host)
    if sites and (is_same_host or origins[0] == b"null"):
        return  # a browser's word; behind a proxy with TLS its scheme is not ours, and a form's Origin may be null
    if not (is_same_host and origin_scheme == scheme):
        raise cross_origin()


def _without_default_port(scheme: bytes, authority: bytes) -> bytes:
    port = _DEFAULT_PORTS.get(scheme)
    return authority.removesuffix(port) if port else authority


def security_headers(own: Mapping[bytes, bytes], policy: bytes = NO_FRAMES.encode()) -> list[Header]:
    """The headers to add to an answer that brings `own`, by lower-case names; of two policies both hold."""
    added = [header for header in _HEADERS if header[0] not in own]
    if b"frame-ancestors" not in own.get(b"content-security-policy", b""):
        added.append((b"content-security-policy", policy))
    return added


async def answer(refusal: WebRefusal, scope: Scope, send: Send) -> None:
    """Answer a request, or the handshake of a WebSocket, with a problem."""
    scope[CODE] = refusal.code
    is_socket = scope["type"] == "websocket"
    if is_socket and "websocket.http.response" not in scope.get("extensions", ()):
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.code})
        return
    kind = "websocket.http.response" if is_socket else "http.response"
    headers, body = written(refusal, scope.get("path", ""))
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body if scope.get("method") != "HEAD" else b""})


def written(refusal: WebRefusal, instance: str) -> tuple[list[Header], bytes]:
    """The headers and the body of the problem that a refusal is answered with."""
    body = json.dumps(problem_members(refusal.status, refusal.code, refusal.detail, instance)).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    return headers + refusal.headers, body
