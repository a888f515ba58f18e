"""`subscriptions/listen`: pushes tasks as they change, and the news that the tools have changed.

Source: https://modelcontextprotocol.io/specification/2026-07-28/basic/utilities/subscriptions
"""

import asyncio
import time
from contextlib import ExitStack
from typing import Any, cast

import anyio
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp_types import INVALID_PARAMS, Notification, NotificationParams, RequestParams
from pydantic import ConfigDict, Field

from tidings.protocol.problems import ProblemError
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_store import JobRecord
from tidings_server.jobs.job_service import valid
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.job_listener import JobListener
from tidings_server.watch.snapshots import is_final
from tidings_server.web.send.connection_age import connection_lifetime

from .mcp_client import McpClient
from .protocol_errors import require_tasks
from .task_methods import TaskMethods
from .tool_catalog import ToolCatalog

MAX_TASKS = 1_000
"""Tasks of one subscription."""

PAUSE_S = 0.1
"""The least time between two notifications of one task that goes on."""

LOOK_S = 1.0
"""Time between two looks whether the tools have changed."""


class Wanted(RequestParams):
    """The kinds of notifications that a client asks for; the server answers which of them it gets."""

    task_ids: list[str] = Field(default=[], alias="taskIds", max_length=MAX_TASKS)
    tools_list_changed: bool = Field(default=False, alias="toolsListChanged")


class ListenParameters(RequestParams):
    """The parameters of `subscriptions/listen`."""

    notifications: Wanted


class _AnyParameters(NotificationParams):
    model_config = ConfigDict(extra="allow")


class _AnyNotification(Notification[_AnyParameters, str]):
    """Any notification."""


class TaskListener(JobListener):
    """Marks a task of a subscription as one of which there is news."""

    __slots__ = ("due", "news", "over", "told")

    def __init__(self, token: Token, news: asyncio.Event) -> None:
        super().__init__(token)
        self.news = news
        """Wakes the subscription."""
        self.due = True
        """Whether there may be something to tell."""
        self.over = False
        """Whether there is nothing more to tell: it has ended, and the client knows; or it has gone."""
        self.told: dict[str, Any] = {}
        """The task as the client knows it."""

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Wake the subscription."""
        self.due = True
        self.news.set()

    def repaired(self, record: JobRecord, after: int) -> None:
        """Wake the subscription; it reads the record again."""
        self.due = True
        self.news.set()

    def vanished(self) -> None:
        """Wake the subscription; it will find nothing."""
        self.due = True
        self.news.set()


class Subscriptions:
    """Answers `subscriptions/listen`."""

    def __init__(self, runtime: ServerRuntime, tools: ToolCatalog, tasks: TaskMethods) -> None:
        self._runtime = runtime
        self._tools = tools
        self._tasks = tasks

    async def listen(self, client: McpClient, params: ListenParameters) -> dict[str, Any]:
        """`subscriptions/listen`: tells what changes until the client leaves; ends when there is nothing more to tell.

        Raises:
            MCPError: the client asks for tasks, and has not declared their extension.
            ProblemError: it has as many connections or watches as may be.

        """
        wanted = params.notifications
        if wanted.task_ids:
            require_tasks(client, "subscriptions/listen")
            client.identity.require_act("watch")
        if client.request_id is None:
            raise MCPError(INVALID_PARAMS, "`subscriptions/listen` is a request")
        with ExitStack() as leave:
            news = asyncio.Event()
            drain = self._runtime.drain
            drain.on_begin.add(news.set)
            leave.callback(drain.on_begin.discard, news.set)
            slot = self._runtime.quotas.enter(
                quota_key_of(client.identity, client.known.caller), client.known.address, time.monotonic()
            )
            leave.callback(slot.leave)
            slot.watch(len(wanted.task_ids))
            found = [await self._follow(client, task, news, leave) for task in dict.fromkeys(wanted.task_ids)]
            followed = [listener for listener in found if listener is not None]
            honored: dict[str, Any] = {"toolsListChanged": True} if wanted.tools_list_changed else {}
            if followed:
                honored["taskIds"] = [str(listener.token) for listener in followed]
            await _tell(client, "notifications/subscriptions/acknowledged", {"notifications": honored})
            lifetime = min(connection_lifetime(self._runtime.settings.max_connection_age_s), client.identity.left())
            with anyio.move_on_after(lifetime):
                await self._tell_all(client, followed, news, tools=wanted.tools_list_changed)
        return {"resultType": "complete", "_meta": _of_subscription(client)}

    async def _follow(self, client: McpClient, task: str, news: asyncio.Event, leave: ExitStack) -> TaskListener | None:
        """Return a listener of a task; None: the client may see no such task."""
        try:
            listener = TaskListener(self._runtime.jobs.find(task), news)
            record = await self._runtime.jobs.watch(listener, valid(client.identity), 0)
        except ProblemError as error:
            if error.problem.code in ("unknown_token", "forbidden"):
                return None
            raise
        leave.callback(self._runtime.hub.leave, listener)
        listener.release(record.seq)
        return listener

    async def _tell_all(
        self, client: McpClient, followed: list[TaskListener], news: asyncio.Event, *, tools: bool
    ) -> None:
        mine = self._tools.now.mine(client.identity)
        while not self._runtime.drain.begun:
            news.clear()
            for listener in followed:
                if listener.due:
                    listener.due = False
                    await self._tell_task(client, listener)
            followed = [listener for listener in followed if not listener.over]
            if not followed and not tools:
                return
            with anyio.move_on_after(LOOK_S if tools else None):
                await news.wait()
                await asyncio.sleep(PAUSE_S)  # what changes at once makes one notification
            if tools and (now := self._tools.now.mine(client.identity)) != mine:
                mine = now
                await _tell(client, "notifications/tools/list_changed", {})

    async def _tell_task(self, client: McpClient, listener: TaskListener) -> None:
        """Tell a task as it is now, unless the client knows it."""
        reservation = self._runtime.jobs.reservation(client.known.caller)
        try:
            record = await self._runtime.jobs.read(listener.token, valid(client.identity), room=reservation)
            view = self._tasks.view(listener.token, record)
            if view != listener.told:
                await _tell(client, "notifications/tasks", view)
            listener.told, listener.over = ({}, True) if is_final(record) else (view, False)
        except ProblemError as error:
            if error.problem.code != "unknown_token":
                raise
            listener.over = True
        finally:
            reservation.release()


async def _tell(client: McpClient, method: str, params: dict[str, Any]) -> None:
    """Send a notification on the stream of the request."""
    told = _AnyNotification(
        method=method, params=_AnyParameters.model_validate({**params, "_meta": _of_subscription(client)})
    )
    # The types of the SDK know the notifications of the protocol itself alone.
    await client.session.send_notification(cast("Any", told), related_request_id=client.request_id)


def _of_subscription(client: McpClient) -> dict[str, Any]:
    return {SUBSCRIPTION_ID_META_KEY: client.request_id}
