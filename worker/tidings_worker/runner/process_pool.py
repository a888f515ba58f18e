"""The pool of child processes: started when a job needs one, used again for other jobs, killed with the worker."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from tidings_worker.settings import WorkerSettings

from .child_process import ChildProcess
from .executor_places import ExecutorPlaces
from .running_lifespans import CANCELLED_WITHIN_S


class ProcessPool:
    """The processes of one worker. Use it as `async with`: at its end no process is left."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        most = settings.processes or os.cpu_count() or 1
        self.places = ExecutorPlaces(most)
        """Of its processes: a queue reserves a place before it takes a job for one, so no job waits in `lend`."""
        self._limit = asyncio.Semaphore(most)
        self._idle: list[ChildProcess] = []
        self._all: set[ChildProcess] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = self._settings.lifespan_leave_s + CANCELLED_WITHIN_S
        await asyncio.gather(*(process.leave(seconds) for process in self._all))

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[ChildProcess]:
        """Lend an idle process; wait while all are lent.

        Raises:
            ProcessEndedError: a new one was needed and did not start.

        """
        async with self._limit:
            process = await self._take()
            try:
                yield process
            finally:
                if process.is_fit:
                    self._idle.append(process)
                else:
                    self._all.discard(process)
                    await process.close()

    async def _take(self) -> ChildProcess:
        while self._idle:
            process = self._idle.pop()
            if process.is_fit:
                return process
            self._all.discard(process)
            await process.close()
        process = await ChildProcess.start(self._settings)
        self._all.add(process)
        return process
