"""The Dagster UI behind the guard, `python -m pipelines.runtime.webserver`: what `dagster-webserver` serves.

Dagster's own program runs GraphQL mutations over GET and asks neither for Host nor for Origin, so that an <img> on any
page could stop a sensor. Here its ASGI application stands inside of `WebGuard`, and GET runs queries only.
"""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__
from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.datastructures import QueryParams
from starlette.requests import HTTPConnection

from pipelines.runtime.operators import READ_ONLY, OperatorsOnly
from pipelines.runtime.own_code import OwnCode, watch_code
from storage.errors import SetupError
from storage.postgres.database import locate
from storage.settings import REPOSITORY, Settings, settings
from storage.web.guard import App, Scope, WebGuard, WebRefusal
from storage.web.server import refuse_open_address, serve
from storage.web.sessions import session_cookie

_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_S, _POOL_OVERFLOW = 15_000, 3_600, 20
_POLL_MS = 2_000
"""Dagster's own defaults for its web server."""
_FRAMES_OF_THE_UI = "frame-ancestors 'self'"


def refuse_mutation_by_get(scope: Scope) -> None:
    """Raise unless what a GET may run is a query. The same parser reads it that will read it again to run it."""
    if scope["type"] != "http" or scope["method"] == "POST":
        return
    query = QueryParams(scope["query_string"]).get("query")
    if query is None:
        return
    try:
        definitions = parse(query).definitions
    except (GraphQLError, RecursionError):
        return  # it is no document, and nothing that runs
    operations = [each.operation for each in definitions if isinstance(each, OperationDefinitionNode)]
    if any(operation is not OperationType.QUERY for operation in operations):
        detail = "GET runs queries only; send a mutation by POST"
        raise WebRefusal(405, "mutation_by_get", detail, [(b"allow", b"POST")])


class Workspaces(WorkspaceProcessContext):
    """The code locations as a request may use them: to see them only, if its asker does not administer."""

    def create_request_context(self, source: object | None = None) -> WorkspaceRequestContext:
        is_read_only = isinstance(source, HTTPConnection) and bool(source.scope.get(READ_ONLY))
        return WorkspaceRequestContext(
            self.instance, self.get_current_workspace(), self, self.version, source, self.read_only or is_read_only
        )

    def reload_workspace(self) -> None:
        """Look again at the code that this process has; it cannot load another, and is started again for that."""
        self.refresh_workspace()


def guarded(app: App, current: Settings) -> WebGuard:
    """Dagster's application, with the guard in front of all of it; where people sign in, for those who operate."""
    is_published = current.web_published_on is not None or (current.has_accounts and current.is_encrypted)
    if current.has_accounts:
        sign_in = f"{current.public_url or 'http://127.0.0.1:8000'}/sign-in"
        app = OperatorsOnly(app, session_cookie(current), locate(current).app_url, sign_in, current.needs_second_factor)
    return WebGuard(app, current.declared_hosts, is_published, refuse_mutation_by_get, _FRAMES_OF_THE_UI)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m pipelines.runtime.webserver", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="an address of the loopback interface")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--workspace", type=Path, default=REPOSITORY / "workspace.yaml")
    arguments = parser.parse_args()
    try:
        refuse_open_address(arguments.host, settings())
        _serve(arguments.host, arguments.port, arguments.workspace, settings())
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _serve(host: str, port: int, workspace: Path, current: Settings) -> None:
    with ExitStack() as stack:
        instance = stack.enter_context(DagsterInstance.get())
        instance.optimize_for_webserver(_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_S, _POOL_OVERFLOW)
        context = stack.enter_context(Workspaces(instance, OwnCode(workspace), version=__version__))
        app = create_app_from_workspace_process_context(context, "", _POLL_MS)
        watch_code()
        serve(guarded(app, current), host, port, current)


if __name__ == "__main__":
    sys.exit(main())
