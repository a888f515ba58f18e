"""Making connections to one node, and none for a while after it could not be reached.

Each call to a node that is away would otherwise begin a connection of its own: of a host that does not answer at all
this takes seconds, in which further calls gather behind it. They fail at once instead.
"""

import asyncio

from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreClosedError, StoreError, StoreUnavailableError
from tidings.store.redis.pipelined_connection import Connect

LONGEST_PAUSE_S = 0.5
"""The longest pause, s: so long after its return a node may go unnoticed."""


class ReconnectPause:
    """Makes the connections to one node."""

    def __init__(self, connect: Connect) -> None:
        """Prepare.

        Args:
            connect: makes one connection; raises `StoreError`.

        """
        self._connect = connect
        self._failures = 0
        self._over_at = float("-inf")
        """When the pause is over, by the clock of the event loop, s."""
        self._fault = ""

    async def __call__(self) -> asyncio.StreamWriter:
        """Connect.

        Raises:
            StoreError: the node is not there, or refuses; or it was not there a moment ago, and is not tried yet.

        """
        clock = asyncio.get_running_loop().time
        if clock() < self._over_at:
            raise StoreUnavailableError(self._fault)
        try:
            writer = await self._connect()
        except StoreClosedError:
            raise
        except StoreError as error:
            self._failures += 1
            self._fault = str(error)
            self._over_at = clock() + store_retry_delay(self._failures, LONGEST_PAUSE_S)
            raise
        self._failures = 0
        return writer
