"""The door of every route: it finds out who asks, and lets in those whom the route's rule names, before a body is read.

Behind it a request acts for the *owner* of what it names: the portfolio's, or else for the asker. So the handlers know
one user only, whose rows those are, and an editor records in the owner's accounts. Who it was stands in the audit log.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from fastapi import Request
from psycopg.rows import DictRow

from domain.errors import (
    ImportNotFound,
    InvalidInput,
    NoSuchId,
    OrderNotFound,
    PortfolioNotFound,
    SimulationNotFound,
)
from domain.references import Document, FigureReference
from domain.risk_analyses.analysis import AnalysisNotFound
from domain.values import quickly_made
from oltp_api.access import refusals
from oltp_api.access.credentials import TOKEN, is_whole
from oltp_api.access.questions import Question, Questions, SignedBy
from oltp_api.access.rules import AccessRule, Role, Scope, named_in
from oltp_api.acting import Acting, acting_as
from oltp_api.context import LOCAL_USER, OWNER_ID, USER_ID, AppContext
from oltp_api.sight import seeing, sight_of
from storage.web.sessions import hash_of

CONFIRMED_FOR = timedelta(minutes=10)
_ALL_SCOPES = frozenset(Scope)
_ASKER = "lakefolio.asker"
_ROLE = "lakefolio.role"
_NOT_FOUND: Mapping[str, type[NoSuchId]] = {
    "portfolio_id": PortfolioNotFound,
    "order_id": OrderNotFound,
    "simulation_id": SimulationNotFound,
    "analysis_id": AnalysisNotFound,
    "import_id": ImportNotFound,
}
_SUBJECTS = {Document.SIMULATION: "simulation_id", Document.ANALYSIS: "analysis_id"}


@quickly_made
@dataclass(frozen=True, slots=True)
class Asker:
    """A user who is signed in: by a session, or by a token with its scopes and, if they are some only, portfolios."""

    user_id: UUID
    is_admin: bool
    session_id: UUID | None = None
    token_id: UUID | None = None
    scopes: frozenset[str] = _ALL_SCOPES
    portfolio_ids: frozenset[UUID] | None = None
    confirmed_at: datetime | None = None

    def check(self, rule: AccessRule, now: datetime) -> None:
        """Refuse what needs no look at a portfolio."""
        assert rule.scope is not None
        if rule.by_session and self.session_id is None:
            raise refusals.sign_in_in_person()
        if rule.scope not in self.scopes:
            raise refusals.scope_is_missing(rule.scope)
        if rule.scope is Scope.ADMIN and not self.is_admin:
            raise refusals.administrators_only()
        if self.portfolio_ids is not None and rule.role is None and not rule.is_common:
            raise refusals.token_of_other_portfolios()
        if rule.confirmed and not self.is_confirmed(now):
            raise refusals.confirm_first()

    def is_confirmed(self, now: datetime) -> bool:
        """True if the password was given lately, when signing in or since."""
        return self.confirmed_at is not None and self.confirmed_at >= now - CONFIRMED_FOR

    def may_see(self, portfolio_id: UUID) -> bool:
        return self.portfolio_ids is None or portfolio_id in self.portfolio_ids


Letting = AbstractContextManager[None]
"""Around the handler of a request that was let in: what it commits is its asker's."""


class Door(Protocol):
    async def admit(self, request: Request, path: str, rule: AccessRule | None) -> Letting:
        """Let a request to the route of `path` in, or raise the refusal."""

    async def admit_to(self, request: Request, path: str, rule: AccessRule, portfolio_id: object) -> Letting:
        """The same once its body is read, which names the portfolio."""


class LocalDoor:
    """AUTH=local: whoever reaches this machine's own ports is the one owner (`storage/web/guard.py` sees to that)."""

    async def admit(self, request: Request, path: str, rule: AccessRule | None) -> Letting:
        del path, rule
        request.scope[OWNER_ID] = LOCAL_USER
        return seeing(sight_of(LOCAL_USER, LOCAL_USER, _as_id(request.path_params.get("portfolio_id"))))

    async def admit_to(self, request: Request, path: str, rule: AccessRule, portfolio_id: object) -> Letting:
        del request, path, rule
        return seeing(sight_of(LOCAL_USER, LOCAL_USER, _as_id(portfolio_id)))


class AccountsDoor:
    """AUTH=accounts: a cookie of a session or a token, in one question with the role on what the address names."""

    def __init__(self, cookie: str, needs_second_factor: bool = False) -> None:
        self._cookie, self._needs_second_factor = cookie, needs_second_factor

    async def admit(self, request: Request, path: str, rule: AccessRule | None) -> Letting:
        assert rule is not None, f"{path} does not say who may call it"
        if rule.scope is None:
            return nullcontext()
        name, target = _named(request, path, rule)
        row, now = await self._answered(request, name, target)
        asker = _asker(row)
        request.scope[USER_ID] = request.scope[OWNER_ID] = asker.user_id
        request.scope[_ASKER] = asker
        if self._needs_second_factor and not (row["has_second_factor"] or rule.without_factor):
            raise refusals.second_factor_required()
        asker.check(rule, now)
        if name is not None and target is not None:
            request.scope[OWNER_ID] = _owner(row, asker, rule, _NOT_FOUND[name], target)
            request.scope[_ROLE] = row["role"]
        return _Letting(request, path, asker, row["portfolio_id"])

    async def admit_to(self, request: Request, path: str, rule: AccessRule, portfolio_id: object) -> Letting:
        target, asker = _as_id(portfolio_id), asker_of(request)
        if target is None:
            return nullcontext()  # the model of the body says what is wrong with it
        row, _ = await self._answered(request, "portfolio_id", target)
        request.scope[OWNER_ID] = _owner(row, asker, rule, PortfolioNotFound, target)
        return _Letting(request, path, asker, target)

    async def _answered(self, request: Request, name: str | None, target: UUID | None) -> tuple[DictRow, datetime]:
        """The row of who signs the request, with the role on `target`, which parameter `name` names; and the moment."""
        context: AppContext = request.app.state.context
        questions: Questions = request.app.state.questions
        kind, secret = self._secret(request)
        now = context.clock.now()
        row = await questions.ask(Question(kind, hash_of(secret), now, name, target))
        if row is None:
            raise refusals.not_signed_in()
        return row, now

    def _secret(self, request: Request) -> tuple[SignedBy, str]:
        """The kind of what signs the request, and the secret itself."""
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and bearer.startswith(TOKEN):
            if not is_whole(bearer):
                raise refusals.token_is_cut()
            return SignedBy.TOKEN, bearer
        cookie = request.cookies.get(self._cookie)
        if scheme or not cookie or not cookie.isascii():
            raise refusals.not_signed_in()
        return SignedBy.SESSION, cookie


def asker_of(request: Request) -> Asker:
    """The user who was let in."""
    found: Asker = request.scope[_ASKER]
    return found


def role_of(request: Request) -> Role:
    """The asker's part in the portfolio that the address names; the one owner's is OWNER."""
    return Role.__members__.get(request.scope.get(_ROLE, Role.OWNER.name), Role.VIEWER)


def is_administrator(request: Request) -> bool:
    """True if the user who was let in is one; with AUTH=local nobody is."""
    found: Asker | None = request.scope.get(_ASKER)
    return found is not None and found.is_admin


def _asker(row: DictRow) -> Asker:
    scopes, portfolios = row["scopes"], row["portfolio_ids"]
    return Asker(
        row["user_id"],
        row["is_admin"],
        row["session_id"],
        row["token_id"],
        _ALL_SCOPES if scopes is None else frozenset(scopes),
        None if portfolios is None else frozenset(portfolios),
        row["confirmed_at"],
    )


def _owner(row: DictRow, asker: Asker, rule: AccessRule, missing: type[NoSuchId], target: UUID) -> UUID:
    """The owner of what is named; it is `missing` if the asker may not know that it is there."""
    assert rule.role is not None
    if row["role"] is None or not asker.may_see(row["portfolio_id"]):
        raise missing(target)
    role = Role[row["role"]]
    if role < rule.role:
        raise refusals.role_is_too_small(role, rule.role)
    owner: UUID = row["owner_id"]
    return owner


class _Letting:
    """Around the handler: its writes are the asker's command, for the owner of what is named."""

    __slots__ = ("_acting", "_seeing")

    def __init__(self, request: Request, path: str, asker: Asker, portfolio_id: UUID | None) -> None:
        self._acting = acting_as(_command(request, path, asker, portfolio_id))
        self._seeing = seeing(sight_of(asker.user_id, request.scope[OWNER_ID], portfolio_id))

    def __enter__(self) -> None:
        self._acting.__enter__()
        self._seeing.__enter__()

    def __exit__(self, *error: object) -> None:
        self._seeing.__exit__(*error)
        self._acting.__exit__(*error)


def _command(request: Request, path: str, asker: Asker, portfolio_id: UUID | None) -> Acting | None:
    if request.method in ("GET", "HEAD"):
        return None
    others = [str(value) for name, value in request.path_params.items() if name != "portfolio_id"]
    return Acting(
        asker.user_id,
        f"{request.method} {path}",
        asker.session_id,
        asker.token_id,
        portfolio_id,
        " ".join(others)[:200] or None,
    )


def _named(request: Request, path: str, rule: AccessRule) -> tuple[str | None, UUID | None]:
    """Parameter and id of what the request names; neither where that is no id at all, or is in the body: the route says
    what is wrong with it."""
    if rule.by_reference:
        return _referred(request)
    name = None if rule.role is None or rule.in_body else named_in(path)
    target = None if name is None else _as_id(request.path_params.get(name))
    return (None, None) if target is None else (name, target)


def _referred(request: Request) -> tuple[str | None, UUID | None]:
    """The same of a reference to a figure."""
    try:
        reference = FigureReference.parse(request.query_params.get("ref", ""))
    except InvalidInput:
        return None, None
    return _SUBJECTS.get(reference.document, "portfolio_id"), reference.subject


def _as_id(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
