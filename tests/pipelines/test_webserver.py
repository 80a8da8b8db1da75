"""A page of a stranger gets nothing out of the Dagster UI and starts nothing; the UI itself and programs do."""

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from dagster import AssetKey, DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget

from storage.settings import Settings
from storage.web.guard import App
from tests.conftest import served
from tests.probes import EVIL, FORM, HOST, JSON, PLAIN, RIGHT, SOCKET, WRONG_HOSTS, WRONG_ORIGINS, Probe, send

PROBED = AssetKey(["probe"])
"""The asset that a probe says it has made."""
MUTATION = (
    "mutation m{reportRunlessAssetEvents(eventParams:"
    '{eventType:ASSET_MATERIALIZATION,assetKey:{path:["probe"]}}){__typename}}'
)
GET = f"GET /graphql?query={quote(MUTATION)}"
QUERY = f"GET /graphql?query={quote('{version}')} HTTP/1.1"
POST = "POST /graphql HTTP/1.1"
BODY = f'{{"query": "{MUTATION.replace(chr(34), chr(92) + chr(34))}"}}'
REPORT = "POST /report_asset_materialization/probe HTTP/1.1"
HANDSHAKE = "GET /graphql HTTP/1.1"
TWO = quote("query q{version} " + MUTATION)
MUTATIONS_BY_GET = {
    "a mutation": f"{GET} HTTP/1.1",
    "one of two operations": f"GET /graphql?query={TWO}&operationName=m HTTP/1.1",
    "one of two operations that is not chosen": f"GET /graphql?query={TWO}&operationName=q HTTP/1.1",
    "the last of two queries": f"GET /graphql?query={quote('{version}')}&query={quote(MUTATION)} HTTP/1.1",
    "an escaped path": f"{GET.replace('/graphql', '/%67raphql')} HTTP/1.1",
    "a comment before it": f"GET /graphql?query={quote('# {version}' + chr(10) + MUTATION)} HTTP/1.1",
    "a byte order mark before it": f"GET /graphql?query={quote(chr(0xFEFF) + MUTATION)} HTTP/1.1",
    "commas before it": f"GET /graphql?query={quote(',,,' + MUTATION)} HTTP/1.1",
    "a subscription": f"GET /graphql?query={quote('subscription{__typename}')} HTTP/1.1",
    "by HEAD": f"{GET.replace('GET', 'HEAD')} HTTP/1.1",
}
PROBES = {
    **{f"read as {name}": Probe(QUERY, host) for name, host in WRONG_HOSTS.items()},
    **{f"write as {name}": Probe(POST, [*host, JSON], BODY) for name, host in WRONG_HOSTS.items()},
    **{f"write from {name}": Probe(POST, [HOST, *origin, JSON], BODY) for name, origin in WRONG_ORIGINS.items()},
    **{f"report from {name}": Probe(REPORT, [HOST, *origin]) for name, origin in WRONG_ORIGINS.items()},
    **{f"a socket from {name}": Probe(HANDSHAKE, [HOST, *SOCKET, *from_]) for name, from_ in WRONG_ORIGINS.items()},
    **{f"a socket as {name}": Probe(HANDSHAKE, [*host, *SOCKET]) for name, host in WRONG_HOSTS.items()},
    **{f"by GET, {name}": Probe(line, [HOST]) for name, line in MUTATIONS_BY_GET.items()},
    "a form": Probe(POST, [HOST, EVIL, FORM], f"query={quote(MUTATION)}"),
    "the query of a form's address": Probe(f"{GET.replace('GET', 'POST')} HTTP/1.1", [HOST, EVIL, FORM], "a=b"),
    "plain text that is JSON": Probe(POST, [HOST, EVIL, PLAIN], BODY),
    "plain text that says it is JSON": Probe(POST, [HOST, EVIL, f"{PLAIN}; application/json"], BODY),
    "another server's target": Probe("POST http://evil.example/graphql HTTP/1.1", [HOST, JSON], BODY),
}


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterInstance]:
    with DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance:
        yield instance


@pytest.fixture(scope="module")
def dagsters_own(instance: DagsterInstance) -> Iterator[App]:
    from dagster_webserver.app import create_app_from_workspace_process_context  # takes a second

    with WorkspaceProcessContext(instance, EmptyWorkspaceTarget(), version="a test") as context:
        yield create_app_from_workspace_process_context(context)


@pytest.fixture(scope="module")
def root(dagsters_own: App) -> Iterator[str]:
    from pipelines.runtime.webserver import guarded  # which all workers would import to collect this module

    with served(guarded(dagsters_own, Settings(web_hosts="lakefolio.home"))) as address:
        yield address


@pytest.fixture
def unprobed(instance: DagsterInstance) -> Iterator[None]:
    """No probe has been through, before and after."""
    instance.wipe_assets([PROBED])
    yield
    instance.wipe_assets([PROBED])


@pytest.mark.parametrize("name", PROBES)
def test_a_page_of_a_stranger_gets_nothing_and_starts_nothing(root, instance, name) -> None:
    answer = send(root, PROBES[name])

    assert answer.status in (400, 403, 405, 421), answer
    assert '"data"' not in answer.body
    if not name.startswith("a socket"):  # some of whose handshakes the library of WebSockets refuses before us
        assert {"x-content-type-options", "content-security-policy", "cache-control"} <= answer.headers.keys()
    assert not instance.has_asset_key(PROBED)


def test_control_dagsters_own_server_lets_most_of_them_through(dagsters_own: App, unprobed) -> None:
    with served(dagsters_own, http="httptools") as address:
        through = [name for name, probe in PROBES.items() if send(address, probe).status in (101, 200)]

    assert len(through) >= 100, through
    assert {f"by GET, {name}" for name in MUTATIONS_BY_GET} - set(through) <= {
        "by GET, by HEAD",
        "by GET, a subscription",
    }


@pytest.mark.parametrize("name", RIGHT)
def test_the_ui_and_programs_of_the_owner_query_mutate_and_subscribe(root, instance, unprobed, name) -> None:
    assert '"data"' in send(root, Probe(QUERY, RIGHT[name])).body
    assert send(root, Probe(HANDSHAKE, [*RIGHT[name], *SOCKET])).status == 101
    assert not instance.has_asset_key(PROBED)

    assert "Success" in send(root, Probe(POST, [*RIGHT[name], JSON], BODY)).body
    assert instance.has_asset_key(PROBED)


@pytest.mark.parametrize("path", ["/", "/runs", "/server_info", "/graphql?query={version}", "/favicon.svg"])
def test_every_answer_has_the_headers_that_keep_it_where_it_belongs(root: str, path: str) -> None:
    answer = httpx.get(f"{root}{path}")

    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]


def test_what_is_no_document_is_answered_by_dagster_itself(root: str) -> None:
    assert httpx.get(f"{root}/graphql", params={"query": "mutation {"}).status_code == 400
