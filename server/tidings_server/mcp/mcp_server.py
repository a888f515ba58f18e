"""The server of the protocol: the SDK's, with the methods of tools and tasks."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import CallToolRequestParams, ListToolsResult, PaginatedRequestParams
from starlette.types import Receive, Scope, Send

import tidings
from tidings_server.runtime import ServerRuntime

from .mcp_client import McpClient
from .protocol_errors import TASKS, answering
from .subscriptions import ListenParameters, Subscriptions
from .task_methods import TaskMethods, TaskParameters, UpdateParameters
from .tool_calls import ToolCalls
from .tool_catalog import ToolCatalog

log = structlog.get_logger()

INSTRUCTIONS = (
    "Each tool submits a job to a durable queue. A job that takes long goes on as a task, also when you leave; its "
    "status message says how far it is."
)


class McpServer:
    """Answers the requests that the endpoint has let in."""

    def __init__(self, runtime: ServerRuntime) -> None:
        tools = ToolCatalog(lambda: runtime.kinds)
        tasks = TaskMethods(runtime, tools)
        calls = ToolCalls(runtime, tools, tasks)

        async def tool_page(client: McpClient, params: PaginatedRequestParams) -> ListToolsResult:
            return tools.now.page(client.identity, params.cursor)

        # No tool has parameters in headers; without this the SDK would list the tools before each call.
        server: Server[Any] = Server(
            "tidings", version=tidings.__version__, instructions=INSTRUCTIONS, get_tool_input_schema=lambda _: None
        )
        server.middleware.clear()  # the spans of the SDK's: jobs have their own
        server.extensions = {TASKS: {}}
        add = server.add_request_handler
        add("tools/list", PaginatedRequestParams, answering("tools/list", tool_page))
        add("tools/call", CallToolRequestParams, answering("tools/call", calls.call))
        listen = Subscriptions(runtime, tools, tasks).listen
        add("subscriptions/listen", ListenParameters, answering("subscriptions/listen", listen))
        add("tasks/get", TaskParameters, answering("tasks/get", tasks.get))
        add("tasks/update", UpdateParameters, answering("tasks/update", tasks.update))
        add("tasks/cancel", TaskParameters, answering("tasks/cancel", tasks.cancel))
        # Without sessions: what goes on is a job, which any server finds by its token. The endpoint has checked the
        # page's origin, and the body's size.
        self._manager = StreamableHTTPSessionManager(
            server,
            stateless=True,
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=runtime.settings.max_frame_bytes,
        )
        for name in ("mcp", "sse_starlette"):  # they tell of each request
            logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run what answers clients of earlier versions around the body."""
        async with self._manager.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as an ASGI application."""
        await self._manager.handle_request(scope, receive, send)
