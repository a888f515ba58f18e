"""A subscription that comes back: channels of the store, read by one task.

Pub/sub forgets what was published while no connection listened. So `on_open` is called each time that another
connection hears, and the owner has to look at what it may have missed.

A probe proves that the connection hears: every `probe_s` the subscription publishes to a channel of its own, over the
client that makes the calls, and must hear it. This costs one PUBLISH of an empty text for each interval and process,
whatever the number of channels: all lie on one connection, where bytes keep their order, so the echo on one proves all.
The nodes of a cluster each need a subscription with a probe of its own (`cluster/cluster_subscription.py`).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum

import anyio
import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreError, StoreUnavailableError, translate

from .echo_probe import EchoProbe
from .push_feed import Push, PushFeed, open_push_feed
from .single_store import CALL_ERRORS, Store, store_of

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

CONFIRM_TIMEOUT_S = 5.0
"""How long the store may take to greet a connection, or to confirm a channel."""

PROBE_S = 2.0
"""Time between two probes."""

_CALL = ("SUBSCRIBE",)
"""The call that the store's health counts."""


class Hearing(StrEnum):
    """Whether the process hears what others publish."""

    CLOSED = "closed"
    """There is no connection on which a probe was heard."""
    OPEN = "open"
    """It hears: the probe comes back."""
    DEAF = "deaf"
    """There is a connection, and the probe does not come back."""


class Subscription:
    """Messages of any number of channels, handed to one callback."""

    def __init__(
        self,
        store: Store,
        caller: Redis,
        probe: str,
        on_message: Callable[[str, bytes], None],
        on_open: Callable[[], None],
        on_change: Callable[[Hearing], None] = lambda _: None,
        *,
        probe_s: float = PROBE_S,
        sharded: bool = False,
    ) -> None:
        """Prepare; `run` does the reading.

        Args:
            store: a client without a time limit on answers.
            caller: the client by which the probe is published.
            probe: the channel of the probe, which no other process uses.
            on_message: gets channel and data; must not raise and must not block.
            on_open: called when another connection has been proved to hear, the first included.
            on_change: called with each change of `hearing`.
            probe_s: time between two probes, s.
            sharded: whether the store is a node of a cluster, and the channels lie in its slots.

        """
        self._sharded = sharded
        self._store = store
        self._caller = caller
        self._probe_channel = probe
        self._probe_s = probe_s
        self._on_message = on_message
        self._on_open = on_open
        self._on_change = on_change
        self._channels: dict[str, asyncio.Future[None]] = {}
        self._feed: PushFeed | None = None
        self._warned = False
        self.hearing: Hearing = Hearing.CLOSED
        """Whether it hears at this moment."""

    async def add(self, *channels: str) -> None:
        """Subscribe to more channels; returns when the store has confirmed them.

        Raises:
            StoreUnavailableError: they were not confirmed in time.

        """
        fresh = [channel for channel in channels if channel not in self._channels]
        self._channels |= {channel: asyncio.get_running_loop().create_future() for channel in fresh}
        waiting = [self._channels[channel] for channel in channels]
        if fresh:
            await self._subscribe_now(fresh)
        try:
            async with asyncio.timeout(CONFIRM_TIMEOUT_S):
                for confirmed in waiting:
                    await asyncio.shield(confirmed)
        except TimeoutError:
            named = " ".join(channels[:3])
            raise StoreUnavailableError(f"the store did not confirm the channels {named}") from None

    async def remove(self, *channels: str) -> None:
        """Hear nothing more of some channels. Only after their `add`: a late confirmation would be another's."""
        known = [channel for channel in channels if self._channels.pop(channel, None) is not None]
        if known and self._feed is not None:
            with suppress(*CALL_ERRORS):  # the reader notices too, and subscribes to the others again
                await self._feed.unsubscribe(*known)

    async def keep(self, channel: str) -> None:
        """Subscribe to one more channel, however long it takes the store to confirm it."""
        while True:
            try:
                await self.add(channel)
            except StoreUnavailableError:
                continue  # it waited for a while, and `run` goes on trying
            else:
                return

    async def _subscribe_now(self, channels: list[str]) -> None:
        if self._feed is None:
            return  # the reader subscribes to all it finds when it connects
        try:
            await self._feed.subscribe(*channels)
        except CALL_ERRORS:
            return  # the reader notices too, and subscribes to all again

    async def run(self) -> None:
        """Read until cancelled, over another connection whenever one breaks or turns out to be deaf."""
        failures = 0
        while True:
            stood = False
            try:
                async with (
                    asyncio.timeout(CONFIRM_TIMEOUT_S) as limit,
                    open_push_feed(self._store, sharded=self._sharded) as feed,
                ):
                    limit.reschedule(None)
                    stood = await self._attend(feed)
            except CALL_ERRORS as error:
                # Only a connection that does not come about says that the store is lost: the store, or a proxy, may
                # have ended a connection that stood for its own sake.
                self._store.health.failed(_CALL, translate(error))
            # A connection that was confirmed and never heard counts as a failure too: a store that publishes elsewhere
            # than it lets subscribe must not be asked without a pause.
            failures = 1 if stood else failures + 1
            await anyio.sleep(store_retry_delay(failures))

    # One connection.

    async def _attend(self, feed: PushFeed) -> bool:
        """Read until the connection breaks or is found dead; return whether it ever heard the probe."""
        connection = _SubscribedConnection(set(self._channels) | {self._probe_channel})
        self._feed = feed
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._prove, connection, tasks.cancel_scope, name="inbox probe")
                await self._read(feed, connection)
                tasks.cancel_scope.cancel()
        finally:
            self._feed = None
            self._lose()
        return connection.stood

    async def _read(self, feed: PushFeed, connection: "_SubscribedConnection") -> None:
        try:
            await feed.subscribe(*connection.unconfirmed)
            while True:
                push = await feed.read()
                connection.probe.heard()
                self._take(push, connection)
        except CALL_ERRORS as error:
            if connection.unconfirmed:
                self._store.health.failed(_CALL, translate(error))

    def _take(self, push: Push, connection: "_SubscribedConnection") -> None:
        kind, name, data = push
        channel = name.decode()
        if kind == b"message":
            if channel == self._probe_channel:
                self._echo(connection)
            else:
                self._pass_on(channel, data)
        elif kind == b"subscribe":
            self._confirm(channel, connection)
        elif kind == b"unsubscribe" and (channel in self._channels or channel == self._probe_channel):
            # Unasked: the slot of the channel has left this node.
            raise RedisConnectionError(f"the store has ended the channel {channel}")

    def _pass_on(self, channel: str, data: bytes) -> None:
        try:
            self._on_message(channel, data)
        except (msgspec.MsgspecError, ValueError) as error:
            # Any client of the store may publish here, and this task reads for the whole process.
            if not self._warned:
                self._warned = True
                log.warning("message_unreadable", channel=channel, bytes=len(data), error=str(error)[:300])

    def _confirm(self, channel: str, connection: "_SubscribedConnection") -> None:
        confirmed = self._channels.get(channel)
        if confirmed is not None and not confirmed.done():
            confirmed.set_result(None)
        connection.unconfirmed.discard(channel)
        if not connection.unconfirmed and not connection.confirmed.is_set():
            connection.confirmed.set()
            self._store.health.answered(_CALL)

    async def _prove(self, connection: "_SubscribedConnection", scope: anyio.CancelScope) -> None:
        """Publish the probe every interval, the first as soon as all channels are confirmed; end what is dead."""
        with anyio.move_on_after(self._probe_s):
            await connection.confirmed.wait()
        clock = asyncio.get_running_loop().time
        while not connection.probe.dead:
            begin = clock()
            taken = await self._publish()
            await anyio.sleep(max(0, begin + self._probe_s - clock()))
            connection.probe.interval(taken=taken)
            if connection.probe.deaf:
                self._become(Hearing.DEAF)
        scope.cancel()

    async def _publish(self) -> bool:
        """Publish the probe; return whether the store took it within the interval."""
        try:
            async with asyncio.timeout(self._probe_s):
                await store_of(self._caller).tell(self._probe_channel, b"")
        except (StoreError, TimeoutError):
            return False
        return True

    def _echo(self, connection: "_SubscribedConnection") -> None:
        connection.probe.echoed()
        self._become(Hearing.OPEN)
        if not connection.stood:
            connection.stood = True
            self._on_open()

    def _lose(self) -> None:
        self._become(Hearing.CLOSED)
        loop = asyncio.get_running_loop()
        for channel, confirmed in self._channels.items():
            if confirmed.done():
                self._channels[channel] = loop.create_future()

    def _become(self, hearing: Hearing) -> None:
        if hearing is not self.hearing:
            self.hearing = hearing
            self._on_change(hearing)


class _SubscribedConnection:
    """The state of one connection."""

    def __init__(self, channels: set[str]) -> None:
        self.unconfirmed = channels
        """Channels that were asked for when it was made, and are not confirmed."""
        self.confirmed = asyncio.Event()
        self.probe = EchoProbe()
        self.stood = False
        """Whether the probe was ever heard."""
