"""The promoter of one queue: moves scheduled jobs into its streams when they are due."""

import asyncio

import anyio

from .store_caller import StoreCaller

PROMOTE_LONGEST_S = 5.0
"""The schedule is looked at this often, even if no announcement says that something is due."""


class Promoter:
    """One worker's part in promoting what is due; every worker of a queue has one."""

    def __init__(self, caller: StoreCaller) -> None:
        self._caller = caller
        self._due = asyncio.Event()

    def wake(self) -> None:
        """Look at the schedule now."""
        self._due.set()

    async def run(self) -> None:
        """Promote until cancelled."""
        while True:
            self._due.clear()
            moved, wait_ms = await self._caller.ask(self._caller.store.promote)
            if moved:
                continue  # there may be more than one call moves
            wait = PROMOTE_LONGEST_S if wait_ms < 0 else min(wait_ms / 1000, PROMOTE_LONGEST_S)
            with anyio.move_on_after(max(wait, 0.001)):
                await self._due.wait()
