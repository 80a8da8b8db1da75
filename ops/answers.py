"""`lakefolio mcp`: the answers' server over stdio, for a client that starts it and speaks to it by its pipes."""

import os

import anyio
import httpx
from mcp.server.stdio import stdio_server

from application.answers.asking import TIMEOUT_S, Api
from application.answers.server import server


def serve() -> None:
    """Answer from LAKEFOLIO_API, signed with LAKEFOLIO_TOKEN where there are accounts, until stdin ends."""
    anyio.run(_serve, os.environ.get("LAKEFOLIO_API", "http://127.0.0.1:8000"), os.environ.get("LAKEFOLIO_TOKEN"))


async def _serve(address: str, token: str | None) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=address, timeout=TIMEOUT_S, trust_env=False) as client:
        answering = server(lambda _: Api(client, headers, address))
        async with stdio_server() as (reading, writing):
            await answering.run(reading, writing, answering.create_initialization_options())
