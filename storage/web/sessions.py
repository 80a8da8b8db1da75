"""Sessions of people who are signed in, as the Dagster UI asks of them too: by the cookie of the API, on any port.

Asked anew for every request, by one indexed read, so that whoever is shut out is out at once.
"""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum

import psycopg

from storage.settings import Settings

IDLE = timedelta(days=7)
"""A session that was not seen for so long has ended."""
_OPERATOR = """
select case when app_user.is_admin then 'ADMINISTRATOR' else 'VIEWER' end
from user_session
inner join app_user using (user_id)
where
    user_session.token_hash = %s
    and user_session.ended_at is null
    and user_session.ends_at > %s
    and user_session.seen_at > %s
    and app_user.disabled_at is null
    and (app_user.is_admin or app_user.is_operator_viewer)
"""


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


def operator_of(connection: psycopg.Connection, secret: str, now: datetime) -> Operator | None:
    """The part of the user whose session has this secret; None for whoever has none."""
    row = connection.execute(_OPERATOR, (hash_of(secret), now, now - IDLE)).fetchone()
    return Operator(row[0]) if row else None
