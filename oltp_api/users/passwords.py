"""Passwords: which are taken, and argon2id behind one gate.

A hash takes 64 MiB and a tenth of a second of all cores. So one is made at a time, in a thread of its own, which
nobody's requests wait for but those that bring a password; and of those only so many wait, the others are told to come
again. A caller that goes away leaves its place in the queue taken until its hash is made.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from domain.errors import Refusal
from storage.web.guard import WebRefusal

T = TypeVar("T")
SHORTEST, LONGEST = 8, 128


class CommonPassword(Refusal):
    code = "common_password"

    def __init__(self) -> None:
        super().__init__("this password is among the commonest, which are tried first; take another, best a long one")


def too_many_sign_in() -> WebRefusal:
    return WebRefusal(503, "busy", "too many are signing in at this moment; try again", [(b"retry-after", b"5")])


class PasswordGate:
    """Hashes and compares passwords one at a time."""

    def __init__(self, most_waiting: int = 32) -> None:
        self._most_waiting = most_waiting
        self._hashing = PasswordHash((Argon2Hasher(),))
        self._thread = ThreadPoolExecutor(1, "argon2", _give_way)
        self._waiting = 0
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        return await self._turn(lambda: self._hashing.hash(password))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """True if the hash is of the password. Without one it takes as long, and is never true."""
        return await self._turn(lambda: self._verified(password, password_hash))

    def _verified(self, password: str, password_hash: str | None) -> bool:
        if self._nobodys is None:
            self._nobodys = self._hashing.hash("the password of nobody")
        try:
            is_right = self._hashing.verify(password, password_hash or self._nobodys)
        except UnknownHashError:
            return False
        return is_right and password_hash is not None

    def close(self) -> None:
        self._thread.shutdown()

    async def _turn(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._most_waiting:
            raise too_many_sign_in()
        self._waiting += 1
        turn = asyncio.get_running_loop().run_in_executor(self._thread, work)
        turn.add_done_callback(self._leave)
        return await asyncio.shield(turn)

    def _leave(self, turn: "asyncio.Future[T]") -> None:
        self._waiting -= 1
        if not turn.cancelled():
            turn.exception()  # whoever waited for it may have gone


def _give_way() -> None:
    """Have this thread, and the lanes that it starts, run after whatever answers others: 0.3 s of several cores."""
    with suppress(OSError, AttributeError):  # a thread has a priority of its own on Linux only
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


def check_password(password: str, email: str) -> None:
    """Refuse what is tried first: a common password, or the user's own address."""
    plain = password.casefold()
    if plain in _commonest() or plain in (email.casefold(), email.casefold().partition("@")[0]) or "lakefolio" in plain:
        raise CommonPassword


@cache
def _commonest() -> frozenset[str]:
    """The 30,000 passwords that were found most often, of those that are long enough."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # a quarter of a megabyte, for who sets a password

    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST)
