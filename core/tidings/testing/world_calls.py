"""The calls of a test into its world: awaited, under whichever event loop the test has."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import anyio.to_thread

if TYPE_CHECKING:
    from .held.world_system import WorldSystem
    from .held.world_thread import WorldThread

T = TypeVar("T")


class WorldCalls:
    """Calls into the thread of one world. Meanwhile the test's own loop turns: a fake that lives there answers."""

    def __init__(self, thread: "WorldThread") -> None:
        self._thread = thread

    async def do(self, work: "Callable[[WorldSystem], Awaitable[T]]") -> T:
        """See `WorldThread.do`."""
        return await anyio.to_thread.run_sync(self._thread.do, work)

    async def advance(self, seconds: float) -> None:
        """See `WorldThread.advance`."""
        await anyio.to_thread.run_sync(self._thread.advance, seconds)

    async def advance_until(self, condition: Callable[[], bool], within_s: float) -> None:
        """See `WorldThread.advance_until`."""
        await anyio.to_thread.run_sync(partial(self._thread.advance_until, condition, within_s))
