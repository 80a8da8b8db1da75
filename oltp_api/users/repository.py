"""Users, and what they sign in with, on PostgreSQL. SQL in `queries.sql`; of every secret only the hash is here."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import DictRow

from domain.errors import NoSuchId
from oltp_api.access.credentials import new_secret, new_token, prefix_of
from oltp_api.sight import sight_of
from oltp_api.unit_of_work import UnitOfWork
from storage.queries import statements
from storage.web.sessions import IDLE, hash_of

LONGEST = timedelta(days=30)
"""The absolute end of a session, however often it is seen."""
INVITED_FOR = timedelta(days=7)
PASSWORD_LINK_FOR = timedelta(hours=24)


class UserNotFound(NoSuchId):
    code = "user_not_found"
    thing = "user"


class SessionNotFound(NoSuchId):
    code = "session_not_found"
    thing = "session"


class TokenNotFound(NoSuchId):
    code = "token_not_found"
    thing = "token"


class InvitationNotFound(NoSuchId):
    code = "invitation_not_found"
    thing = "invitation"


class Rows:
    """Statements of one file in a unit of work, whose moment each of them has as `now`."""

    _statements = statements("oltp_api/users/queries.sql")

    def __init__(self, work: UnitOfWork) -> None:
        self.now = work.recorded_at
        self._work, self._connection = work, work.connection

    def _do(self, statement: str, **values: Any) -> int:
        return self._connection.execute(self._statements[statement], {"now": self.now, **values}).rowcount

    def _all(self, statement: str, **values: Any) -> list[DictRow]:
        return self._connection.execute(self._statements[statement], {"now": self.now, **values}).fetchall()

    def _first(self, statement: str, **values: Any) -> DictRow | None:
        return self._connection.execute(self._statements[statement], {"now": self.now, **values}).fetchone()


class Users(Rows):
    def by_email(self, email: str) -> DictRow | None:
        return self._first("user_by_email", email=email)

    def one(self, user_id: UUID) -> DictRow:
        found = self._first("user", user_id=user_id)
        if found is None:
            raise UserNotFound(user_id)
        return found

    def all(self) -> list[DictRow]:
        return self._all("users")

    def lock(self) -> None:
        """Have nobody else register, or change who administrates, until the commit."""
        self._do("lock_users")

    def has_administrator(self) -> bool:
        return bool(self._all("has_administrator")[0]["is_so"])

    def is_last_administrator(self, user_id: UUID) -> bool:
        others = self._all("other_administrators", user_id=user_id)[0]["others"]
        return bool(self.one(user_id)["is_admin"]) and others == 0

    def add(self, email: str, display_name: str) -> UUID:
        user_id = uuid4()
        self._do("add_user", user_id=user_id, email=email, display_name=display_name)
        self._work.see(sight_of(user_id, user_id))
        self._do("add_main_account", user_id=user_id)
        return user_id

    def make_administrator(self, user_id: UUID, email: str, display_name: str) -> None:
        self._do("make_administrator", user_id=user_id, email=email, display_name=display_name)

    def edit(self, user_id: UUID, email: str, display_name: str) -> None:
        self._do("edit_user", user_id=user_id, email=email, display_name=display_name)

    def set_roles(self, user_id: UUID, is_admin: bool | None, is_operator_viewer: bool | None) -> None:
        """None leaves a role as it is."""
        self._do("set_roles", user_id=user_id, is_admin=is_admin, is_operator_viewer=is_operator_viewer)

    def set_disabled(self, user_id: UUID, disabled_at: datetime | None) -> None:
        self._do("set_disabled", user_id=user_id, disabled_at=disabled_at)

    def put_password(self, user_id: UUID, password_hash: str) -> None:
        self._do("put_password", user_id=user_id, password_hash=password_hash)


class Sessions(Rows):
    def begin(self, user_id: UUID, user_agent: str, address: str, confirmed_at: datetime | None) -> tuple[UUID, str]:
        """The id and the secret of a new session."""
        session_id, secret = uuid4(), new_secret()
        self._do(
            "add_session",
            session_id=session_id,
            user_id=user_id,
            token_hash=hash_of(secret),
            user_agent=user_agent[:200],
            address=address,
            confirmed_at=confirmed_at,
            ends_at=self.now + LONGEST,
        )
        return session_id, secret

    def all(self, user_id: UUID) -> list[DictRow]:
        return self._all("sessions", user_id=user_id, idle_since=self.now - IDLE)

    def renew(self, session_id: UUID, secret: str) -> str | None:
        """The new secret of a session that is confirmed with it; None if the one before is worth nothing any more."""
        new = new_secret()
        values = {"session_id": session_id, "token_hash": hash_of(secret), "new_hash": hash_of(new)}
        return new if self._do("renew_session", **values) else None

    def end(self, user_id: UUID, session_id: UUID) -> None:
        if not self._do("end_session", user_id=user_id, session_id=session_id):
            raise SessionNotFound(session_id)

    def end_of_secret(self, secret: str) -> None:
        self._do("end_session_of_secret", token_hash=hash_of(secret))

    def end_all(self, user_id: UUID, but: UUID | None = None) -> None:
        self._do("end_sessions", user_id=user_id, but=but)

    def end_second_factor(self, user_id: UUID) -> None:
        """Have none of the user's sessions count as begun with a second factor, which is removed."""
        self._do("end_second_factor", user_id=user_id)


class Tokens(Rows):
    def make(
        self,
        user_id: UUID,
        name: str,
        scopes: Sequence[str],
        portfolio_ids: Sequence[UUID] | None,
        ends_at: datetime | None,
    ) -> tuple[UUID, str]:
        """The id of a new token and the token itself, which is told this once."""
        token_id, token = uuid4(), new_token()
        self._do(
            "add_token",
            token_id=token_id,
            user_id=user_id,
            name=name,
            prefix=prefix_of(token),
            token_hash=hash_of(token),
            scopes=list(scopes),
            portfolio_ids=None if portfolio_ids is None else list(portfolio_ids),
            ends_at=ends_at,
        )
        return token_id, token

    def all(self, user_id: UUID) -> list[DictRow]:
        return self._all("tokens", user_id=user_id)

    def end(self, user_id: UUID, token_id: UUID) -> None:
        if not self._do("end_token", user_id=user_id, token_id=token_id):
            raise TokenNotFound(token_id)

    def end_all(self, user_id: UUID) -> None:
        self._do("end_tokens", user_id=user_id)


class Invitations(Rows):
    def make(
        self,
        kind: str,
        lasts: timedelta,
        email: str | None = None,
        invited_by: UUID | None = None,
        user_id: UUID | None = None,
        removes_second_factor: bool = False,
    ) -> tuple[UUID, str, datetime]:
        """The id, the code and the end of a new invitation; of a password or of the first administrator it is the only
        one."""
        if kind != "USER":
            self._do("end_invitations_of_kind", kind=kind, user_id=user_id)
        invitation_id, code, ends_at = uuid4(), new_secret(), self.now + lasts
        self._do(
            "add_invitation",
            invitation_id=invitation_id,
            kind=kind,
            code_hash=hash_of(code),
            email=email,
            invited_by=invited_by,
            user_id=user_id,
            removes_second_factor=removes_second_factor,
            ends_at=ends_at,
        )
        return invitation_id, code, ends_at

    def seen(self, code: str) -> DictRow | None:
        return self._first("invitation", code_hash=hash_of(code))

    def take(self, code_hash: bytes) -> DictRow | None:
        """The invitation, which nobody can take again; None if there is none any more."""
        return self._first("take_invitation", code_hash=code_hash)

    def all(self, user_id: UUID) -> list[DictRow]:
        return self._all("invitations", user_id=user_id)

    def end(self, user_id: UUID, invitation_id: UUID) -> None:
        if not self._do("end_invitation", user_id=user_id, invitation_id=invitation_id):
            raise InvitationNotFound(invitation_id)

    def end_of_password(self, user_id: UUID) -> None:
        self._do("end_invitations_of_kind", kind="PASSWORD", user_id=user_id)


class Events(Rows):
    def page(self, portfolio_id: UUID | None, before: int | None, limit: int) -> dict[str, Any]:
        """The newest events, of a portfolio or of all, before one of them."""
        rows = self._all("events", portfolio_id=portfolio_id, before=before, limit=limit + 1)
        return {"items": rows[:limit], "next_cursor": rows[limit - 1]["event_id"] if len(rows) > limit else None}
