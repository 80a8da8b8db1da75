"""Rules of routes: a scope that a session or a token must have, and a role on the portfolio that the request names.

`@may(Scope.TRADE, Role.EDITOR)` stands below a route's own decorator. A route without a rule keeps the application
from starting, and so does one that names somebody's portfolio, order, simulation, import or analysis and asks for no
role.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, TypeVar

from fastapi.routing import APIRoute

F = TypeVar("F", bound=Callable[..., Any])
OWNED = ("portfolio_id", "order_id", "simulation_id", "import_id", "analysis_id")
"""Parameters of addresses that name a portfolio or what belongs to one; the first that is there decides."""


class Scope(StrEnum):
    """Kinds of what may be asked. A session has all of them, ADMIN only if its user is an administrator."""

    READ = "read"
    TRADE = "trade"
    IMPORT = "import"
    SIMULATE = "simulate"
    ADMIN = "admin"


class Role(IntEnum):
    """A user's part in a portfolio; each may do what those before it may."""

    VIEWER = 1
    EDITOR = 2
    OWNER = 3


@dataclass(frozen=True, slots=True)
class AccessRule:
    """The callers of a route.

    Without a `scope` everybody may. With a `role` the request names a portfolio: in its address, `in_body` as
    `portfolio_id`, or `by_reference` to a figure, in its query. `is_common` is what belongs to nobody, such as the
    registry, which a token of some portfolios only may ask too. `by_session` shuts out tokens, and `confirmed` a
    session whose password was not given lately. `without_factor` lets in a session that
    still lacks the second factor which is required here.
    """

    scope: Scope | None
    role: Role | None = None
    in_body: bool = False
    by_reference: bool = False
    is_common: bool = False
    by_session: bool = False
    confirmed: bool = False
    without_factor: bool = False

    def __call__(self, endpoint: F) -> F:
        """Mark a route's function with its rule."""
        endpoint.__dict__["rule"] = self
        return endpoint


anybody = AccessRule(None)
"""Whoever reaches the server: signing in, and that it lives."""


def may(scope: Scope, role: Role | None = None, *, in_body: bool = False, by_reference: bool = False) -> AccessRule:
    """Let in callers that have the scope and, on the portfolio that is named, at least the role."""
    return AccessRule(scope, role, in_body, by_reference)


def common(scope: Scope) -> AccessRule:
    """Everybody with the scope: what is asked belongs to nobody."""
    return AccessRule(scope, is_common=True)


def in_person(
    *, confirmed: bool = False, without_factor: bool = False, scope: Scope = Scope.READ, role: Role | None = None
) -> AccessRule:
    """A session, whose password was given lately if the request must be `confirmed`."""
    return AccessRule(scope, role, by_session=True, confirmed=confirmed, without_factor=without_factor)


def rule_of(endpoint: Callable[..., Any]) -> AccessRule | None:
    found: AccessRule | None = getattr(endpoint, "rule", None)
    return found


def named_in(path: str) -> str | None:
    """The parameter of an address that names what somebody owns."""
    return next((name for name in OWNED if f"{{{name}}}" in path), None)


def check_rules(routes: Iterable[object]) -> None:
    """AssertionError for the first route that does not say who may call it."""
    for route in routes:
        assert isinstance(route, APIRoute), f"{route} is no route that has a rule"
        rule = rule_of(route.endpoint)
        assert rule is not None, f"{route.path} does not say who may call it; give it @may(...)"
        needs_role = named_in(route.path) is not None or rule.in_body or rule.by_reference
        assert (rule.role is not None) == needs_role, f"{route.path} must ask for a role just if it names a portfolio"
