"""Every operation x every subject: who is let in where, by the rule of the route, over real HTTP.

The table is made from the routes themselves, so an operation that is new is in it, and what is expected is written by
scope and role alone. A request is "let in" if the door does not refuse it: what the handler then says of a body that
means nothing (422, 409, 404 of another thing) is no refusal of the door. By default a subject asks for every third
operation, so that each is asked for by a third of the subjects; with LAKEFOLIO_CHAOS=long they are all pairs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from fastapi.routing import APIRoute

from oltp_api.access.rules import AccessRule, Role, Scope, check_rules, named_in, rule_of
from oltp_api.answers import routes as answers
from oltp_api.app import _OF_ACCOUNTS, _PAGES_OF_ACCOUNTS, _ROUTES, PREFIX, create_app
from oltp_api.front import routes as front
from oltp_api.operations import health
from oltp_api.web.routing import BoundedRoute
from storage.postgres.database import Database
from storage.settings import Settings
from tests.effort import IS_LONG
from tests.oltp_api.people import Person, first_code, invited, registered, served_with_accounts, signed_in, stranger

LET_IN = "let in"
_NO_ONE = "nobody"
_MISSING = UUID(int=999)
_OTHERS: Mapping[str, str] = {
    "seq": "1",
    "day": "2016-09-01",
    "identifier": "NO_SUCH",
    "id_type": "TICKER",
    "value": "NO_SUCH",
    "name": "no-such",
    "ticker": "AAPL",
    "account": "MAIN",
    "security_id": "1",
}
_DOORS_CODES = {
    "not_signed_in",
    "token_is_cut",
    "scope_is_missing",
    "administrators_only",
    "role_is_too_small",
    "token_of_some_portfolios",
    "session_needed",
    "confirmation_needed",
}
_NOT_FOUND = {
    "portfolio_id": "portfolio_not_found",
    "order_id": "order_not_found",
    "simulation_id": "simulation_not_found",
    "import_id": "import_not_found",
    "analysis_id": "risk_analysis_not_found",
}


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    rule: AccessRule

    @property
    def names(self) -> str | None:
        """The parameter that names a portfolio, or what belongs to one."""
        return "portfolio_id" if self.rule.in_body or self.rule.by_reference else named_in(self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations() -> Iterator[Operation]:
    roots = [
        ("", router)
        for router in (
            front.router,
            answers.router,
            health.metrics_router,
            *(each.router for each in _PAGES_OF_ACCOUNTS),
        )
    ]
    for prefix, router in [*((PREFIX, each.router) for each in (*_ROUTES, *_OF_ACCOUNTS)), *roots]:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            rule = rule_of(route.endpoint)
            assert rule is not None, route.path
            for method in sorted(route.methods):
                yield Operation(method, prefix + route.path, rule)


OPERATIONS = list(operations())


@dataclass(frozen=True)
class Subject:
    """Somebody who asks: what they have, and their part in the portfolio that is asked about."""

    name: str
    role: Role | None = None
    scopes: frozenset[Scope] = frozenset()
    is_admin: bool = False
    is_session: bool = False
    is_confirmed: bool = True
    is_of_another: bool = False
    """A token of another portfolio of the owner only."""


_ALL = frozenset(Scope)
SUBJECTS = [
    Subject(_NO_ONE),
    Subject("disabled"),
    Subject("ended session"),
    Subject("stranger", scopes=_ALL, is_session=True),
    Subject("viewer", Role.VIEWER, _ALL, is_session=True),
    Subject("editor", Role.EDITOR, _ALL, is_session=True),
    Subject("owner", Role.OWNER, _ALL, is_session=True),
    Subject("owner, unconfirmed", Role.OWNER, _ALL, is_session=True, is_confirmed=False),
    Subject("administrator", None, _ALL, is_admin=True, is_session=True),
    *(Subject(f"owner's token {scope}", Role.OWNER, frozenset([scope])) for scope in Scope if scope != Scope.ADMIN),
    Subject("administrator's token admin", None, frozenset([Scope.ADMIN]), is_admin=True),
    Subject("token of another portfolio", Role.OWNER, _ALL - {Scope.ADMIN}, is_of_another=True),
]


def expected(operation: Operation, subject: Subject, is_there: bool = True) -> tuple[int, str] | str:
    """The door's answer, by the words of the issue and not by the door's code."""
    rule = operation.rule
    if rule.scope is None:
        return LET_IN
    if not subject.scopes:
        return 401, "not_signed_in"
    if rule.by_session and not subject.is_session:
        return 403, "session_needed"
    if rule.scope not in subject.scopes:
        return 403, "scope_is_missing"
    if rule.scope == Scope.ADMIN and not subject.is_admin:
        return 403, "administrators_only"
    if rule.role is None and subject.is_of_another and not rule.is_common:
        return 403, "token_of_some_portfolios"
    if rule.confirmed and not subject.is_confirmed:
        return 403, "confirmation_needed"
    if rule.role is not None:
        assert operation.names is not None
        if subject.role is None or subject.is_of_another or not is_there:
            return 404, _NOT_FOUND[operation.names]
        if subject.role < rule.role:
            return 403, "role_is_too_small"
    return LET_IN


@dataclass
class World:
    clients: dict[str, httpx.Client]
    ids: dict[str, str]
    """The owner's things, by the parameter that names it."""


@pytest.fixture(scope="module")
def world(settings: Settings, database: Database, tmp_path_factory) -> Iterator[World]:
    own = settings.model_copy(update={"lakefolio_home": tmp_path_factory.mktemp("state")})
    with served_with_accounts(own) as address:
        admin = registered(address, first_code(own), "admin@example.org")
        names = ["owner", "viewer", "editor", "stranger", "gone"]
        people = {name: invited(admin, f"{name}@example.org") for name in names}
        owner = people["owner"]
        ids, other = owned_by(owner), owner.portfolio("another one")
        for name in ("viewer", "editor"):
            owner.share(ids["portfolio_id"], people[name], name.upper())
        yield World(dict(clients_of(admin, people, other, database)), ids)


def owned_by(owner: Person) -> dict[str, str]:
    """A portfolio with an order, a simulation, an analysis and an import, by the parameters that name them."""
    portfolio_id = owner.portfolio("shared")
    order = {
        "portfolio_id": portfolio_id,
        "ticker": "AAPL",
        "side": "BUY",
        "order_type": "LIMIT",
        "quantity": "1",
        "limit_price": "1",
    }
    file = {"csv": "date,type,quantity,price,amount\n2015-02-02,DEPOSIT,,,5\n", "file_name": "a.csv"}
    made = {
        "order_id": owner.post("/orders", order),
        "simulation_id": owner.post(f"/portfolios/{portfolio_id}/simulations", {"name": "x"}),
        "analysis_id": owner.post(f"/portfolios/{portfolio_id}/risk-analyses", {}),
        "import_id": owner.post(f"/portfolios/{portfolio_id}/imports", file),
    }
    return {"portfolio_id": portfolio_id, **{name: answer.json()[name] for name, answer in made.items()}}


def clients_of(
    admin: Person, people: Mapping[str, Person], other: str, database: Database
) -> Iterator[tuple[str, httpx.Client]]:
    owner = people["owner"]
    yield _NO_ONE, stranger(owner.address)
    for name in ("owner", "viewer", "editor", "stranger"):
        yield name, people[name].client
    yield "administrator", admin.client
    for scope in set(Scope) - {Scope.ADMIN}:
        yield f"owner's token {scope}", owner.token(scope)
    yield "administrator's token admin", admin.token("admin")
    some = [scope for scope in Scope if scope != Scope.ADMIN]
    yield "token of another portfolio", owner.token(*some, portfolio_ids=[other])

    ended = _again(owner)
    ended_client = stranger(owner.address)
    ended_client.cookies.update(ended.cookies)
    assert ended.delete("/session").status_code == 204
    yield "ended session", ended_client
    unconfirmed = _again(owner)
    here = next(each["session_id"] for each in unconfirmed.get("/sessions").json()["items"] if each["is_this"])
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "update user_session set confirmed_at = now() - interval '1 day' where session_id = %s", (here,)
        )
    yield "owner, unconfirmed", unconfirmed

    user_id = people["gone"].get("/me").json()["user_id"]
    assert admin.client.patch(f"/users/{user_id}", json={"is_disabled": True}).is_success
    yield "disabled", people["gone"].client


def _again(person: Person) -> httpx.Client:
    return signed_in(person.address, person.email).client


def asked(operation: Operation, client: httpx.Client, ids: Mapping[str, str]) -> httpx.Response:
    """The answer to a request that means nothing, so that nothing of the world is used up by it."""
    path = operation.path
    for name in [part.split("}")[0] for part in path.split("{")[1:]]:
        path = path.replace(f"{{{name}}}", ids.get(name) or _OTHERS.get(name) or str(_MISSING))
    body: Any = {"unknown": True}
    if operation.rule.in_body:
        body["portfolio_id"] = ids["portfolio_id"]
    headers = {"sec-fetch-site": "same-origin"}
    url = httpx.URL(str(client.base_url).removesuffix("/api/v1/").removesuffix("/api/v1") + path)
    if operation.method == "GET":
        query = {"ref": f"values/{ids['portfolio_id']}@1:/values/2017-03-29/cash"}
        return client.get(url, headers=headers, params=query if operation.rule.by_reference else None)
    return client.request(operation.method, url, headers=headers, **_sent(operation, body))


def _sent(operation: Operation, body: Any) -> dict[str, Any]:
    return {"json": body} if operation.method not in ("DELETE",) else {}


def verdict(answer: httpx.Response) -> tuple[int, str] | str:
    is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
    code = answer.json()["code"] if is_problem else ""
    if code in _DOORS_CODES or (answer.status_code == 404 and code in _NOT_FOUND.values()):
        return answer.status_code, code
    assert answer.status_code < 500 or answer.status_code == 503, answer.text  # 503: there is no release here
    return LET_IN


_ENDS_SESSIONS = {"POST /sign-out", "DELETE /api/v1/session", "DELETE /api/v1/me", "PUT /api/v1/me/password"}
"""Let in, they may end the session that the other cases use; `test_users` tests each."""


_ONE_IN = 1 if IS_LONG else 3


def deviations(world: World, subject: Subject) -> list[tuple[str, str, object, object]]:
    """Answers that are not as expected, of the subject's operations on what is there and on what is missing."""
    found = []
    for operation in OPERATIONS[SUBJECTS.index(subject) % _ONE_IN :: _ONE_IN]:
        for is_there in (True, False) if operation.names else (True,):
            wanted = expected(operation, subject, is_there)
            if str(operation) in _ENDS_SESSIONS and wanted == LET_IN:
                continue
            ids = world.ids if is_there else dict.fromkeys(world.ids, str(_MISSING))
            answer = verdict(asked(operation, world.clients[subject.name], ids))
            if answer != wanted:
                found.append((str(operation), "there" if is_there else "missing", answer, wanted))
    return found


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_every_operation_lets_in_whom_its_rule_names_and_nobody_else(world: World, subject: Subject) -> None:
    assert deviations(world, subject) == []


def test_the_matrix_has_every_operation_of_the_contract_which_says_what_signs_each(world: World) -> None:
    client = world.clients[_NO_ONE]
    document = client.get(str(client.base_url).replace("/api/v1/", "/openapi.json")).json()
    told = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(told) == {str(each) for each in OPERATIONS if each.path.startswith(PREFIX)}
    for operation in OPERATIONS:
        if str(operation) in told:
            rule, signed_by = operation.rule, told[str(operation)]["security"]
            kinds = {kind for way in signed_by for kind in way}
            assert kinds == (set() if rule.scope is None else {"session"} if rule.by_session else {"session", "token"})
            assert told[str(operation)].get("x-role") == (rule.role.name if rule.role else None)


_WITHOUT_A_DOOR = {"/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json", "/static-offline-docs"}
"""Documentation, which is the same for everybody."""


def test_no_route_of_the_application_is_beside_the_door(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"auth": "accounts"}))
    found = list(each_route(app.routes))
    beside = {route.path for route in found if not isinstance(route, BoundedRoute)}
    assert beside == _WITHOUT_A_DOOR
    for route in found:
        if isinstance(route, BoundedRoute):
            same = [each for each in OPERATIONS if each.path.endswith(route.path) and each.method in route.methods]
            assert rule_of(route.endpoint) in [each.rule for each in same], f"{route.path} is not in the matrix"


def each_route(routes: Iterable[Any]) -> Iterator[Any]:
    """Routes one by one, those of included routers too."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from each_route(included.routes)


RULES = Path(__file__).with_name("access_rules.txt")
"""The rule of each operation, written beside the code: one that is widened there is none that anybody has decided."""


def line_of(operation: Operation) -> str:
    rule = operation.rule
    marks = [
        rule.scope.value if rule.scope else "anybody",
        *([rule.role.name.lower()] if rule.role else []),
        *(["common"] if rule.is_common else []),
        *(["in person"] if rule.by_session else []),
        *(["confirmed"] if rule.confirmed else []),
        *(["without a second factor"] if rule.without_factor else []),
    ]
    return f"{operation}: {', '.join(marks)}"


def test_every_rule_is_the_one_that_was_decided() -> None:
    assert sorted(map(line_of, OPERATIONS)) == RULES.read_text().splitlines()


def test_every_operation_lets_somebody_in() -> None:
    for operation in OPERATIONS:
        assert LET_IN in [expected(operation, subject) for subject in SUBJECTS], operation


def test_what_is_foreign_looks_as_what_is_missing_to_the_byte(world: World) -> None:
    client = world.clients["stranger"]
    for operation in OPERATIONS:
        if operation.names is None:
            continue
        answers = []
        for ids in (world.ids, dict.fromkeys(world.ids, str(_MISSING))):
            answer = asked(operation, client, ids)
            text = answer.text
            for each in (*world.ids.values(), str(_MISSING)):
                text = text.replace(each, "ID")
            kept = {name: value for name, value in answer.headers.items() if name not in ("date", "x-request-id")}
            answers.append((answer.status_code, text, kept))
        assert answers[0] == answers[1], operation


_READ_BY_POST = {"POST /mcp", "POST /api/v1/portfolios/{portfolio_id}/reconciliations"}
_OWNERS_ALONE = {
    "PUT /api/v1/portfolios/{portfolio_id}/cost-method",
    "POST /api/v1/portfolios/{portfolio_id}/archive",
    "POST /api/v1/portfolios/{portfolio_id}/unarchive",
    "POST /api/v1/portfolios/{portfolio_id}/shares",
    "GET /api/v1/portfolios/{portfolio_id}/shares",
    "DELETE /api/v1/portfolios/{portfolio_id}/shares/{share_id}",
    "GET /api/v1/portfolios/{portfolio_id}/events",
    "GET /api/v1/portfolios/{portfolio_id}/shares.html",
    "POST /api/v1/portfolios/{portfolio_id}/shares.html",
    "POST /api/v1/portfolios/{portfolio_id}/shares/{share_id}.html",
}
_OF_EVERYBODY = {
    "POST /api/v1/session",
    "POST /api/v1/registrations",
    "POST /api/v1/password-resets",
    "GET /api/v1/health/live",
    "GET /api/v1/health/ready",
    *(
        f"{method} /{page}"
        for method in ("GET", "POST")
        for page in ("sign-in", "sign-in/code", "register", "password")
    ),
    "POST /sign-in/provider",
    "GET /sign-in/provider/answer",
}
_OF_NOBODY = ("/api/v1/securities", "/api/v1/releases/latest", "/metrics", "/mcp")
"""Questions of a tool of /mcp are requests of their own, with rules of their own."""
_IN_PERSON = {each for each in _OWNERS_ALONE if "/shares" in each and not each.startswith("GET")}


def test_no_rule_is_wider_than_what_its_operation_does() -> None:
    """The matrix believes the rules; this says what they must be, with every exception written down."""
    for operation in OPERATIONS:
        rule, name = operation.rule, str(operation)
        reads = operation.method == "GET" or name in _READ_BY_POST
        if rule.scope is None:
            assert name in _OF_EVERYBODY, f"{name} is open to everybody"
            continue
        if operation.names is not None:
            least = Role.OWNER if name in _OWNERS_ALONE else Role.VIEWER if reads else Role.EDITOR
            assert rule.role == least, f"{name} asks for {rule.role!r}"
        if rule.is_common:
            assert operation.path.startswith(_OF_NOBODY), f"{name} belongs to somebody"
        if not reads and not rule.by_session:
            assert rule.scope is not Scope.READ, f"{name} changes something by the scope read"
        if name in _IN_PERSON:
            assert rule.by_session, name


def test_control_a_route_without_a_rule_keeps_the_application_from_starting() -> None:
    def careless() -> None: ...

    for path in ("/anything", "/portfolios/{portfolio_id}/anything"):
        with pytest.raises(AssertionError, match="does not say who may call it"):
            check_rules([APIRoute(path, careless)])
    AccessRule(Scope.READ)(careless)
    with pytest.raises(AssertionError, match="must ask for a role"):
        check_rules([APIRoute("/portfolios/{portfolio_id}/anything", careless)])
    check_rules([APIRoute("/anything", careless)])


def _without_comparing_roles(row: Any, asker: Any, rule: AccessRule, missing: Exception) -> UUID:
    if row["role"] is None or not asker.may_see(row["portfolio_id"]):
        raise missing
    owner: UUID = row["owner_id"]
    return owner


def _without_a_role(row: Any, asker: Any, rule: AccessRule, missing: Exception) -> UUID:
    if row["owner_id"] is None:
        raise missing
    owner: UUID = row["owner_id"]
    return owner


MUTANTS: Mapping[str, tuple[str, str, Callable[..., Any]]] = {
    "roles are not compared": ("viewer", "oltp_api.access.door._owner", _without_comparing_roles),
    "no role is needed": ("stranger", "oltp_api.access.door._owner", _without_a_role),
    "scopes are not looked at": ("owner's token read", "oltp_api.access.door.Asker.check", lambda *_: None),
    "every portfolio may be seen": (
        "token of another portfolio",
        "oltp_api.access.door.Asker.may_see",
        lambda *_: True,
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_control_a_door_that_lacks_one_check_deviates(world: World, monkeypatch, mutant: str) -> None:
    name, where, careless = MUTANTS[mutant]
    subject = next(each for each in SUBJECTS if each.name == name)
    monkeypatch.setattr(where, careless)
    try:
        found = deviations(world, subject)
    except AssertionError:  # a handler that was never to be reached by a token falls over it
        return
    assert found != []
