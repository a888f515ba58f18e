"""The tasks of one client: a task group that lives as long as the client is open."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any


class ClientTasks:
    """The tasks of one client."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._group: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()

    @property
    def opened(self) -> bool:
        """Whether they have been opened, once."""
        return self._group is not None

    async def open(self) -> None:
        """Allow tasks to be started, until `close`."""
        self._group = await self._stack.enter_async_context(asyncio.TaskGroup())

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Start a task."""
        assert self._group is not None
        task = self._group.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Cancel the tasks, and wait for their end."""
        for task in list(self._running):
            task.cancel()
        await self._stack.aclose()
