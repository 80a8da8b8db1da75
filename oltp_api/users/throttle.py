"""Failed attempts to sign in: after some of them the next has to wait, longer each time, before anything is hashed.

By address, for who tries many users; a proxy's address is everybody's, so one of this machine is none. By user, for who
comes from many addresses: then never for long, since a stranger must not lock anybody out. In memory of the one process
that signs in; a restart forgives.

A code of a second factor is tried by who has the password already, so there a stranger locks nobody out and the wait is
long; and it is counted before it is looked at, since many could be sent at once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from cachetools import TTLCache

from storage.web.guard import WebRefusal, is_loopback

_PAUSES = {"user": (5, 20.0), "address": (20, 900.0), "code": (5, 900.0)}
"""Failures that are free and the longest wait in seconds, by kind."""
_FORGOTTEN_AFTER_S = 3600.0
_MOST_KNOWN = 100_000


def too_many_failed(seconds: float) -> WebRefusal:
    wait = max(1, round(seconds + 0.5))
    detail = f"too many attempts have failed; try again in {wait} s"
    return WebRefusal(429, "too_many_attempts", detail, [(b"retry-after", str(wait).encode())])


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    again_at: float


class Throttle:
    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._failures: TTLCache[tuple[str, str], _Failures] = TTLCache(_MOST_KNOWN, _FORGOTTEN_AFTER_S, clock)

    def check(self, email: str, address: str) -> None:
        """Refuse an attempt that comes too early."""
        self._check(_keys(email, address))

    def failed(self, email: str, address: str) -> None:
        self._count(_keys(email, address))

    def try_code(self, user_id: UUID) -> None:
        """Refuse a code that comes too early; another one counts as failed until `code_succeeded`."""
        key = ("code", str(user_id))
        self._check([key])
        self._count([key])

    def code_succeeded(self, user_id: UUID) -> None:
        self._failures.pop(("code", str(user_id)), None)

    def succeeded(self, email: str) -> None:
        """Forget a user's failures; an address keeps its own, or who has one password could try others for ever."""
        self._failures.pop(("user", email.casefold()), None)

    def _check(self, keys: Iterable[tuple[str, str]]) -> None:
        now = self._clock()
        before = [self._failures.get(key) for key in keys]
        again_at = max((each.again_at for each in before if each is not None), default=0.0)
        if again_at > now:
            raise too_many_failed(again_at - now)

    def _count(self, keys: Iterable[tuple[str, str]]) -> None:
        for key in keys:
            before = self._failures.get(key)
            count = 1 + (before.count if before else 0)
            self._failures[key] = _Failures(count, self._clock() + _pause(key[0], count))


def _keys(email: str, address: str) -> list[tuple[str, str]]:
    by_user = ("user", email.casefold())
    return [by_user] if is_loopback(address) or not address else [by_user, ("address", address)]


def _pause(kind: str, count: int) -> float:
    """Seconds to wait after so many failures: none at first, then 1, 2, 4 ... up to the longest."""
    free, longest = _PAUSES[kind]
    return 0.0 if count < free else min(2.0 ** min(count - free, 20), longest)
