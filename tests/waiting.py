"""Waiting for what another process or thread does."""

import time
from collections.abc import Callable


def wait_until(is_true: Callable[[], bool], seconds: float = 30, pause: float = 0.05) -> None:
    """Return once it is true; the limit only ends a test that would wait for ever. To ask may take a while: `pause`."""
    until = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(pause)
