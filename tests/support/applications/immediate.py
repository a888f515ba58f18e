"""A queue whose jobs have told everything before they count as queued: the worst that can happen to an ack."""

from bench.glue.settings import SHARED_CHANNEL, STORE_URL
from bench.glue.story import tell
from redis.asyncio import Redis


class Immediate:
    """The queue, for `bench.glue.server`."""

    def __init__(self) -> None:
        self._store = Redis.from_url(STORE_URL)

    async def open(self) -> None:
        """Connect at the first call."""

    async def enqueue(self, kind: str, token: str) -> None:
        """Do the job at once."""
        await tell(self._store, kind, token, shared=SHARED_CHANNEL)


queue = Immediate()
