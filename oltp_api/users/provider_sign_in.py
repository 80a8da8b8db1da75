"""Sign in with the provider, register by an invitation with it, link it: begun in one browser and finished there.

An identity that is known signs its user in. One that is not is nobody's, whatever email it has: it comes in by an
invitation for its verified email, or is linked by a user who is signed in, has confirmed, and has that email too.
"""

from dataclasses import dataclass
from uuid import UUID

from fastapi.concurrency import run_in_threadpool
from psycopg.rows import DictRow
from pydantic import TypeAdapter, ValidationError

from domain.errors import Refusal
from oltp_api.access.credentials import new_secret
from oltp_api.acting import Acting
from oltp_api.context import AppContext
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.users.handlers import InvitationEnded, add_user, take_invitation
from oltp_api.users.identities import Identities, SignInSteps
from oltp_api.users.provider import OAuthUserInfo, Provider, provider_not_believed
from oltp_api.users.repository import Sessions, Users
from oltp_api.users.schemas import Email
from storage.web.guard import WebRefusal

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_MOST_NAME = 100
_MOST_CODE = 2_000


class NotLinked(Refusal):
    code = "not_linked"
    status = 403

    def __init__(self) -> None:
        super().__init__("nobody here signs in so: sign in with your password and link it, or use an invitation")


class EmailNotVerified(Refusal):
    code = "email_not_verified"
    status = 403

    def __init__(self) -> None:
        super().__init__("the provider does not say that your email address is verified; verify it there first")


class LinkedOtherwise(Refusal):
    code = "linked_otherwise"
    status = 403

    def __init__(self) -> None:
        super().__init__("the provider knows you by another email address than yours here; make them the same first")


class OnlyWayIn(Refusal):
    code = "only_way_in"
    status = 409

    def __init__(self) -> None:
        super().__init__("you have no password to sign in with; set one before you unlink the provider")


def sign_in_ended() -> WebRefusal:
    detail = "this sign-in was begun in another browser, is finished, or took too long; begin again"
    return WebRefusal(400, "sign_in_ended", detail)


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """The parameters that a browser brings back from the provider."""

    state: str | None
    code: str | None
    issuer: str | None


async def go_to_provider(
    context: AppContext,
    provider: Provider,
    redirect_uri: str,
    next_page: str,
    user_id: UUID | None = None,
    invitation: str | None = None,
) -> tuple[str, str]:
    """The secret of a new step, for the browser's cookie, and where the browser goes with it."""
    state, nonce, verifier = new_secret(), new_secret(), new_secret()
    address = await provider.address(redirect_uri, state, nonce, verifier)
    step = await run_in_threadpool(
        context.transact,
        lambda work: SignInSteps(work).to_provider(next_page, user_id, invitation, state, nonce, verifier),
    )
    return step, address


async def take_step(context: AppContext, secret: str | None, answer: ProviderAnswer) -> DictRow:
    """The step that the answer belongs to, which is over with it, whatever comes of it."""
    state = answer.state
    if secret is None or not state or not state.isascii():
        raise sign_in_ended()
    step = await run_in_threadpool(context.transact, lambda work: SignInSteps(work).take(secret, state))
    if step is None:
        raise sign_in_ended()
    return step


async def info_of(
    context: AppContext, provider: Provider, redirect_uri: str, step: DictRow, answer: ProviderAnswer
) -> OAuthUserInfo:
    """The person whom the provider has signed in for the step."""
    await provider.check_issuer(answer.issuer)
    if not answer.code or len(answer.code) > _MOST_CODE or not answer.code.isascii():
        raise provider_not_believed("no code")
    tokens = await provider.exchange(answer.code, redirect_uri, step["code_verifier"])
    return await provider.user_info(tokens, step["nonce"], context.clock.now())


def user_of(step: DictRow, info: OAuthUserInfo, work: UnitOfWork) -> DictRow:
    """The user whom the identity signs in, who is new if the step began with an invitation."""
    if Identities(work).user_of(info) is None and step["invitation_hash"] is not None:
        _register(step["invitation_hash"], info, work)
    user = Identities(work).user_of(info)
    if user is None or user["disabled_at"] is not None:
        raise NotLinked
    return user


def link(user_id: UUID, session_id: UUID | None, info: OAuthUserInfo, work: UnitOfWork) -> None:
    """Have the identity sign in a user who has its email, and who has just confirmed a session."""
    if _verified_email(info) != Users(work).one(user_id)["email"].lower():
        raise LinkedOtherwise
    Identities(work).link(user_id, info)
    work.record(Acting(user_id, "link provider", session_id=session_id, subject=info.issuer[:200]))


def unlink(user_id: UUID, session_id: UUID | None, work: UnitOfWork) -> None:
    """Have the user sign in by password alone; sessions elsewhere, which the provider may have begun, are ended."""
    if Users(work).one(user_id)["password_hash"] is None:
        raise OnlyWayIn
    if not Identities(work).unlink(user_id):
        raise NotLinked
    Sessions(work).end_all(user_id, but=session_id)


def refused(user_id: UUID | None, code: str, address: str, work: UnitOfWork) -> None:
    work.record(Acting(user_id, "sign in by provider refused", subject=f"{code} {address}"))


def _register(invitation_hash: bytes, info: OAuthUserInfo, work: UnitOfWork) -> None:
    email = _verified_email(info)
    Users(work).lock()
    if take_invitation(invitation_hash, email, work)["kind"] != "USER":
        raise InvitationEnded  # the first administrator has a password, so that the provider may fail
    user_id = add_user(email, _name(info.name) or email.partition("@")[0], work)
    Identities(work).link(user_id, info)
    work.record(Acting(user_id, "register", subject="PROVIDER"))


def _verified_email(info: OAuthUserInfo) -> str:
    try:
        return _EMAIL.validate_python(info.verified_email)
    except ValidationError as error:
        raise EmailNotVerified from error


def _name(said: str) -> str:
    return "".join(each for each in said if each.isprintable())[:_MOST_NAME].strip()
