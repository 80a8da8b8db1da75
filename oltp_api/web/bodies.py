"""The form of a request, whatever it asks: how much it brings, of which type, and each thing said once.

All of it is decided before anything is parsed or stored, so that no request can fill the memory, and so that none is
read otherwise than it was meant: of two keys, headers or parameters of one name, a reader would silently drop one.
"""

import asyncio
import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from fastapi import Request
from starlette.requests import ClientDisconnect

from storage.web.guard import WebRefusal, values_of

SMALL = 65_536
"""Bytes. A route that takes more says so with `takes`; what is larger is parsed in a thread."""
MOST_MEMBERS = 10_000
"""Most members of one object: each unknown one is an error of its own."""
_ONCE = (b"idempotency-key", b"content-type", b"if-match", b"if-none-match")
_CHARSETS = frozenset(("utf-8", "utf8", "us-ascii"))
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Cost:
    """Limit of a route's body, and a mark of one that may take long, whatever it is sent."""

    most_bytes: int = SMALL
    is_costly: bool = False

    def __call__(self, endpoint: F) -> F:
        """Mark a route's function with its cost."""
        endpoint.__dict__["cost"] = self
        return endpoint


def takes(most_bytes: int) -> Cost:
    """A route that takes a body of more than `SMALL` bytes; one that brings so much waits for its turn."""
    return Cost(most_bytes)


def costly(most_bytes: int = SMALL) -> Cost:
    """A route that may take long, so that few of its kind run at once."""
    return Cost(most_bytes, is_costly=True)


def cost_of(endpoint: Callable[..., Any]) -> Cost:
    found: Cost = getattr(endpoint, "cost", Cost())
    return found


class Bounds:
    """Room for large bodies and turns for costly work, shared by the requests of one application.

    Reads and writes take turns apart, so that an import does not keep anybody from looking. Two at once are what keeps
    the event loop's share of the interpreter: 80 reviews in 40 threads made `/health/live` wait for seconds.
    """

    AT_ONCE = 2
    MOST_BUFFERED = 40_000_000
    """Bytes of large bodies that are read and not yet answered, of all requests together."""
    BODY_SECONDS = 30.0

    def __init__(self) -> None:
        self._buffered = 0
        self._reading = asyncio.Semaphore(self.AT_ONCE)
        self._writing = asyncio.Semaphore(self.AT_ONCE)

    def turn(self, method: str) -> asyncio.Semaphore:
        return self._reading if method == "GET" else self._writing

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        """Room for a large body, while inside; refused if others have taken it."""
        if self._buffered + size > self.MOST_BUFFERED:
            raise too_much_at_once()
        self._buffered += size
        try:
            yield
        finally:
            self._buffered -= size


def too_much_at_once() -> WebRefusal:
    detail = "too many large requests are being answered; nothing was stored, try again"
    return WebRefusal(503, "busy", detail, [(b"retry-after", b"10")])


def too_large(most: int) -> WebRefusal:
    return WebRefusal(413, "too_large", f"a body has at most {most:,} bytes here; split it")


def too_slow() -> WebRefusal:
    detail = "the body did not arrive in time; nothing was stored, send it again"
    return WebRefusal(408, "too_slow", detail)


def cut_off() -> WebRefusal:
    """Nobody reads it: it is for the log and the metrics, in which a client that hangs up is no error of ours."""
    return WebRefusal(400, "cut_off", "the connection ended within the body; nothing was stored")


def wrong_type(types: Collection[str]) -> WebRefusal:
    what = f"must be sent as {' or '.join(sorted(types))}, in UTF-8" if types else "must be left out here"
    return WebRefusal(415, "unsupported_media_type", f"the body {what}")


def said_twice(what: str) -> WebRefusal:
    return WebRefusal(400, "repeated", f"{what} is there more than once; send it once")


def wrong_encoding() -> WebRefusal:
    return WebRefusal(400, "invalid_encoding", "the address must be UTF-8, percent-encoded")


def no_json(why: str) -> WebRefusal:
    return WebRefusal(400, "invalid_json", f"the body is not JSON: {why}")


def check_form(request: Request) -> None:
    """Refuse an address that is not UTF-8, and a header or a parameter that is there twice."""
    scope = request.scope
    for name in _ONCE:
        if len(values_of(scope["headers"], name)) > 1:
            raise said_twice(f"the header {name.decode()}")
    query: bytes = scope["query_string"]
    if query or b"%" in scope["raw_path"]:
        if not _is_utf8(query) or not _is_utf8(scope["raw_path"]):
            raise wrong_encoding()
        names = [name for name, _ in request.query_params.multi_items()]
        if len(set(names)) < len(names):
            raise said_twice("a parameter of the query")


def _is_utf8(address: bytes) -> bool:
    try:
        unquote_to_bytes(address).decode()
    except UnicodeDecodeError:
        return False
    return address.isascii()


def brings_body(request: Request) -> bool:
    headers = request.headers
    return "transfer-encoding" in headers or headers.get("content-length", "0").strip("0") != ""


def check_type(request: Request, types: Collection[str]) -> None:
    """Refuse a body of another type than `types`, or in another encoding than UTF-8."""
    kind, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    charsets = [each.removeprefix("charset=").strip('"') for each in parameters if each.startswith("charset=")]
    if kind not in types or not set(charsets) <= _CHARSETS:
        raise wrong_type(types)


def announced_size(request: Request, most: int) -> int:
    """Return how many bytes the body has at most, before it is read; refuse one that announces more than `most`."""
    said = request.headers.get("content-length")
    if said is not None and int(said) > most:
        raise too_large(most)
    return most if said is None else int(said)


async def read_body(request: Request, most: int, seconds: float) -> bytes:
    """The whole body, of which no more is read than `most` bytes, and no longer than `seconds`."""
    received = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                received += chunk
                if len(received) > most:
                    raise too_large(most)
    except TimeoutError as error:
        raise too_slow() from error
    except ClientDisconnect as error:
        raise cut_off() from error
    return bytes(received)


def parse_json(body: bytes) -> Any:
    """Parse `body`: numbers keep all of their digits, and no member hides another one."""

    def whole(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(pairs) > MOST_MEMBERS:
            raise no_json(f"an object has more than {MOST_MEMBERS:,} members")
        found = dict(pairs)
        if len(found) < len(pairs):
            raise said_twice("a key of an object")
        return found

    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=whole, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise no_json(f"{error.msg} (line {error.lineno}, column {error.colno})") from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise no_json("it is not UTF-8, too deep, or has a number that nobody can mean") from error
