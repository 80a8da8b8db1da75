"""A page of a stranger gets nothing out of the API and changes nothing; programs and pages of the owner do."""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from oltp_api.app import create_app
from storage.postgres.database import Database
from storage.settings import Settings
from tests.apps import app_over
from tests.conftest import served
from tests.probes import EVIL, FORM, HOST, JSON, PLAIN, RIGHT, WRONG_HOSTS, WRONG_ORIGINS, Probe, send

LIST = "GET /api/v1/portfolios HTTP/1.1"
CREATE = "POST /api/v1/portfolios?name=probe HTTP/1.1"
BODY = '{"name": "probe"}'
MULTIPART = "Content-Type: multipart/form-data; boundary=x"
PROBES = {
    **{f"read as {name}": Probe(LIST, host) for name, host in WRONG_HOSTS.items()},
    **{f"write as {name}": Probe(CREATE, host) for name, host in WRONG_HOSTS.items()},
    **{f"write from {name}": Probe(CREATE, [HOST, *origin]) for name, origin in WRONG_ORIGINS.items()},
    "another server's target": Probe("GET http://evil.example/api/v1/portfolios HTTP/1.1", [HOST]),
    "our own as an absolute target": Probe("POST http://{address}/api/v1/portfolios?name=probe HTTP/1.1", [HOST]),
    "a form": Probe(CREATE, [HOST, EVIL, FORM], "name=probe"),
    "a form of several parts": Probe(CREATE, [HOST, EVIL, MULTIPART], "--x--"),
    "plain text that is JSON": Probe("POST /api/v1/portfolios HTTP/1.1", [HOST, EVIL, PLAIN], BODY),
    "JSON after a preflight": Probe("POST /api/v1/portfolios HTTP/1.1", [HOST, EVIL, JSON], BODY),
}


@pytest.fixture(scope="module")
def current(settings: Settings) -> Settings:
    return settings.model_copy(update={"web_hosts": "lakefolio.home"})


@pytest.fixture(scope="module")
def root(current: Settings) -> Iterator[str]:
    with app_over(current) as app, served(app, ws="none") as address:
        yield address


@pytest.fixture(scope="module")
def unguarded(current: Settings) -> Iterator[str]:
    """The same application, taken out of its guard, on the server that uvicorn is by itself."""
    app = create_app(current)
    inside: Any = app.build_middleware_stack()

    async def bare(scope: Any, receive: Any, send: Any) -> None:
        await inside._app._app({**scope, "app": app}, receive, send)

    with served(bare, ws="none", http="httptools") as address:
        yield address


def portfolios(database: Database) -> Any:
    with psycopg.connect(database.admin_url) as connection:
        return connection.execute("select count(*) from portfolio").fetchone()


@pytest.mark.parametrize("name", PROBES)
def test_a_page_of_a_stranger_gets_nothing_and_changes_nothing(root, database: Database, name) -> None:
    before = portfolios(database)

    answer = send(root, PROBES[name])

    assert answer.status in (400, 403, 421), answer
    assert '"code": "' in answer.body, "it is a problem like every other"
    assert {"x-content-type-options", "content-security-policy", "cache-control"} <= answer.headers.keys()
    assert portfolios(database) == before


def test_control_without_the_guard_most_of_them_get_through(unguarded: str) -> None:
    through = [name for name, probe in PROBES.items() if send(unguarded, probe).status in (200, 201)]

    assert len(through) >= 60, through


@pytest.mark.parametrize("name", RIGHT)
def test_the_owners_programs_and_pages_read_and_write(root: str, name) -> None:
    assert send(root, Probe(LIST, RIGHT[name])).status == 200
    assert send(root, Probe(CREATE, RIGHT[name])).status == 201


def test_the_page_of_the_documentation_may_load_what_it_is_made_of_and_nothing_else(root: str) -> None:
    page = httpx.get(f"{root}/docs")
    policy = page.headers["content-security-policy"]

    assert "script-src 'self' 'unsafe-inline'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert httpx.get(f"{root}/static-offline-docs/swagger-ui-bundle.js").status_code == 200


@pytest.mark.parametrize(
    "path", ["/api/v1/portfolios", "/api/v1/nothing", "/docs", "/openapi.json", "/metrics", "/health/live"]
)
def test_every_answer_has_the_headers_that_keep_it_where_it_belongs(root: str, path: str) -> None:
    headers = httpx.get(f"{root}{path}", timeout=30).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
