"""An MCP server of the twelve tools. How it is reached, over stdio or HTTP, is its caller's."""

import json
from collections.abc import Callable
from typing import Any

import mcp_types as mcp
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from application.answers.asking import Api, NotAnswered
from application.answers.tools import BY_NAME, INSTRUCTIONS, TOOLS

Context = ServerRequestContext[Any, Any]
_READS = mcp.ToolAnnotations(read_only_hint=True, open_world_hint=False)


def server(api_of: Callable[[Context], Api]) -> Server[Any]:
    """The server, which asks the API that `api_of` gives for each call."""

    async def list_tools(_: Context, __: mcp.PaginatedRequestParams | None) -> mcp.ListToolsResult:
        return mcp.ListToolsResult(tools=[*_TOLD])

    async def call_tool(context: Context, call: mcp.CallToolRequestParams) -> mcp.CallToolResult:
        tool = BY_NAME.get(call.name)
        if tool is None:
            return _result(f"there is no tool {call.name[:40]!r}; there are {', '.join(BY_NAME)}", is_error=True)
        try:
            answer = await tool.answer(api_of(context), call.arguments or {})
        except NotAnswered as why:
            return _result(str(why), is_error=True)
        return _result(json.dumps(answer, ensure_ascii=False, separators=(",", ":")))

    return Server("lakefolio", version="1", instructions=INSTRUCTIONS, on_list_tools=list_tools, on_call_tool=call_tool)


def _result(text: str, is_error: bool = False) -> mcp.CallToolResult:
    return mcp.CallToolResult(content=[mcp.TextContent(type="text", text=text)], is_error=is_error)


_TOLD = tuple(
    mcp.Tool(name=tool.name, description=tool.description, input_schema=tool.schema, annotations=_READS)
    for tool in TOOLS
)
