"""Asking servers that may be busy, refuse for days, or answer with something else.

    Transient        no answer, or 5xx: asked again a few times
    +-- RateLimited  429: asked again for as long as there is patience
    BadResponse      an answer that is not what was asked for: asking again would not help
    +-- Unknown      the server has never heard of it
    OutOfPatience    too much time was lost: whatever has not come by now is for a later run

What belongs here: when to wait, when to give up, and one plain GET. What an answer means is its adapter's business.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pyarrow as pa

from domain.ports import IncompleteMarket
from pipelines.sources.market_tables import table_of

Row = Mapping[str, Any]


class Transient(Exception):
    attempts: ClassVar[float] = 3

    def __init__(self, message: str, retry_after_seconds: float = 0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class RateLimited(Transient):
    attempts: ClassVar[float] = float("inf")


class BadResponse(Exception):
    pass


class Unknown(BadResponse):
    pass


class OutOfPatience(Exception):
    pass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How much time one call may lose to servers that do not answer; time in which answers come is not counted.

    Waits double from `first_wait_seconds` on, and are shortened by up to a half at random, so that several processes do
    not come back together. A server's Retry-After is kept, unless it asks for more than is left.
    """

    budget_seconds: float = 120
    first_wait_seconds: float = 2
    longest_wait_seconds: float = 60
    pause_seconds: float = 1
    batch_size: int = 20
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random

    def wait_seconds(self, attempt: int) -> float:
        longest = min(self.longest_wait_seconds, self.first_wait_seconds * 2.0 ** (attempt - 1))
        return longest * (1 - self.chance() / 2)


class _Asking:
    """One call's use of a patience."""

    def __init__(self, patience: RetryPolicy) -> None:
        self._patience = patience
        self._lost_seconds = 0.0

    def answer(self, ask: Callable[[], Iterable[Row]]) -> list[Row]:
        for attempt in count(1):
            began = self._patience.now()
            try:
                return list(ask())
            except Transient as busy:
                wait = max(busy.retry_after_seconds, self._patience.wait_seconds(attempt))
                self._lost_seconds += self._patience.now() - began
                if self._lost_seconds + wait > self._patience.budget_seconds:
                    raise OutOfPatience(f"{busy}; given up after {self._lost_seconds:.0f} s") from busy
                if attempt >= busy.attempts:
                    raise BadResponse(f"{busy}, {attempt} times") from busy
                self._patience.sleep(wait)
                self._lost_seconds += wait
        raise AssertionError("count() ended")


def fetch_all(
    source: str,
    wanted: Sequence[str],
    ask: Callable[[str], Iterable[Row]],
    patience: RetryPolicy,
    schema: pa.Schema,
    *by: str,
) -> pa.Table:
    """Ask about each of `wanted`; the rows sorted by the columns `by`, or IncompleteMarket with what did come.

    Asks one after the other, with a pause after each batch. Who was not asked any more is missing too.
    """
    asking, rows, missing, unknown = _Asking(patience), list[Row](), dict[str, str](), list[str]()
    for number, name in enumerate(wanted):
        if number and number % patience.batch_size == 0:
            patience.sleep(patience.pause_seconds)
        try:
            rows += asking.answer(lambda name=name: ask(name))
        except BadResponse as error:
            missing[name] = str(error)
            unknown += [name] if isinstance(error, Unknown) else []
        except OutOfPatience as error:
            missing |= {name: str(error)} | dict.fromkeys(wanted[number + 1 :], "not asked any more")
            break
    table = table_of(rows, schema, *by)
    if missing:
        raise IncompleteMarket(source, table, missing, unknown)
    return table


def get(url: str, timeout_seconds: float) -> bytes:
    """The body of an answer with status 200. Errors never show the query, which may have a key in it."""
    import httpx  # slow to import: only for those who ask

    try:
        answer = httpx.get(url, headers={"User-Agent": "lakefolio"}, timeout=timeout_seconds, follow_redirects=True)
    except httpx.HTTPError as error:
        raise Transient(f"{place(url)} does not answer ({type(error).__name__})") from error
    refuse(answer.status_code, url, answer.headers.get("Retry-After"), answer.text[:300])
    return answer.content


def refuse(status: int, url: str, retry_after: str | None = None, body: str = "") -> None:
    """Raise what a status of 400 or more means."""
    if status == 429:
        seconds = float(retry_after) if retry_after and retry_after.isdigit() else 0.0  # a date is not worth parsing
        raise RateLimited(f"{place(url)} says 429, too many requests", seconds)
    if status >= 500:
        raise Transient(f"{place(url)} says {status}")
    if status >= 400:
        raise (Unknown if status == 404 else BadResponse)(f"{place(url)} says {status}: {' '.join(body.split())}")


def place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"


def on_days(rows: Iterable[Row], column: str, start: Any, end: Any) -> Iterator[Row]:
    """The rows whose day is in the window, both ends included."""
    return (row for row in rows if start <= row[column] <= end)
