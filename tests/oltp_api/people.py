"""A server with accounts, and people on it: each a client of HTTP with a session or a token of its own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from oltp_api.users import passwords
from storage.settings import Settings
from tests.apps import app_over
from tests.conftest import served

PASSWORD = "a long word that nobody guesses"
_CLIENTS: list[httpx.Client] = []
"""They are closed before their server ends."""


@dataclass
class Person:
    """Somebody who is signed in."""

    address: str
    email: str
    client: httpx.Client

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.client.get(path, params=query)

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.client.post(path, json=body, headers=headers)

    def portfolio(self, name: str = "mine") -> str:
        made = self.post("/portfolios", {"name": name, "initial_cash": "10000", "business_date": "2015-01-02"})
        assert made.status_code == 201, made.text
        return str(made.json()["portfolio_id"])

    def token(self, *scopes: str, **more: Any) -> httpx.Client:
        """A client that brings a token of these scopes."""
        made = self.post("/tokens", {"name": "a script", "scopes": list(scopes), **more})
        assert made.status_code == 201, made.text
        return stranger(self.address, authorization=f"Bearer {made.json()['token']}")

    def share(self, portfolio_id: str, other: "Person", role: str) -> str:
        """Offer a role, and have the other accept it."""
        offered = self.post(f"/portfolios/{portfolio_id}/shares", {"email": other.email, "role": role})
        assert offered.status_code == 201, offered.text
        share_id = str(offered.json()["share_id"])
        assert other.post(f"/shares/{share_id}/accept").status_code == 200
        return share_id


def stranger(address: str, **headers: str) -> httpx.Client:
    """A client without a session."""
    client = httpx.Client(base_url=f"{address}/api/v1", headers=headers, timeout=30)
    _CLIENTS.append(client)
    return client


def signed_in(address: str, email: str, password: str = PASSWORD) -> Person:
    client = stranger(address)
    answer = client.post("/session", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    return Person(address, email, client)


def registered(address: str, code: str, email: str, password: str = PASSWORD) -> Person:
    client = stranger(address)
    body = {"code": code, "email": email, "display_name": email.partition("@")[0], "password": password}
    answer = client.post("/registrations", json=body)
    assert answer.status_code == 201, answer.text
    return Person(address, email, client)


def invited(by: Person, email: str, password: str = PASSWORD) -> Person:
    link = by.post("/invitations", {"email": email})
    assert link.status_code == 201, link.text
    return registered(by.address, link.json()["code"], email, password)


def first_code(settings: Settings) -> str:
    """The code of the link that the server has kept in its state."""
    return (settings.home / "run" / "first-administrator").read_text()


def cheap_hasher() -> Argon2Hasher:
    """argon2id at its cheapest: the product's hash takes 0.3 s of CPU, and these tests make hundreds."""
    return Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1)


@contextmanager
def served_with_accounts(settings: Settings, **more: Any) -> Iterator[str]:
    with ExitStack() as begun:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(passwords, "Argon2Hasher", cheap_hasher)
            app = begun.enter_context(app_over(settings.model_copy(update={"auth": "accounts", **more})))
            address = begun.enter_context(served(app))
        yield address
        own = [client for client in _CLIENTS if str(client.base_url).startswith(address)]
        for client in own:
            client.close()
            _CLIENTS.remove(client)
