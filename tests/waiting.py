"""Waiting for what another process or thread does."""

import time
from collections.abc import Callable


def wait_until(is_true: Callable[[], bool], seconds: float = 30) -> None:
    """Return once it is true; the limit only ends a test that would wait for ever."""
    until = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.05)
