"""Channels of a cluster: a subscription for each node, of the channels whose slots it holds.

Each has a connection and a probe of its own. When slots get another owner, their channels move to its subscription.
What was published meanwhile may be lost, and the owner of the channels looks again, as after a lost connection.

Source: https://valkey.io/topics/pubsub/ ("Sharded Pub/Sub")
"""

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import count

import anyio
import anyio.abc
import structlog

from tidings.store.availability.store_errors import StoreError, StoreUnavailableError
from tidings.store.redis.subscription import CONFIRM_TIMEOUT_S, PROBE_S, Hearing, Subscription
from tidings.store.sentinel.address_vote import Address

from .cluster_store import ClusterStore
from .slot_map import slot_of

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class _NodeChannels:
    """What is heard of one node."""

    def __init__(self, subscription: Subscription, probe: str) -> None:
        self.subscription = subscription
        self.probe = probe
        self.scope = anyio.CancelScope()

    async def run(self) -> None:
        with self.scope:
            await self.subscription.run()


class ClusterSubscription:
    """In the place of a `Subscription` where the store is a cluster."""

    def __init__(
        self,
        store: ClusterStore,
        caller: ClusterStore,
        probe: str,
        on_message: Callable[[str, bytes], None],
        on_open: Callable[[], None],
        on_change: Callable[[Hearing], None] = lambda _: None,
        *,
        probe_s: float = PROBE_S,
    ) -> None:
        """Prepare; `run` does the reading. See `Subscription` for the arguments.

        `on_open` is called when any node is heard again, and when channels have moved. `on_change` gets whether any
        node is heard.
        """
        self._store = store
        self._caller = caller
        self._probe = probe
        self._on_message = on_message
        self._on_open = on_open
        self._on_change = on_change
        self._probe_s = probe_s
        self._channels: dict[str, Address | None] = {}
        """Channel → the node whose subscription has it."""
        self._parts: dict[Address, _NodeChannels] = {}
        self._tasks: anyio.abc.TaskGroup | None = None
        self._placed = anyio.Event()
        """Set when it is known which nodes there are."""
        self._started = False
        """Whether all nodes were heard once, or some for want of time were not."""
        self.hearing: Hearing = Hearing.CLOSED
        """Whether it hears any node at this moment."""

    @property
    def deaf_parts(self) -> dict[str, Hearing]:
        """The nodes that are not heard, by their addresses."""
        return {
            f"{host}:{port}": part.subscription.hearing
            for (host, port), part in self._parts.items()
            if part.subscription.hearing is not Hearing.OPEN
        }

    async def run(self) -> None:
        """Read until cancelled; see `Subscription.run`."""
        nodes = self._store.nodes
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            nodes.on_change.append(self._place)
            try:
                while True:
                    try:
                        await nodes.known()
                        break
                    except StoreError:
                        await anyio.sleep(self._probe_s / 4)
                self._place()
                tasks.start_soon(self._begin, name="inbox of a cluster")
                await nodes.follow()
            finally:
                nodes.on_change.remove(self._place)
                self._tasks = None

    async def add(self, *channels: str) -> None:
        """Subscribe to more channels; returns when their nodes have confirmed them, or cannot: they are heard later.

        Raises:
            StoreUnavailableError: a node that is heard did not confirm them in time.

        """
        try:
            async with asyncio.timeout(CONFIRM_TIMEOUT_S):
                await self._placed.wait()
        except TimeoutError:
            raise StoreUnavailableError("no node of the cluster is heard") from None
        for channel in channels:
            self._channels.setdefault(channel, None)
        unconfirmed: list[StoreUnavailableError] = []
        async with anyio.create_task_group() as tasks:
            for owner, mine in self._by_owner(channels).items():
                if owner in self._parts:
                    tasks.start_soon(self._add, owner, mine, unconfirmed)
        for error in unconfirmed:
            raise error

    async def _add(self, owner: Address, channels: list[str], unconfirmed: list[StoreUnavailableError]) -> None:
        part = self._parts.get(owner)
        if part is None:
            return
        for channel in channels:
            self._channels[channel] = owner
        try:
            await part.subscription.add(*channels)
        except StoreUnavailableError as error:
            # When the node is heard again, so are these channels, and `on_open` has their owner look.
            if part.subscription.hearing is Hearing.OPEN:
                unconfirmed.append(error)

    async def remove(self, *channels: str) -> None:
        """Hear nothing more of some channels."""
        for owner, mine in self._by_owner(channels).items():
            for channel in mine:
                self._channels.pop(channel, None)
            if owner in self._parts:
                await self._parts[owner].subscription.remove(*mine)

    async def keep(self, *channels: str) -> None:
        """Subscribe to more channels, however long it takes the store to confirm them."""
        while True:
            try:
                await self.add(*channels)
            except StoreUnavailableError:
                continue  # it waited for a while, and `run` goes on trying
            else:
                return

    # The nodes.

    async def _begin(self) -> None:
        await anyio.sleep(CONFIRM_TIMEOUT_S)
        self._started = True
        self._heard()

    def _by_owner(self, channels: tuple[str, ...]) -> dict[Address | None, list[str]]:
        found: dict[Address | None, list[str]] = {}
        for channel in channels:
            found.setdefault(self._store.nodes.slots.owner(slot_of(channel)), []).append(channel)
        return found

    def _place(self) -> None:
        """Listen to the nodes that there are, to each of the channels that it holds."""
        if self._tasks is None:
            return
        slots = self._store.nodes.slots
        for address, part in list(self._parts.items()):
            if slots.owner(slot_of(part.probe)) != address:  # it is gone, or has given away the slot of its probe
                part.scope.cancel()
                del self._parts[address]
                self._channels = {one: None if at == address else at for one, at in self._channels.items()}
        for address in slots.primaries:
            if address not in self._parts:
                part = self._parts[address] = self._part(address)
                self._tasks.start_soon(part.run, name="inbox of a node")
        for owner, channels in self._by_owner(tuple(self._channels)).items():
            moved = {one: at for one in channels if (at := self._channels[one]) != owner}
            if moved:
                self._tasks.start_soon(self._move, moved, name="moved channels")
        self._placed.set()
        self._heard()

    async def _move(self, moved: dict[str, Address | None]) -> None:
        """Hear channels from the node that holds them now, and have their owner look once for all of them.

        Args:
            moved: the channels, each with the node that is still subscribed to it; None: none is.

        """
        for before in set(moved.values()):
            part = None if before is None else self._parts.get(before)
            if part is not None:
                await part.subscription.remove(*(one for one, at in moved.items() if at == before))
        wanted = [one for one in moved if one in self._channels]
        if wanted:
            await self.keep(*wanted)
            self._on_open()

    def _part(self, address: Address) -> _NodeChannels:
        probe = self._probe_of(address)
        subscription = Subscription(
            self._store.nodes.node(address),
            self._caller,
            probe,
            self._on_message,
            self._on_open,
            partial(self._on_part, address),
            probe_s=self._probe_s,
            sharded=True,
        )
        return _NodeChannels(subscription, probe)

    def _probe_of(self, address: Address) -> str:
        """Return a channel for the probe of a node: in a slot that this node holds."""
        slots = self._store.nodes.slots
        head, _, tail = self._probe.partition("}")
        return next(probe for number in count() if slots.owner(slot_of(probe := f"{head}-{number}}}{tail}")) == address)

    def _on_part(self, address: Address, hearing: Hearing) -> None:
        task = asyncio.current_task()
        # A node that is not listened to any more, as the process leaves or the node holds nothing, is no fault.
        if task is None or not task.cancelling():
            if hearing is Hearing.CLOSED:
                self._store.nodes.refresh()
            tell = log.info if hearing is Hearing.OPEN else log.warning
            tell(f"node_{hearing}", node=f"{address[0]}:{address[1]}")
        self._heard()

    def _heard(self) -> None:
        parts = [part.subscription.hearing for part in self._parts.values()]
        found = next((one for one in (Hearing.OPEN, Hearing.DEAF) if one in parts), Hearing.CLOSED)
        # At first all are waited for: a process that has just started has no clients that would lose anything.
        self._started = self._started or set(parts) == {Hearing.OPEN}
        if not self._started:
            found = Hearing.CLOSED
        if found is not self.hearing:
            self.hearing = found
            self._on_change(found)
