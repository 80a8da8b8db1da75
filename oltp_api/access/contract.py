"""Access rules in the OpenAPI document: what signs each operation, by which scope, and the role that it needs."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from oltp_api.access.rules import AccessRule, rule_of


def show_security(app: FastAPI, routes: Iterable[tuple[str, APIRoute]], cookie: str) -> None:
    """Add to `app`'s document who may call each of `routes`, given with their whole paths."""
    plain = app.openapi
    rules = {
        (method.lower(), path): rule_of(route.endpoint) for path, route in routes for method in route.methods or ()
    }
    schemes = {
        "session": {"type": "apiKey", "in": "cookie", "name": cookie, "description": "By POST /api/v1/session."},
        "token": {"type": "http", "scheme": "bearer", "description": "By POST /api/v1/tokens: lkf_..."},
    }

    def openapi() -> dict[str, Any]:
        document = plain()
        document.setdefault("components", {})["securitySchemes"] = schemes
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                rule = rules[method, path]
                assert rule is not None, path
                operation["security"] = _signed_by(rule)
                if rule.role is not None:
                    operation["x-role"] = rule.role.name
        return document

    app.openapi = openapi  # pyrefly: ignore[method-assign]


def _signed_by(rule: AccessRule) -> list[Mapping[str, list[str]]]:
    """Either of what is listed; nothing where everybody may."""
    if rule.scope is None:
        return []
    session: Mapping[str, list[str]] = {"session": []}
    return [session] if rule.by_session else [session, {"token": [str(rule.scope)]}]
