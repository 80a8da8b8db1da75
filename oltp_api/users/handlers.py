"""Commands of users about themselves: sign in, register, confirm, change what they sign in with, leave.

Hashing waits for its turn outside of any unit of work, so that no connection waits with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from fastapi.concurrency import run_in_threadpool
from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from domain.errors import AlreadyExists, Refusal
from oltp_api.access.refusals import not_signed_in
from oltp_api.acting import Acting
from oltp_api.context import LOCAL_USER, AppContext
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.users.identities import SignInSteps
from oltp_api.users.passwords import PasswordGate, check_password
from oltp_api.users.repository import INVITED_FOR, Invitations, Sessions, Tokens, Users
from oltp_api.users.second_factors import NoSecondFactor, SecondFactors
from oltp_api.users.throttle import Throttle
from storage.web.guard import WebRefusal
from storage.web.sessions import hash_of


class InvitationEnded(Refusal):
    code = "invitation_ended"
    status = 409

    def __init__(self) -> None:
        super().__init__("this link was used or has ended; ask for another one")


class InvitedOtherwise(Refusal):
    code = "invited_otherwise"

    def __init__(self) -> None:
        super().__init__("the invitation is for another email address; register with that one")


class LastAdministrator(Refusal):
    code = "last_administrator"
    status = 409

    def __init__(self) -> None:
        super().__init__("this is the last administrator; make somebody else one before")


def wrong_credentials() -> WebRefusal:
    return WebRefusal(401, "wrong_credentials", "no user has this email address and this password")


def second_factor_needed() -> WebRefusal:
    detail = "this user has a second factor; send its code too, or a recovery code"
    return WebRefusal(401, "second_factor_needed", detail)


def wrong_code() -> WebRefusal:
    return WebRefusal(401, "wrong_code", "the code is wrong or was used; wait for the next one")


@dataclass(frozen=True, slots=True)
class SignIn:
    """The gate and the throttle before it: one of each for an application."""

    gate: PasswordGate
    throttle: Throttle

    async def verified(
        self, context: AppContext, email: str, password: str, address: str, code: str | None = None
    ) -> DictRow:
        """The user who has this password and, of a second factor, this code."""
        user = await self.by_password(context, email, password, address)
        await self.check_code(context, user, code, address)
        return user

    async def by_password(self, context: AppContext, email: str, password: str, address: str) -> DictRow:
        """The user who has this password. Unknown and wrong take the same time and words; so does disabled."""
        self.throttle.check(email, address)
        user = await run_in_threadpool(context.transact, lambda work: Users(work).by_email(email))
        is_right = await self.gate.verify(password, user["password_hash"] if user else None)
        if user is None or not is_right or user["disabled_at"] is not None:
            self.throttle.failed(email, address)
            refused = Acting(user["user_id"] if user else None, "sign in refused", subject=address)
            await run_in_threadpool(context.transact, lambda work: work.record(refused))
            raise wrong_credentials()
        self.throttle.succeeded(email)
        return user

    async def check_code(self, context: AppContext, user: DictRow, code: str | None, address: str) -> None:
        """Refuse a user who has a second factor and brings no code of it, or a wrong one."""
        user_id = user["user_id"]
        if not user["has_second_factor"]:
            return
        if code is None:
            raise second_factor_needed()
        self.throttle.try_code(user_id)
        if not await run_in_threadpool(context.transact, lambda work: use_code(user_id, code, address, work)):
            raise wrong_code()
        self.throttle.code_succeeded(user_id)

    async def register(self, context: AppContext, code: str, email: str, display_name: str, password: str) -> UUID:
        """The new user of an invitation, which is looked at before anything is hashed for it."""
        check_password(password, email)
        await run_in_threadpool(context.transact, lambda work: invited(code, email, work))
        password_hash = await self.gate.hash(password)
        return await run_in_threadpool(
            context.transact, lambda work: register(code, email, display_name, password_hash, work)
        )

    async def replace_password(self, context: AppContext, code: str, password: str) -> None:
        """Have a lost password replaced by an administrator's link."""
        user = await run_in_threadpool(context.transact, lambda work: user_of_link(code, work))
        check_password(password, user["email"])
        password_hash = await self.gate.hash(password)
        await run_in_threadpool(
            context.transact, lambda work: replace_password(code, user["user_id"], password_hash, work)
        )


def begin_session(
    user_id: UUID, before: str | None, user_agent: str, address: str, confirmed_at: datetime | None, work: UnitOfWork
) -> str:
    """The secret of a new session; one that the browser had before is ended."""
    sessions = Sessions(work)
    if before is not None:
        sessions.end_of_secret(before)
    session_id, secret = sessions.begin(user_id, user_agent, address, confirmed_at)
    work.record(Acting(user_id, "sign in", session_id=session_id, subject=address))
    return secret


def renew_session(session_id: UUID, secret: str, work: UnitOfWork) -> str:
    """The new secret of a session whose user has just proved again who it is; the one before is worth nothing."""
    renewed = Sessions(work).renew(session_id, secret)
    if renewed is None:
        raise not_signed_in()
    return renewed


def invited(code: str, email: str, work: UnitOfWork) -> None:
    """Refuse a code or an address before a password is hashed for it."""
    seen = Invitations(work).seen(code)
    if seen is None or seen["kind"] == "PASSWORD":
        raise InvitationEnded
    if seen["email"] not in (None, email):
        raise InvitedOtherwise


def register(code: str, email: str, display_name: str, password_hash: str, work: UnitOfWork) -> UUID:
    """The new user. The first administrator takes over what the one owner had before there were users."""
    users = Users(work)
    users.lock()
    taken = take_invitation(hash_of(code), email, work)
    if taken["kind"] == "FIRST_ADMINISTRATOR":
        user_id = LOCAL_USER
        with _one_of_each_address(email):
            users.make_administrator(user_id, email, display_name)
    else:
        user_id = add_user(email, display_name, work)
    users.put_password(user_id, password_hash)
    work.record(Acting(user_id, "register", subject=taken["kind"]))
    return user_id


def take_invitation(code_hash: bytes, email: str, work: UnitOfWork) -> DictRow:
    """The invitation of somebody who registers, which is used up."""
    taken = Invitations(work).take(code_hash)
    if taken is None or taken["kind"] == "PASSWORD":
        raise InvitationEnded
    if taken["email"] not in (None, email):
        raise InvitedOtherwise
    return taken


def add_user(email: str, display_name: str, work: UnitOfWork) -> UUID:
    with _one_of_each_address(email):
        return Users(work).add(email, display_name)


@contextmanager
def _one_of_each_address(email: str) -> Iterator[None]:
    try:
        yield
    except UniqueViolation as error:
        raise AlreadyExists("user", email) from error


def password_link(
    user_id: UUID, lasts: timedelta, removes_second_factor: bool, work: UnitOfWork
) -> tuple[UUID, str, datetime]:
    """See Invitations.make: the only link there is for the user's lost password."""
    Users(work).one(user_id)
    return Invitations(work).make("PASSWORD", lasts, user_id=user_id, removes_second_factor=removes_second_factor)


def user_of_link(code: str, work: UnitOfWork) -> DictRow:
    """The user whose lost password the link may replace."""
    seen = Invitations(work).seen(code)
    if seen is None or seen["kind"] != "PASSWORD":
        raise InvitationEnded
    return Users(work).one(seen["user_id"])


def replace_password(code: str, user_id: UUID, password_hash: str, work: UnitOfWork) -> None:
    """Change a lost password; the link is used up."""
    taken = Invitations(work).take(hash_of(code))
    if taken is None:
        raise InvitationEnded
    if taken["removes_second_factor"]:
        SecondFactors(work).remove(user_id)
    change_password(user_id, password_hash, work)
    work.record(Acting(user_id, "replace lost password"))


def change_password(user_id: UUID, password_hash: str, work: UnitOfWork) -> None:
    """Whoever signed in with the old one is out, at once, and a link for a new one ends."""
    Users(work).put_password(user_id, password_hash)
    Sessions(work).end_all(user_id)
    SignInSteps(work).end_all(user_id)
    Invitations(work).end_of_password(user_id)


def use_code(user_id: UUID, code: str, address: str, work: UnitOfWork) -> bool:
    """True if the code of a second factor is right; it is used up."""
    is_right = SecondFactors(work).use(user_id, code)
    if not is_right:
        work.record(Acting(user_id, "code refused", subject=address))
    return is_right


def confirm_second_factor(user_id: UUID, code: str, session_id: UUID | None, work: UnitOfWork) -> list[str]:
    """The recovery codes of a second factor that counts from now on; sessions that began without it are ended."""
    codes = SecondFactors(work).confirm(user_id, code)
    Sessions(work).end_all(user_id, but=session_id)
    return codes


def remove_second_factor(user_id: UUID, work: UnitOfWork) -> None:
    if not SecondFactors(work).remove(user_id):
        raise NoSecondFactor
    Sessions(work).end_second_factor(user_id)


def edit_user(user_id: UUID, email: str | None, display_name: str | None, work: UnitOfWork) -> DictRow:
    before = Users(work).one(user_id)
    try:
        Users(work).edit(user_id, email or before["email"], display_name or before["display_name"])
    except UniqueViolation as error:
        raise AlreadyExists("user", str(email)) from error
    return Users(work).one(user_id)


def disable(user_id: UUID, work: UnitOfWork) -> None:
    """Shut a user out at once; everything that is the user's stays."""
    users = Users(work)
    users.lock()
    if users.is_last_administrator(user_id):
        raise LastAdministrator
    users.set_disabled(user_id, work.recorded_at)
    Sessions(work).end_all(user_id)
    Tokens(work).end_all(user_id)


def change_state(
    user_id: UUID,
    work: UnitOfWork,
    is_disabled: bool | None = None,
    is_admin: bool | None = None,
    is_operator_viewer: bool | None = None,
) -> None:
    """An administrator's change of another user, or of himself."""
    users = Users(work)
    users.lock()
    users.one(user_id)
    if is_admin is False and users.is_last_administrator(user_id):
        raise LastAdministrator
    users.set_roles(user_id, is_admin, is_operator_viewer)
    if is_disabled:
        disable(user_id, work)
    elif is_disabled is False:
        users.set_disabled(user_id, None)


def first_code(work: UnitOfWork) -> str | None:
    """A code for the first administrator, in the place of any before it; None if there is one already."""
    if Users(work).has_administrator():
        return None
    return Invitations(work).make("FIRST_ADMINISTRATOR", INVITED_FOR)[1]
