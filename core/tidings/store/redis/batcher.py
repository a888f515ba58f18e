"""Gathering: the calls that one turn of the event loop wants from the store become one.

While no call is under way, one leaves at the end of the turn that asked for it; while one is under way, new items
gather for the next. So no item waits for a batch to fill, and under load the batches grow by themselves. No task stands
between: each step is a callback of the event loop.

A batch is bounded in items and in bytes. One item's fault is its own: a reply that is a text with `!` before it, or an
item that no MessagePack can hold, fails that item and no other (`ItemError`). A reply `~` means that the store had
said enough in this call: the item goes with the next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import ExitStack
from itertools import islice
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

import anyio
import anyio.abc
import msgspec

from tidings.process.async_library import told_to_sniffio
from tidings.store.availability.store_errors import ItemError, StoreClosedError, StoreError

from .encoding.script_arguments import pack_arguments
from .reply_future import ReplyFuture

MAX_BATCH_ITEMS = 256
"""Items in one batch: a script holds the store while it runs."""

Item = TypeVar("Item")
Reply = TypeVar("Reply")

MANY_ANSWERED = 4
"""After so many answers in one batch the next batch waits a turn of the loop longer: it is then a larger one."""

BATCH_BYTES = 1_048_576
"""What the items of one batch may come to, where they are measured; one item alone may be as large as it is."""

_FAULT, _AGAIN = "!", "~"
"""How the replies begin that are no answer (see above)."""


Answer_contra = TypeVar("Answer_contra", contravariant=True)


class ReplySink(Protocol[Answer_contra]):
    """The callers that wait for the answer to an item: one future, or several."""

    def done(self) -> bool:
        """Return whether no caller waits any more."""
        ...

    def set_result(self, result: Answer_contra, /) -> None:
        """Take the answer."""
        ...

    def set_exception(self, exception: BaseException, /) -> None:
        """Take the error."""
        ...


class _SharedReply(Generic[Reply]):
    """Several callers that asked the same before it was sent: each has a future of its own, and may leave."""

    __slots__ = ("futures",)

    def __init__(self) -> None:
        self.futures: list[asyncio.Future[Reply]] = []

    def done(self) -> bool:
        return all(future.done() for future in self.futures)

    def set_result(self, result: Reply, /) -> None:
        for future in self.futures:
            if not future.done():
                future.set_result(result)

    def set_exception(self, exception: BaseException, /) -> None:
        for future in self.futures:
            if not future.done():
                future.set_exception(exception)


class BatchOptions(msgspec.Struct, frozen=True):
    """How the items of one kind are gathered; a class has one for each kind, made once."""

    most: int = MAX_BATCH_ITEMS
    """Items in one batch at the most; a script holds the store while it runs."""
    pause: Callable[[int], float] | None = None
    """How long to wait, s, after so many calls have failed in a row; None: not at all. With it, many callers that put
    again what has failed ask a lost store once, not each of them."""
    read: Callable[[Any], Sequence[Any]] | None = None
    """Takes the replies out of what a call answered, the moment it has; None: that is the replies."""
    size: Callable[[Any], int] | None = None
    """Bytes of an item, about; None: items are small."""
    form: Callable[[Any], Any] | None = None
    """What is packed of an item; None: the item itself."""
    join: bool = False
    """Whether equal items that wait are one; for questions, which must be hashable."""


PLAIN_BATCHES = BatchOptions()


class Batcher(Generic[Item, Reply]):
    """Turns single items into batched calls, in the order they were put, one call at a time."""

    def __init__(
        self,
        call: Callable[[list[Item]], Awaitable[Any]],
        options: BatchOptions = PLAIN_BATCHES,
        *,
        name: str,
        on_fault: Callable[[BaseException], None],
    ) -> None:
        """Gather for `call`, which answers each item of its list in order.

        Args:
            call: performs one batch.
            options: how items are gathered.
            name: for error messages.
            on_fault: gets what `call` raised that is no `StoreError`: a defect of ours.

        """
        self.name = name
        self._call = call
        self._on_fault = on_fault
        self._most = options.most
        self._pause = options.pause
        self._read: Callable[[Any], Sequence[Reply]] | None = options.read
        self._size: Callable[[Item], int] | None = options.size
        self._form: Callable[[Item], Any] | None = options.form
        self._equal: dict[Hashable, _SharedReply[Reply]] | None = {} if options.join else None
        self._failures = 0
        self._waiting: list[tuple[Item, ReplySink[Reply]]] = []
        self._batch: list[tuple[Item, ReplySink[Reply]]] = []
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
        if self._equal is not None:
            self._join(self._equal, item, future)
        else:
            self._waiting.append((item, future))
        if self._resting:
            self._resting = False
            self._loop.call_soon(self._send)
        return future

    def _join(self, equal: "dict[Hashable, _SharedReply[Reply]]", item: Item, future: "asyncio.Future[Reply]") -> None:
        fan = equal.get(item)
        if fan is None:
            fan = equal[item] = _SharedReply()
            self._waiting.append((item, fan))
        fan.futures.append(future)

    def close(self) -> None:
        """Make no more calls; items that still wait fail."""
        self._closed = True
        if self._answer is not None:
            self._answer.cancel()
        _fail(self._batch + self._waiting, self._closing())
        self._batch, self._waiting = [], []

    def _closing(self) -> StoreError:
        return StoreClosedError(f"{self.name}: the broker is closed")

    def _send(self) -> None:
        if self._closed:
            return
        if not self._waiting:
            self._resting = True
            return
        count = self._most if self._size is None else self._fitting(self._size)
        self._batch, self._waiting = self._waiting[:count], self._waiting[count:]
        if self._equal is not None:
            for item, _ in self._batch:
                self._equal.pop(item, None)
        try:
            answer = self._call([item for item, _ in self._batch])
        except Exception as fault:  # noqa: BLE001 - no caller stands above a callback to take it
            self._part(fault)
            return
        if not isinstance(answer, ReplyFuture):
            self._answer = asyncio.ensure_future(answer)
            self._answer.add_done_callback(self._answered)
        elif answer.done():
            self._answered(answer)
        else:
            self._answer = answer
            answer.on_settled = self._answered

    def _fitting(self, size: Callable[[Item], int]) -> int:
        """Return how many items the next batch may hold."""
        room = BATCH_BYTES
        for count, (item, _) in enumerate(islice(self._waiting, self._most)):
            room -= size(item)
            if room < 0:
                return max(count, 1)
        return self._most

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
            self._part(error)
            return
        count = len(self._batch)
        self._batch, self._answer = [], None
        self._go_on(count)

    def _go_on(self, answered: int = 0) -> None:
        """Send what waits next; answered: how many items have just got their answers."""
        if self._failures and self._pause is not None:
            self._loop.call_later(self._pause(self._failures), self._send)
        elif answered >= MANY_ANSWERED:
            # Tasks that waited for these answers run in the next turn, and what they want is known at its end.
            self._loop.call_soon(self._loop.call_soon, self._send)
        else:
            # A caller that waited may want more at once: its callback runs before this one, and joins the next batch.
            self._loop.call_soon(self._send)

    def _settle(self, replies: Sequence[Reply]) -> None:
        again: list[tuple[Item, ReplySink[Reply]]] = []
        for one, reply in zip(self._batch, replies, strict=True):
            _, future = one
            begins = reply[:1] if isinstance(reply, str) else ""
            if begins == _AGAIN:
                again.append(one)
            elif future.done():
                continue
            elif begins == _FAULT:
                future.set_exception(ItemError(f"{self.name}: {str(reply)[1:]}"))
            else:
                future.set_result(reply)
        if again:
            self._waiting = again + self._waiting

    def _part(self, fault: BaseException) -> None:
        """Take what cannot be sent out of the batch, and send the rest; if there is no such item, it is a defect."""
        batch, self._batch, self._answer = self._batch, [], None
        good = [one for one in batch if self._can_be_sent(one[0])]
        if len(good) == len(batch):
            self._batch = batch
            self._break(fault)
            return
        kept = {id(one) for one in good}
        _fail([one for one in batch if id(one) not in kept], ItemError(f"{self.name}: {fault}"))
        self._waiting = good + self._waiting
        self._go_on()

    def _can_be_sent(self, item: Item) -> bool:
        try:
            pack_arguments(item if self._form is None else self._form(item))
        except (ValueError, TypeError, OverflowError, RecursionError, msgspec.MsgspecError):
            return False
        return True

    def _break(self, fault: BaseException) -> None:
        self.close()
        self._on_fault(fault)


class Batchers:
    """What gathers calls of several kinds: use it as `async with`; a defect in one of them ends the body."""

    def __init__(self) -> None:
        self._batchers: dict[tuple[str, ...], Batcher[Any, Any]] = {}
        self._tasks: anyio.abc.TaskGroup | None = None
        self._fault: asyncio.Future[None] | None = None
        self._over = False
        self._leave = ExitStack()
        self._close_beside: list[Callable[[], None]] = []
        """Close the others, which run their calls in the tasks of this one."""

    async def __aenter__(self) -> Self:
        self._leave.enter_context(told_to_sniffio())  # callbacks of answers start tasks of this group
        self._fault = asyncio.get_running_loop().create_future()
        self._tasks = await anyio.create_task_group().__aenter__()
        self._tasks.start_soon(self._stand, self._fault, name="batchers")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._tasks is not None
        self._close()
        for close in self._close_beside:
            close()
        self._tasks.cancel_scope.cancel()
        with self._leave:
            return await self._tasks.__aexit__(kind, error, trace)

    def work_within(self, other: "Batchers") -> None:
        """Run the calls in the tasks of another, which is in use: then this one needs no `async with` of its own."""
        self._tasks, self._fault = other.lend_tasks(self._close)

    def lend_tasks(self, close: Callable[[], None]) -> "tuple[anyio.abc.TaskGroup | None, asyncio.Future[None] | None]":
        """Return the tasks and the future of defects, for another that runs its calls here; see `work_within`.

        Args:
            close: closes the other, when this one closes.

        """
        self._close_beside.append(close)
        return self._tasks, self._fault

    def _close(self) -> None:
        self._over = True
        for batcher in self._batchers.values():
            batcher.close()

    def gather(
        self,
        place: tuple[str, ...],
        call: Callable[[list[Any]], Awaitable[Any]],
        options: BatchOptions = PLAIN_BATCHES,
        *,
        apart: bool = False,
    ) -> Batcher[Any, Reply]:
        """Return the batcher of a place, made with `call` and the options when it is first asked for.

        Args:
            place: names it.
            call: see `Batcher`.
            options: how items are gathered.
            apart: return the other batcher of the place, which asks for one item at a time. It is for items that the
                store refused together with others: it refuses a whole batch for one item.

        """
        place = (*place, "apart") if apart else place
        batcher = self._batchers.get(place)
        if batcher is None:
            assert self._tasks is not None, "use it inside `async with`"
            if apart:
                options = msgspec.structs.replace(options, most=1)
            batcher = Batcher(call, options, name=" ".join(place), on_fault=self._break)
            self._batchers[place] = batcher
            if self._over:
                batcher.close()
        return batcher

    def _break(self, fault: BaseException) -> None:
        assert self._fault is not None
        if not self._fault.done():
            self._fault.set_exception(fault)

    @staticmethod
    async def _stand(fault: "asyncio.Future[None]") -> None:
        """Raise a defect where it is seen: in the task group around the body."""
        await fault


def _fail(batch: list[tuple[Item, ReplySink[Reply]]], error: StoreError) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
