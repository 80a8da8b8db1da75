"""Identities of the provider that users have linked, and the steps of sign-ins that are under way, on PostgreSQL.

A step belongs to one browser: only the hash of its cookie is here. SQL in `identities.sql`.
"""

from datetime import datetime, timedelta
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from domain.errors import Conflict
from oltp_api.access.credentials import new_secret
from oltp_api.connections import savepoint
from oltp_api.users.provider import OAuthUserInfo
from oltp_api.users.repository import Rows
from storage.queries import statements
from storage.web.sessions import hash_of

STEP_FOR = timedelta(minutes=10)
_MOST_STEPS = 10_000


class AlreadyLinked(Conflict):
    code = "already_linked"

    def __init__(self) -> None:
        super().__init__("you have linked the provider already, or somebody else has with this identity")


class Identities(Rows):
    _statements = statements("oltp_api/users/identities.sql")

    def user_of(self, info: OAuthUserInfo) -> DictRow | None:
        return self._first("user_of_identity", issuer=info.issuer, subject=info.subject)

    def of_user(self, user_id: UUID) -> DictRow | None:
        return self._first("identity", user_id=user_id)

    def link(self, user_id: UUID, info: OAuthUserInfo) -> None:
        """Have the identity sign the user in from now on; a user has one, and an identity has one user."""
        try:
            with savepoint(self._connection):
                self._do("add_identity", user_id=user_id, issuer=info.issuer, subject=info.subject)
        except UniqueViolation as error:
            raise AlreadyLinked from error

    def unlink(self, user_id: UUID) -> bool:
        return bool(self._do("remove_identity", user_id=user_id))


class SignInSteps(Rows):
    _statements = Identities._statements

    def to_provider(
        self, next_page: str, user_id: UUID | None, invitation: str | None, state: str, nonce: str, code_verifier: str
    ) -> str:
        """The secret of a new step, in which a browser goes to the provider: to sign in, or to link a user to it."""
        return self._begin(
            "PROVIDER" if user_id is None else "LINK",
            user_id,
            next_page,
            state_hash=hash_of(state),
            nonce=nonce,
            code_verifier=code_verifier,
            invitation_hash=hash_of(invitation) if invitation else None,
        )

    def to_code(self, user_id: UUID, next_page: str, confirmed_at: datetime | None) -> str:
        """The secret of a new step, in which a user who has signed in still has to bring a code."""
        return self._begin("CODE", user_id, next_page, confirmed_at=confirmed_at)

    def of_code(self, step: str) -> DictRow | None:
        """The user of a step that waits for a code."""
        return self._first("step_of_code", step_hash=hash_of(step))

    def take(self, step: str, state: str | None = None) -> DictRow | None:
        """The step, which nobody can take again; None if it is another browser's, was taken, or has ended."""
        return self._first("take_step", step_hash=hash_of(step), state_hash=hash_of(state) if state else None)

    def end_all(self, user_id: UUID) -> None:
        self._do("end_steps", user_id=user_id)

    def _begin(self, kind: str, user_id: UUID | None, next_page: str, **values: object) -> str:
        self._do("remove_ended_steps", most=_MOST_STEPS)
        step = new_secret()
        left_out = dict.fromkeys(("state_hash", "nonce", "code_verifier", "invitation_hash", "confirmed_at"))
        self._do(
            "add_step",
            step_hash=hash_of(step),
            kind=kind,
            user_id=user_id,
            next_page=next_page,
            ends_at=self.now + STEP_FOR,
            **{**left_out, **values},
        )
        return step
