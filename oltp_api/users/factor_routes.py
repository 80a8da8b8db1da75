"""Operations on a user's second factor, and on the identity of the provider that signs the user in."""

from fastapi import APIRouter, Request, Response

from oltp_api.access.door import asker_of
from oltp_api.access.rules import in_person
from oltp_api.context import ContextDep, UserDep
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.users import handlers, provider_sign_in
from oltp_api.users.identities import Identities
from oltp_api.users.repository import Users
from oltp_api.users.schemas import (
    FactorCodeRequest,
    IdentityView,
    RecoveryCodes,
    SecondFactorMade,
    SecondFactorView,
)
from oltp_api.users.second_factors import SecondFactors, address_of
from oltp_api.users.signing_in import renew
from oltp_api.web.problems import PROBLEMS, SIGN_IN_PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, tags=["users"], responses={**PROBLEMS, **SIGN_IN_PROBLEMS})


@router.get("/me/second-factor", summary="Your second factor, and how many recovery codes are left")
@in_person(without_factor=True)
def get_second_factor(context: ContextDep, user_id: UserDep) -> SecondFactorView:
    since, recovery_codes = context.transact(lambda work: SecondFactors(work).since(user_id))
    return SecondFactorView(since=since, recovery_codes=recovery_codes)


@router.post(
    "/me/second-factor", status_code=201, summary="Begin with a second factor: a secret for your authenticator"
)
@in_person(confirmed=True, without_factor=True)
def add_second_factor(context: ContextDep, user_id: UserDep) -> SecondFactorMade:
    email = context.transact(lambda work: Users(work).one(user_id))["email"]
    secret = context.transact(lambda work: SecondFactors(work).add(user_id))
    return SecondFactorMade(secret=secret, address=address_of(secret, email))


@router.post("/me/second-factor/confirmation", summary="Have its codes asked for from now on, by a first one")
@in_person(confirmed=True, without_factor=True)
def confirm_second_factor(
    body: FactorCodeRequest, request: Request, context: ContextDep, user_id: UserDep
) -> RecoveryCodes:
    """You are signed out everywhere else, and this session has a new cookie."""
    session_id, code = asker_of(request).session_id, body.code.get_secret_value()

    def confirm(work: UnitOfWork) -> list[str]:
        codes = handlers.confirm_second_factor(user_id, code, session_id, work)
        renew(request, work)
        return codes

    return RecoveryCodes(codes=context.transact(confirm))


@router.delete("/me/second-factor", status_code=204, summary="Sign in without a second factor again")
@in_person(confirmed=True)
def remove_second_factor(context: ContextDep, user_id: UserDep) -> Response:
    context.transact(lambda work: handlers.remove_second_factor(user_id, work))
    return Response(status_code=204)


@router.get("/me/identity", summary="The provider that signs you in")
@in_person()
def get_identity(context: ContextDep, user_id: UserDep) -> IdentityView:
    found = context.transact(lambda work: Identities(work).of_user(user_id))
    return IdentityView.model_validate(found or {"issuer": None, "linked_at": None})


@router.delete("/me/identity", status_code=204, summary="Have the provider sign you in no more")
@in_person(confirmed=True)
def unlink_identity(request: Request, context: ContextDep, user_id: UserDep) -> Response:
    """You are signed out everywhere else. To link one, use the page /link-provider."""
    session_id = asker_of(request).session_id
    context.transact(lambda work: provider_sign_in.unlink(user_id, session_id, work))
    return Response(status_code=204)
