"""The errors of the protocol: problems, and what is unforeseen, as JSON-RPC errors.

Source: https://modelcontextprotocol.io/specification/2026-07-28/basic#error-codes
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from mcp.server.context import HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS
from mcp_types.jsonrpc import HEADER_MISMATCH, METHOD_NOT_FOUND, MISSING_REQUIRED_CLIENT_CAPABILITY
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel

from tidings.protocol.problems import Problem, ProblemError
from tidings_server.observability.error_boundary import unexpected_problem

from .mcp_client import McpClient

TASKS = "io.modelcontextprotocol/tasks"
"""The extension of tasks."""

REFUSED = -32_000
"""The code of a request that is right, and that this server does not serve now, or not for this client."""

_ERROR_CODES = {
    "invalid_frame": INVALID_PARAMS,
    "unknown_token": INVALID_PARAMS,
    "already_finished": INVALID_PARAMS,
    "too_large": INVALID_PARAMS,
    "internal_error": INTERNAL_ERROR,
    "store_unavailable": INTERNAL_ERROR,
    "unconfirmed": INTERNAL_ERROR,
}

Params = TypeVar("Params", bound=BaseModel)

Handler = Callable[[McpClient, Params], Awaitable[HandlerResult]]
"""Answers a request of a client."""


def mcp_error(problem: Problem, task: str = "") -> MCPError:
    """Return a problem as the protocol's error, whose data is the problem document.

    Args:
        problem: what went wrong.
        task: the id of the task that goes on all the same; empty: there is none.

    """
    data: dict[str, Any] = msgspec.to_builtins(problem)
    if task:
        data["taskId"] = task
    return MCPError(_ERROR_CODES.get(problem.code, REFUSED), f"{problem.code}: {problem.detail}", data)


def answering(
    method: str, handler: "Handler[Params]"
) -> Callable[[ServerRequestContext[Any, Any], Params], Awaitable[HandlerResult]]:
    """Return what answers a method by `handler`, and each error by one of the protocol's."""

    async def answer(context: ServerRequestContext[Any, Any], params: Params) -> HandlerResult:
        try:
            return await handler(McpClient(context), params)
        except MCPError:
            raise
        except ProblemError as error:
            raise mcp_error(error.problem) from error
        except Exception as error:
            raise mcp_error(unexpected_problem(f"mcp {method}", error)) from error

    return answer


def require_tasks(client: McpClient, method: str) -> None:
    """Refuse a client that has not declared the extension of tasks with its request.

    Raises:
        MCPError: it has not, or its version of the protocol has no extensions.

    """
    if client.version not in MODERN_PROTOCOL_VERSIONS:
        raise MCPError(METHOD_NOT_FOUND, "Method not found", method)
    if not client.declares(TASKS):
        needed: dict[str, Any] = {"requiredCapabilities": {"extensions": {TASKS: {}}}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "Missing required client capability", needed)


def require_named(client: McpClient, task: str) -> None:
    """Refuse a request whose header names another task, or none, than its parameters.

    What stands before the server may choose by the header who gets the request, and what it may do.

    Raises:
        MCPError: the header is not the task's id.

    """
    if decode_header_value(client.headers.get(MCP_NAME_HEADER)) != task:
        raise MCPError(HEADER_MISMATCH, f"the header {MCP_NAME_HEADER} does not match the parameter `taskId`")
