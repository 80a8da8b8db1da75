"""Sessions of people who are signed in, as the Dagster UI asks of them too: by the cookie of the API, on any port.

Asked anew for every request, by one indexed read, so that whoever is shut out is out at once.
"""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum

import psycopg
from psycopg.rows import dict_row

from storage.queries import statements
from storage.settings import Settings

IDLE = timedelta(days=7)
"""A session that was not seen for so long has ended."""
_SQL = statements("storage/web/sessions.sql")
STANDING = _SQL["session"]
"""The part of a question that finds `asker`: whoever has the session of each `hash` in `asked`, at `now`."""
_OF_ONE = f"{_SQL['asked_of_one']}\n{STANDING}\n{_SQL['operator']}"


class Operator(StrEnum):
    """The part of a user in how the platform runs: they change it, or see it."""

    ADMINISTRATOR = "ADMINISTRATOR"
    VIEWER = "VIEWER"


def session_cookie(settings: Settings) -> str:
    """Its name: with TLS one that a browser takes from this host only, encrypted, and for all of it."""
    return "__Host-lakefolio" if settings.is_encrypted else "lakefolio_session"


def hash_of(secret: str) -> bytes:
    """The form in which a secret is stored; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def operator_of(
    connection: psycopg.Connection, secret: str, now: datetime, needs_second_factor: bool
) -> Operator | None:
    """The part of the user whose session has this secret; None for whoever has none, or lacks a factor."""
    asked = {"hash": hash_of(secret), "now": now, "idle_since": now - IDLE}
    row = connection.cursor(row_factory=dict_row).execute(_OF_ONE, asked).fetchone()
    if row is None or (needs_second_factor and not row["has_second_factor"]):
        return None
    return Operator.ADMINISTRATOR if row["is_admin"] else Operator.VIEWER
