"""Id of the request or event that caused what happens now: logs, outbox rows and answers carry it."""

from contextvars import ContextVar
from uuid import uuid4

from storage.inside import Inside

_CURRENT: ContextVar[str | None] = ContextVar("correlation_id", default=None)


def correlation_id() -> str:
    """The id of the cause; a new one where nothing has been named as the cause."""
    return _CURRENT.get() or str(uuid4())


def cause() -> str | None:
    """The id of the cause, or None where nothing has been named as one."""
    return _CURRENT.get()


def correlated(cause: str) -> Inside[str | None]:
    """Everything inside was caused by `cause`."""
    return Inside(_CURRENT, cause)
