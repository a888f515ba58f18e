"""The promoter of one queue: moves scheduled jobs into its streams when they are due."""

import asyncio

from .store_caller import StoreCaller

PROMOTE_LONGEST_S = 5.0
"""The schedule is looked at this often, even if no announcement says that something is due."""


class Promoter:
    """One worker's part in promoting what is due; every worker of a queue has one.

    Those on duty wake when the first job of the schedule is due. The others only look now and then.
    """

    def __init__(self, caller: StoreCaller) -> None:
        self._caller = caller
        self._due = asyncio.Event()
        caller.duty.watch(self._due)

    def wake(self) -> None:
        """Look at the schedule now, if this worker is on duty."""
        if self._caller.duty.on:
            self._due.set()

    async def run(self) -> None:
        """Promote until cancelled."""
        while True:
            self._due.clear()
            moved, wait_ms = await self._caller.ask(self._caller.store.promote)
            if moved:
                continue  # there may be more than one call moves
            duty = self._caller.duty
            wait = PROMOTE_LONGEST_S if wait_ms < 0 or not duty.on else min(wait_ms / 1000, PROMOTE_LONGEST_S)
            await duty.rest(wait, self._due)
