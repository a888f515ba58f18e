"""The official Python client with the extension of tasks, which its SDK leaves to its users."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, ClassVar, Literal

import httpx2
from mcp.client import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, Request, RequestParams, Result
from pydantic import ConfigDict

from support.timeouts import scaled

TASKS = "io.modelcontextprotocol/tasks"


class Task(Result):
    """A task as a server tells of it."""

    model_config = ConfigDict(extra="allow")

    result_type: Literal["task"] = "task"
    task_id: str
    status: str
    status_message: str | None = None
    created_at: str
    last_updated_at: str
    ttl_ms: int | None
    poll_interval_ms: int | None = None


class TaskParams(RequestParams):
    """The parameters of the three methods."""

    model_config = ConfigDict(extra="allow")

    task_id: str


class TaskRequest(Request[TaskParams, str]):
    """One of the three methods; its header names the task."""

    name_param: ClassVar[str | None] = "taskId"

    method: str
    params: TaskParams


Answers = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class TasksExtension(ClientExtension):
    """Follows a task to its end, and answers its questions."""

    identifier = TASKS

    def __init__(self, answer: Answers | None = None) -> None:
        self.answer = answer
        self.messages: list[str] = []
        """The status messages that it has seen, each once."""
        self.statuses: list[str] = []
        self.tasks: list[str] = []

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=Task, resolve=self._resolve)]

    async def _resolve(self, task: Task, context: ClaimContext) -> CallToolResult:
        self.tasks.append(task.task_id)
        self._see(task.status, task.status_message)
        answered: set[str] = set()
        async with asyncio.timeout(scaled(30)):
            while True:
                found = await ask(context.session, "tasks/get", task.task_id)
                self._see(found["status"], found.get("statusMessage"))
                if found["status"] == "completed":
                    return CallToolResult.model_validate(found["result"])
                if found["status"] == "cancelled":
                    return CallToolResult(content=[], is_error=True)
                for key, request in found.get("inputRequests", {}).items():
                    if key not in answered and self.answer is not None:
                        answered.add(key)
                        response = await self.answer(key, request)
                        await ask(context.session, "tasks/update", task.task_id, inputResponses={key: response})
                await asyncio.sleep((task.poll_interval_ms or 100) / 1000)

    def _see(self, status: str, message: str | None) -> None:
        if message is not None and message not in self.messages:
            self.messages.append(message)
        if status not in self.statuses:
            self.statuses.append(status)


async def ask(session: ClientSession, method: str, task: str, **params: Any) -> dict[str, Any]:
    """Return the answer to one of the methods of tasks, as it is on the wire."""
    request = TaskRequest(method=method, params=TaskParams.model_validate({"taskId": task, **params}))
    found = await session.send_request(request, Anything)
    return found.model_dump(by_alias=True)


class Anything(Result):
    """Any result, with all its fields."""

    model_config = ConfigDict(extra="allow")


@asynccontextmanager
async def connected(
    url: str, *extensions: ClientExtension, credential: str = "", **options: Any
) -> AsyncIterator[Client]:
    """Connect the official client to a server's `/mcp`."""
    async with AsyncExitStack() as stack:
        headers = {"authorization": f"Bearer {credential}"} if credential else {}
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=scaled(30)))
        transport = streamable_http_client(f"{url}/mcp", http_client=http)
        yield await stack.enter_async_context(Client(transport, extensions=extensions, **options))
