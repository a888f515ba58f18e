"""Gathering: what one turn of the event loop wants from the store becomes one call.

While nothing is under way a call leaves at the end of the turn that asked for it; while one is
under way, what arrives is gathered for the next. So nothing waits for a batch to fill, and under
load the batches grow by themselves. No task stands between: each step is a callback of the event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import anyio
import anyio.abc

from .error import BrokerClosedError, StoreError
from .prompt import Prompt

MOST = 256
"""Items in one batch: a script holds the store while it runs."""

Item = TypeVar("Item")
Reply = TypeVar("Reply")


class Gatherer(Generic[Item, Reply]):
    """Turns single items into batched calls, in the order they were put, one call at a time."""

    def __init__(
        self,
        call: Callable[[list[Item]], Awaitable[Any]],
        *,
        name: str,
        on_fault: Callable[[BaseException], None],
        most: int = MOST,
        pause: Callable[[int], float] | None = None,
        read: Callable[[Any], Sequence[Reply]] | None = None,
    ) -> None:
        """Gather for `call`, which answers each item of its list in order.

        Args:
            call: performs one batch.
            name: for error messages.
            on_fault: gets what `call` raised that is no `StoreError`: a defect of ours.
            most: items in one batch at the most; a script holds the store while it runs.
            pause: how long to wait, s, after so many calls have failed in a row; None: not at all. With
                it, many who put again what has failed ask a lost store once, not each of them.
            read: takes the replies out of what `call` answered, the moment it has; None: that is the replies.

        """
        self.name = name
        self._call = call
        self._on_fault = on_fault
        self._most = most
        self._pause = pause
        self._read = read
        self._failures = 0
        self._waiting: list[tuple[Item, asyncio.Future[Reply]]] = []
        self._batch: list[tuple[Item, asyncio.Future[Reply]]] = []
        """What is under way."""
        self._answer: asyncio.Future[Any] | None = None
        self._resting = True
        """Whether nothing is under way, nor about to be."""
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def put(self, item: Item) -> "asyncio.Future[Reply]":
        """Return a future of the answer to `item`; it fails with a `StoreError`."""
        future: asyncio.Future[Reply] = self._loop.create_future()
        if self._closed:
            future.set_exception(self._closing())
            return future
        self._waiting.append((item, future))
        if self._resting:
            self._resting = False
            self._loop.call_soon(self._send)
        return future

    def close(self) -> None:
        """Make no more calls; whatever still waits fails."""
        self._closed = True
        if self._answer is not None:
            self._answer.cancel()
        _fail(self._batch + self._waiting, self._closing())
        self._batch, self._waiting = [], []

    def _closing(self) -> StoreError:
        return BrokerClosedError(f"{self.name}: the broker is closed")

    def _send(self) -> None:
        if self._closed:
            return
        if not self._waiting:
            self._resting = True
            return
        self._batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            answer = self._call([item for item, _ in self._batch])
        except Exception as fault:  # noqa: BLE001 - nobody is above a callback who could take it
            self._break(fault)
            return
        if not isinstance(answer, Prompt):
            self._answer = asyncio.ensure_future(answer)
            self._answer.add_done_callback(self._answered)
        elif answer.done():
            self._answered(answer)
        else:
            self._answer = answer
            answer.at_once = self._answered

    def _answered(self, answer: "asyncio.Future[Any]") -> None:
        if self._closed:
            return
        if answer.cancelled():  # with everything else, by a loop that ends
            self.close()
            return
        error = answer.exception()
        replies: Sequence[Reply] = ()
        if error is None:
            replies = answer.result() if self._read is None else self._read(answer.result())
            if len(replies) != len(self._batch):
                error = AssertionError(f"{self.name}: {len(replies)} replies for {len(self._batch)} items")
        if error is None:
            self._failures = 0
            self._settle(replies)
        elif isinstance(error, StoreError):
            self._failures += 1
            _fail(self._batch, error)
        else:
            self._break(error)
            return
        self._batch, self._answer = [], None
        if self._failures and self._pause is not None:
            self._loop.call_later(self._pause(self._failures), self._send)
        else:
            # Whoever waited may want something more at once: he is called before this is, and it joins the next batch.
            self._loop.call_soon(self._send)

    def _settle(self, replies: Sequence[Reply]) -> None:
        for (_, future), reply in zip(self._batch, replies, strict=True):
            if not future.done():
                future.set_result(reply)

    def _break(self, fault: BaseException) -> None:
        self.close()
        self._on_fault(fault)


class Gatherers:
    """What gathers calls of several kinds: use it as `async with`; a defect in one of them ends the body."""

    def __init__(self) -> None:
        self._gatherers: dict[tuple[str, ...], Gatherer[Any, Any]] = {}
        self._tasks: anyio.abc.TaskGroup | None = None
        self._fault: asyncio.Future[None] | None = None
        self._over = False

    async def __aenter__(self) -> Self:
        self._fault = asyncio.get_running_loop().create_future()
        self._tasks = await anyio.create_task_group().__aenter__()
        self._tasks.start_soon(self._stand, self._fault, name="gatherers")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._tasks is not None
        self._over = True
        for gatherer in self._gatherers.values():
            gatherer.close()
        self._tasks.cancel_scope.cancel()
        return await self._tasks.__aexit__(kind, error, trace)

    def gather(
        self,
        place: tuple[str, ...],
        call: Callable[[list[Any]], Awaitable[Any]],
        *,
        pause: Callable[[int], float] | None = None,
        read: Callable[[Any], Sequence[Reply]] | None = None,
        apart: bool = False,
    ) -> Gatherer[Any, Reply]:
        """Return the gatherer of a place, made with `call`, `pause` and `read` when it is first asked for.

        Args:
            place: names it.
            call: see `Gatherer`.
            pause: see `Gatherer`.
            read: see `Gatherer`.
            apart: return the other gatherer of the place, which asks for one item at a time. It is for what has been
                refused together with others: a store that refuses one item of a batch refuses them all.

        """
        place = (*place, "apart") if apart else place
        gatherer = self._gatherers.get(place)
        if gatherer is None:
            assert self._tasks is not None, "use it inside `async with`"
            name, most = " ".join(place), 1 if apart else MOST
            gatherer = Gatherer(call, name=name, on_fault=self._break, most=most, pause=pause, read=read)
            self._gatherers[place] = gatherer
            if self._over:
                gatherer.close()
        return gatherer

    def _break(self, fault: BaseException) -> None:
        assert self._fault is not None
        if not self._fault.done():
            self._fault.set_exception(fault)

    @staticmethod
    async def _stand(fault: "asyncio.Future[None]") -> None:
        """Raise a defect where it is seen: in the task group around the body."""
        await fault


def _fail(batch: list[tuple[Item, "asyncio.Future[Reply]"]], error: StoreError) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
