"""Kernels of numba, compiled by one worker of a test run and loaded by the others."""

import fcntl
from pathlib import Path
from threading import RLock
from typing import Any

from numba.core.dispatcher import Dispatcher


def compile_in_turn(lock: Path) -> None:
    """Have workers take turns to compile: who comes second finds the kernel in numba's cache.

    In a fresh checkout two compiled all of them at the same time, 12 s of a core each. What a kernel calls is compiled
    within its turn.
    """
    own, file, mutex, within = Dispatcher.compile, lock.open("w"), RLock(), [0]

    def compiled(dispatcher: Any, signature: Any) -> Any:
        with mutex:
            if not within[0]:
                fcntl.flock(file, fcntl.LOCK_EX)
            within[0] += 1
            try:
                return own(dispatcher, signature)
            finally:
                within[0] -= 1
                if not within[0]:
                    fcntl.flock(file, fcntl.LOCK_UN)

    Dispatcher.compile = compiled
