"""`/mcp`: lets clients in, and loads what answers them when the first one comes."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from tidings.protocol.problems import Problem, ProblemError, problem_error
from tidings_server.auth.identity import Identity
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.runtime import ServerRuntime
from tidings_server.web.request.client_address import address_of, caller_of
from tidings_server.web.request.json_limits import check_depth
from tidings_server.web.request.request_body import read_body
from tidings_server.web.responses import HEADERS, problem_response

if TYPE_CHECKING:
    from .mcp_server import McpServer

PACKAGE = "mcp"

INVALID_REQUEST = -32_600
"""JSON-RPC's code of what is no request: such as one that is too large to be read."""

_encode = msgspec.json.Encoder().encode


class McpEndpoint:
    """The endpoint `/mcp`."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime
        self._installed = find_spec(PACKAGE) is not None
        self._server: McpServer | None = None
        self._loading = anyio.Lock()
        self._tasks: anyio.abc.TaskGroup | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Run the endpoint's tasks around the body."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            yield
            tasks.cancel_scope.cancel()

    async def post(self, request: Request, identity: Identity) -> Response:
        """`POST /mcp`: one request or notification of the Model Context Protocol."""
        settings = self._runtime.settings
        if not self._installed:
            missing = "this server lacks the extra `mcp`: pip install 'tidings[mcp]'"
            return problem_response(problem_error("unknown_name", missing).problem)
        try:
            body = await read_body(request, settings.max_frame_bytes, settings.request_within_s)
            check_depth(body.decode(errors="replace"), settings.max_depth)
        except ProblemError as error:
            return _refused(error.problem)
        return McpAnswer(self._runtime, await self._loaded(), body, identity)

    async def _loaded(self) -> "McpServer":
        """Return the server of the protocol. The first time it is imported, in a thread: that takes about a second."""
        if self._server is None:
            async with self._loading:
                if self._server is None:
                    module = await anyio.to_thread.run_sync(import_module, f"{__package__}.mcp_server")
                    assert self._tasks is not None
                    self._server = await self._tasks.start(_run, module.McpServer(self._runtime), name="mcp")
        assert self._server is not None
        return self._server


async def _run(server: "McpServer", *, task_status: "anyio.abc.TaskStatus[McpServer]") -> None:
    async with server.running():
        task_status.started(server)
        await anyio.sleep_forever()


class McpAnswer(Response):
    """The answer to one request; the SDK writes it."""

    def __init__(self, runtime: ServerRuntime, server: "McpServer", body: bytes, identity: Identity) -> None:
        super().__init__()
        self._runtime = runtime
        self._server = server
        self._body = body
        self._identity = identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as an ASGI application; the request counts while it is answered."""
        from .mcp_client import CLIENT, KnownClient  # noqa: PLC0415 - imports the SDK

        caller, address = caller_of(scope, self._identity), address_of(scope)
        unread: list[Message] = [{"type": "http.request", "body": self._body, "more_body": False}]

        async def receive_body() -> Message:
            return unread.pop() if unread else await receive()

        try:
            with self._counted(caller, address) as leave:
                scope[CLIENT] = KnownClient(self._identity, caller, address, leave)
                await self._server(scope, receive_body, send)
        except _RequestLimitError as error:
            await _refused(error.problem)(scope, receive, send)

    @contextmanager
    def _counted(self, caller: str, address: str) -> Iterator[ExitStack]:
        with ExitStack() as leave:
            try:
                leave.enter_context(self._runtime.quotas.request(quota_key_of(self._identity, caller), address))
            except ProblemError as error:
                raise _RequestLimitError(error.problem) from error
            yield leave


class _RequestLimitError(ProblemError):
    """As many requests as may be are under way; nothing of the answer has been sent."""


def _refused(problem: Problem) -> Response:
    """Return the answer to what has not been read, as an error of the protocol with the problem as its data."""
    error = {"code": INVALID_REQUEST, "message": f"{problem.code}: {problem.detail}", "data": problem}
    body = _encode({"jsonrpc": "2.0", "id": None, "error": error})
    headers = {**HEADERS, "content-type": "application/json"}
    if problem.retry_after is not None:
        headers["retry-after"] = str(max(1, round(problem.retry_after)))
    return Response(body, problem.status, headers)
