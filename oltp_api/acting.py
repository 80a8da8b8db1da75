"""The command of a request and its user, for whatever is committed in it: a row of the audit log joins every write.

It stands in the context of the request, which threads take over, so that no handler can forget it. With AUTH=local
nobody signs in, and nothing is recorded.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from domain.values import quickly_made
from storage.inside import Inside

_COLUMNS = "at, user_id, session_id, token_id, action, portfolio_id, subject, correlation_id"
AUDIT = f"""
insert into audit_event ({_COLUMNS})
select {_COLUMNS}
from jsonb_to_recordset(%(events)s) as event(
    at timestamptz, user_id uuid, session_id uuid, token_id uuid, action text, portfolio_id uuid, subject text,
    correlation_id text
)
"""
AUDIT_OF_A_WRITE = f"{AUDIT}where pg_current_xact_id_if_assigned() is not null"
"""A unit of work that has only read has no id of a transaction, and leaves no event."""


@quickly_made
@dataclass(frozen=True, slots=True)
class Acting:
    """A command in the words of its route, with who sent it: a user, by a session or a token."""

    user_id: UUID | None
    action: str
    session_id: UUID | None = None
    token_id: UUID | None = None
    portfolio_id: UUID | None = None
    subject: str | None = None

    def row(self, at: datetime, correlation_id: str | None) -> Mapping[str, Any]:
        return {**dict(zip(self.__slots__, _facts(self), strict=True)), "at": at, "correlation_id": correlation_id}


_facts = attrgetter(*Acting.__slots__)


def events(*rows: Mapping[str, Any]) -> Mapping[str, str]:
    """Rows of commands as AUDIT takes them: however many, they are one statement."""
    return {"events": to_json(rows).decode()}


_ACTING: ContextVar[Acting | None] = ContextVar("acting", default=None)


def acting() -> Acting | None:
    """The command that is being carried out; None if it is nobody's, or only a question."""
    return _ACTING.get()


def acting_as(command: Acting | None) -> Inside[Acting | None]:
    """Inside, what is committed is `command`'s."""
    return Inside(_ACTING, command)
