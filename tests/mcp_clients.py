"""MCP clients from the package index, for tests that are not asynchronous."""

import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2
from anyio.from_thread import start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, Tool

from storage.settings import REPOSITORY


@dataclass(frozen=True)
class Asker:
    """A client that is connected."""

    call: Callable[..., CallToolResult]
    tools: Callable[[], list[Tool]]

    def text(self, name: str, /, **arguments: Any) -> str:
        """The text of a result, whether the tool answers or refuses."""
        (content,) = self.call(name, arguments).content
        assert content.type == "text"
        return content.text

    def answer(self, name: str, /, **arguments: Any) -> Any:
        result = self.call(name, arguments)
        (content,) = result.content
        assert content.type == "text"
        assert not result.is_error, f"{name} {arguments}: {content.text}"
        return json.loads(content.text)

    def figures(self, name: str, /, **arguments: Any) -> list[dict[str, Any]]:
        """The figures of all pages."""
        found, more = [], {}
        while True:
            page = self.answer(name, **arguments, **more)
            found += page["figures"]
            if "next_cursor" not in page:
                return found
            more = {"cursor": page["next_cursor"]}


@contextmanager
def over_stdio(address: str, token: str | None = None) -> Iterator[Asker]:
    """A client that starts the server as people configure it, and speaks to it by its pipes."""
    environment = {"LAKEFOLIO_API": address, **({"LAKEFOLIO_TOKEN": token} if token else {})}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "ops", "mcp"], env=environment, cwd=str(REPOSITORY)
    )
    with _connected(Client(stdio_client(server))) as asker:
        yield asker


@contextmanager
def over_http(address: str, headers: Mapping[str, str] | None = None, mode: str = "auto") -> Iterator[Asker]:
    """A client of the API's own /mcp."""

    @asynccontextmanager
    async def client() -> AsyncIterator[Client]:
        async with (
            httpx2.AsyncClient(headers=dict(headers or {}), timeout=60) as asking,
            Client(streamable_http_client(f"{address}/mcp", http_client=asking), mode=mode) as connected,
        ):
            yield connected

    with _connected(client()) as asker:
        yield asker


@contextmanager
def _connected(made: AbstractAsyncContextManager[Client]) -> Iterator[Asker]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(made) as client:

        def call(name: str, arguments: Mapping[str, Any]) -> CallToolResult:
            return portal.call(partial(client.call_tool, name, dict(arguments)))

        yield Asker(call, lambda: list(portal.call(client.list_tools).tools))
