"""A subscription that comes back: channels of the store, read by one task.

Pub/sub forgets what was published while nobody listened. So whoever uses this is told each time
the subscription stands anew (`on_open`), and has to look at what it may have missed.
"""

import asyncio
from collections.abc import Callable

import anyio
from redis.asyncio.client import PubSub

from .connection import CALL_ERRORS, Store
from .error import StoreUnavailableError, translate
from .pause import store_pause

CONFIRM_TIMEOUT_S = 5.0
"""How long the store may take to confirm a channel."""

PROBE_S = 2.0
"""Time between two questions to the store whether it is there; two without a sign of it are a dead connection."""

_CALL = ("SUBSCRIBE",)
"""What the store's contact is told of."""


class Subscription:
    """Messages of any number of channels, handed to one callback."""

    def __init__(
        self,
        store: Store,
        on_message: Callable[[str, bytes], None],
        on_open: Callable[[], None],
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; `run` does the reading.

        Args:
            store: a client without a time limit on answers.
            on_message: gets channel and data; must not raise and must not block.
            on_open: called after every (re)subscription of all channels, the first included.
            on_lost: called when the connection breaks.

        """
        self._store = store
        self._on_message = on_message
        self._on_open = on_open
        self._on_lost = on_lost
        self._channels: dict[str, asyncio.Future[None]] = {}
        self._wanted = asyncio.Event()
        self._pubsub: PubSub | None = None
        self._heard = False
        self.alive = False
        """Whether the channels are subscribed at this moment, as far as this end knows."""

    async def add(self, channel: str) -> None:
        """Subscribe to one more channel; returns when the store has confirmed it.

        Raises:
            StoreUnavailableError: it was not confirmed in time.

        """
        confirmed = self._channels.get(channel)
        if confirmed is None:
            confirmed = self._channels[channel] = asyncio.get_running_loop().create_future()
            self._wanted.set()
            await self._subscribe_now(channel)
        try:
            async with asyncio.timeout(CONFIRM_TIMEOUT_S):
                await asyncio.shield(confirmed)
        except TimeoutError:
            raise StoreUnavailableError(f"the store did not confirm the channel {channel}") from None

    async def keep(self, channel: str) -> None:
        """Subscribe to one more channel, however long it takes the store to confirm it."""
        while True:
            try:
                await self.add(channel)
            except StoreUnavailableError:
                continue  # it waited for a while, and `run` goes on trying
            else:
                return

    async def _subscribe_now(self, channel: str) -> None:
        if self._pubsub is None:
            return  # the reader subscribes to all it finds when it connects
        try:
            await self._pubsub.subscribe(channel)
        except CALL_ERRORS:
            return  # the reader notices too, and subscribes to all again

    async def run(self) -> None:
        """Read until cancelled, subscribing again whenever the connection breaks."""
        await self._wanted.wait()
        failures = 0
        while True:
            try:
                async with self._store.pubsub() as pubsub:
                    self._pubsub = pubsub
                    async with asyncio.timeout(CONFIRM_TIMEOUT_S):
                        await pubsub.subscribe(*self._channels)
                    failures = 0
                    await self._read_while_it_answers(pubsub)
            except CALL_ERRORS as error:
                # Only a subscription that does not come about says that the store is lost: one that
                # stood may have been ended for its own sake.
                failures = 1 if self.alive else failures + 1
                if not self.alive:
                    self._store.contact.failed(_CALL, translate(error))
            finally:
                self._pubsub = None
                self._lose()
            await anyio.sleep(store_pause(failures))

    async def _read_while_it_answers(self, pubsub: PubSub) -> None:
        """Read until the connection breaks, or is found to be half open: TCP alone would not tell for hours."""
        with anyio.CancelScope() as scope:
            probe = asyncio.create_task(self._probe(pubsub, scope), name="inbox probe")
            try:
                await self._read(pubsub)
            finally:
                probe.cancel()

    async def _probe(self, pubsub: PubSub, scope: anyio.CancelScope) -> None:
        silent = 0
        while silent < 2:  # a process that was stopped for a while finds one unanswered
            self._heard = False
            try:
                async with asyncio.timeout(PROBE_S):
                    await pubsub.ping()
            except CALL_ERRORS:
                pass
            await asyncio.sleep(PROBE_S)
            silent = 0 if self._heard else silent + 1
        scope.cancel()

    async def _read(self, pubsub: PubSub) -> None:
        pending = set(self._channels)
        async for message in pubsub.listen():
            self._heard = True
            if message["type"] == "pong":
                continue
            channel = message["channel"].decode()
            if message["type"] == "message":
                self._on_message(channel, message["data"])
            elif message["type"] == "subscribe":
                self._confirm(channel)
                pending.discard(channel)
                if not pending and not self.alive:
                    self.alive = True
                    self._store.contact.answered(_CALL)
                    self._on_open()

    def _confirm(self, channel: str) -> None:
        confirmed = self._channels[channel]
        if not confirmed.done():
            confirmed.set_result(None)

    def _lose(self) -> None:
        if self.alive:
            self.alive = False
            self._on_lost()
        loop = asyncio.get_running_loop()
        for channel, confirmed in self._channels.items():
            if confirmed.done():
                self._channels[channel] = loop.create_future()
