"""Names that the guard takes for ours, whatever they look like; and the addresses a server may listen on."""

import asyncio
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import SetupError
from storage.settings import Settings
from storage.web.guard import WebGuard
from storage.web.server import refuse_open_address

OURS = ("localhost", "127.0.0.1", "[::1]", "lakefolio.home")
BELOW_LOCALHOST = re.compile(r"([a-z0-9-]+\.)+localhost")
PIECES = st.sampled_from(
    [*OURS, ".localhost", "evil.example", "0.0.0.0", ".", ":", ":80", "@", "/", "[", "]", "a", "%", " ", "::", "-"]
)


def asked(guard_of: Any = WebGuard, **scope: Any) -> int:
    """The status that a guarded application answers with; its own is 200."""
    answers: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        raise AssertionError("the guard reads no body")

    async def send(message: Any) -> None:
        answers.append(message)

    whole = {"type": "http", "method": "GET", "path": "/", "scheme": "http", "server": ("127.0.0.1", 80), **scope}
    asyncio.run(guard_of(app, frozenset({"lakefolio.home"}))(whole, receive, send))
    return int(answers[0]["status"])


@given(st.lists(PIECES, min_size=1, max_size=5).map("".join))
def test_of_all_names_that_are_made_of_ours_only_ours_pass(host: str) -> None:
    status = asked(headers=[(b"host", host.encode())])

    is_ours = host.removesuffix(":80") in OURS or BELOW_LOCALHOST.fullmatch(host.removesuffix(":80"))
    assert (status == 200) is bool(is_ours)


@pytest.mark.parametrize("address", ["192.168.0.10", "172.17.0.2", "::"])
def test_a_request_that_arrives_at_another_address_is_refused_unless_the_container_is_published(address: str) -> None:
    local = {"headers": [(b"host", b"localhost")], "server": (address, 8000)}

    assert asked(**local) == 421
    assert asked(lambda app, hosts: WebGuard(app, hosts, is_published=True), **local) == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.10", "example.com", "", "127.0.0.1.evil.example"])
def test_a_server_listens_on_nothing_but_loopback_unless_its_container_is_published(host: str) -> None:
    with pytest.raises(SetupError, match=r"WEB_PUBLISHED_ON=127\.0\.0\.1"):
        refuse_open_address(host, Settings())

    refuse_open_address(host, Settings(web_published_on="127.0.0.1"))
    for own in ("127.0.0.1", "::1", "localhost"):
        refuse_open_address(own, Settings())


@pytest.mark.parametrize("names", ["*", "*.example", "lakefolio.home:80", "http://lakefolio.home", "a b", "-a"])
def test_a_declared_name_is_a_whole_name(names: str) -> None:
    with pytest.raises(ValueError, match="host name"):
        Settings(web_hosts=names)


def test_declared_names_are_compared_in_lower_case() -> None:
    assert Settings(web_hosts="Lakefolio.home, nas.lan").declared_hosts == {"lakefolio.home", "nas.lan"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_with_accounts_and_tls_a_server_listens_anywhere_and_else_nowhere(host: str) -> None:
    accounts = Settings(auth="accounts", public_url="https://folio.example.org")
    refuse_open_address(host, accounts)
    assert "folio.example.org" in accounts.declared_hosts
    for settings in (
        Settings(auth="accounts"),
        Settings(auth="accounts", public_url="http://folio.example.org"),
        Settings(public_url="https://folio.example.org"),
    ):
        with pytest.raises(SetupError):
            refuse_open_address(host, settings)


@pytest.mark.parametrize("url", ["folio.example.org", "https://folio.example.org/", "https://a@b.c", "ftp://a.b"])
def test_the_public_url_is_an_origin(url: str) -> None:
    with pytest.raises(ValueError, match="nothing more"):
        Settings(public_url=url)
