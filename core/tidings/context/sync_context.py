"""The context of plain functions: each method waits for the event loop, which does the work."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from tidings.circuit.breaker import Breaker
from tidings.circuit.call_guard import SyncCallGuard
from tidings.errors import StoppedError
from tidings.schema.codec import encode_chunk, encode_progress
from tidings.streams.sync_job_stream import SyncJobStream

from .context import ContextBase, Sink, StateT_co
from .once_results import check_once_name, once_result_json

T = TypeVar("T")


class SyncContext(ContextBase[StateT_co]):
    """The context of a plain function, which runs in a thread or a process. The methods are those of `Context`.

    The worker cannot interrupt a plain function. When the attempt must end (a client cancelled it, it timed out),
    `cancelled` is true, and the next method that the function calls raises `StoppedError`. The function has the kind's
    `cancel_grace` to clean up and return. After that the worker kills the process; a thread goes on, the worker
    ignores what it reports, and it keeps its place among the worker's threads until it ends.
    """

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._loop = asyncio.get_running_loop()

    def progress(
        self,
        done: float | None,
        total: float | None = None,
        message: str | None = None,
        data: Any = None,
    ) -> None:
        """Report how far the work is; see `Context.progress`.

        Raises:
            StoppedError: the attempt is over.

        """
        text = encode_progress(done, total, message, data, self._sink.max_chunk_bytes)
        self._check()
        self._loop.call_soon_threadsafe(self._sink.progress, text)

    def log(self, chunk: Any) -> None:
        """Add a chunk to the job's log; see `Context.log`. It waits while the worker holds too many chunks unsent.

        Raises:
            StoppedError: the attempt is over.

        """
        text = encode_chunk(chunk, self._sink.max_chunk_bytes)
        self._check()
        asyncio.run_coroutine_threadsafe(self._log(text), self._loop).result()

    def stream(self, name: str) -> SyncJobStream:
        """Return a stream of the job: `ctx.stream("tokens").write("Hel")` adds a chunk; see `Context.stream`."""
        return SyncJobStream(self._sink.streams.open(name), self._sink, self._loop, self._check)

    def once(self, name: str, function: Callable[[], T]) -> T:
        """Call a function once for the job; see `Context.once`.

        Raises:
            StoppedError: the attempt is over.

        """
        check_once_name(name)
        self._check()
        known = self._wait(self._sink.recall(name))
        if not known:
            value = once_result_json(name, function())
            self._check()
            known = self._wait(self._sink.record(name, value))
        decoded: T = msgspec.json.decode(known)
        return decoded

    def breaker(self, breaker: str | Breaker) -> SyncCallGuard:
        """Return a block around a call of a service: `with ctx.breaker("payments"): …`; see `Context.breaker`.

        Raises:
            StoppedError: the attempt is over.

        """
        self._check()
        return SyncCallGuard(self._sink, self._sink.breaker(breaker), self._loop, self._check)

    def _wait(self, call: Coroutine[Any, Any, str]) -> str:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()

    async def _log(self, text: str) -> None:
        self._sink.log(text)
        await self._sink.room()

    def _check(self) -> None:
        if self._sink.cancelled:
            raise StoppedError("the attempt is over: it was cancelled, timed out, or is another worker's")
