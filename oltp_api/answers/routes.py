"""Where an MCP client asks, beside the API: with AUTH=accounts by a token of the scope read."""

from fastapi import APIRouter, Request, Response

from oltp_api.access.rules import Scope, common
from oltp_api.answers.transport import McpTransport
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute)


@router.post(
    "/mcp",
    include_in_schema=False,
    openapi_extra={"requestBody": {"content": {"application/json": {}}, "required": True}},
)
@common(Scope.READ)
async def ask(request: Request) -> Response:
    """Hand a call on; a tool's questions are let in, or not, as requests of their own."""
    transport: McpTransport = request.app.state.mcp
    return await transport.answered(request)
