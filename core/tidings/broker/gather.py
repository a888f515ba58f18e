"""Gathering: what one turn of the event loop wants from the store becomes one call.

While nothing is under way a call leaves at the end of the turn that asked for it; while one is
under way, what arrives is gathered for the next. So nothing waits for a batch to fill, and under
load the batches grow by themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import anyio
import anyio.abc

from .error import BrokerClosedError, ScriptError, StoreError

Item = TypeVar("Item")
Reply = TypeVar("Reply")


class Gatherer(Generic[Item, Reply]):
    """Turns single items into batched calls, in the order they were put, one call at a time."""

    def __init__(
        self,
        call: Callable[[list[Item]], Awaitable[Sequence[Reply]]],
        *,
        name: str,
        most: int = 256,
        pause: Callable[[int], float] | None = None,
    ) -> None:
        """Gather for `call`, which answers each item of its list in order.

        Args:
            call: performs one batch.
            name: for the task and for error messages.
            most: items in one batch at the most; a script holds the store while it runs.
            pause: how long to wait, s, after so many calls have failed in a row; None: not at all. With
                it, many who put again what has failed ask a lost store once, not each of them.

        """
        self.name = name
        self._call = call
        self._most = most
        self._pause = pause
        self._waiting: list[tuple[Item, asyncio.Future[Reply]]] = []
        self._wanted = asyncio.Event()
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def put(self, item: Item) -> "asyncio.Future[Reply]":
        """Return a future of the answer to `item`; it fails with a `StoreError`."""
        future: asyncio.Future[Reply] = self._loop.create_future()
        if self._closed:
            future.set_exception(BrokerClosedError(f"{self.name}: the broker is closed"))
            return future
        self._waiting.append((item, future))
        self._wanted.set()
        return future

    async def run(self) -> None:
        """Make the calls, until cancelled; whatever still waits then fails."""
        batch: list[tuple[Item, asyncio.Future[Reply]]] = []
        failures = 0
        try:
            while True:
                await self._wanted.wait()
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                if not self._waiting:
                    self._wanted.clear()
                failures = 0 if await self._send(batch) else failures + 1
                batch = []
                if failures and self._pause is not None:
                    await anyio.sleep(self._pause(failures))
        finally:
            self._closed = True
            _fail(batch + self._waiting, BrokerClosedError(f"{self.name}: the broker is closed"))
            self._waiting = []

    async def _send(self, batch: list[tuple[Item, asyncio.Future[Reply]]]) -> bool:
        """Make one call; return whether the store answered."""
        try:
            replies = await self._call([item for item, _ in batch])
        except StoreError as error:
            _fail(batch, error)
            return isinstance(error, ScriptError)
        for (_, future), reply in zip(batch, replies, strict=True):
            if not future.done():
                future.set_result(reply)
        # Whoever waited may want something more at once: let it join the next batch.
        await asyncio.sleep(0)
        return True


class Gatherers:
    """What gathers calls of several kinds: use it as `async with`, its tasks run in a group of its own."""

    def __init__(self) -> None:
        self._gatherers: dict[tuple[str, ...], Gatherer[Any, Any]] = {}
        self._tasks: anyio.abc.TaskGroup | None = None

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._tasks is not None
        self._tasks.cancel_scope.cancel()
        return await self._tasks.__aexit__(kind, error, trace)

    def gather(
        self,
        place: tuple[str, ...],
        call: Callable[[list[Any]], Awaitable[Sequence[Reply]]],
        *,
        pause: Callable[[int], float] | None = None,
    ) -> Gatherer[Any, Reply]:
        """Return the gatherer of a place, made with `call` and `pause` when it is first asked for."""
        gatherer = self._gatherers.get(place)
        if gatherer is None:
            assert self._tasks is not None, "use it inside `async with`"
            gatherer = self._gatherers[place] = Gatherer(call, name=" ".join(place), pause=pause)
            self._tasks.start_soon(gatherer.run, name=gatherer.name)
        return gatherer


def _fail(batch: list[tuple[Item, "asyncio.Future[Reply]"]], error: StoreError) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
