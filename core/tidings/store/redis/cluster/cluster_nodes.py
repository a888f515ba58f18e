"""The nodes of a cluster: a client of each, and which of them holds what, learnt when it is needed and kept fresh."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from tidings.store.availability.store_errors import (
    StoreClosedError,
    StoreDemotedError,
    StoreError,
    StoreUnavailableError,
    StoreUnsentError,
)
from tidings.store.availability.store_health import StoreHealth
from tidings.store.redis.single_store import Store
from tidings.store.sentinel.address_vote import Address

from .node_health import health_of
from .slot_map import SlotMap, read_slots

ASK_S = 2.0
"""Time between two questions who holds what."""

SOONEST_S = 0.05
"""Time between two questions at least, however many calls wish for one."""

ANSWER_S = 2.0
"""How long one node may take to say who holds what."""

NEEDS_SLOTS = "the cluster says that no node holds the slot"


class ClusterNodes:
    """What one client knows of its cluster."""

    def __init__(self, seeds: Sequence[Address], open_node: Callable[[Address], Store], health: StoreHealth) -> None:
        """Prepare; nothing is connected yet.

        Args:
            seeds: nodes that are asked first.
            open_node: makes a client of one node.
            health: the process's.

        """
        self.slots: SlotMap = SlotMap()
        self.on_change: list[Callable[[], None]] = []
        """Called when slots have other owners; must not raise and must not block."""
        self._seeds = list(seeds)
        self._open_node = open_node
        self._health = health
        self._nodes: dict[Address, Store] = {}
        self._loading: asyncio.Task[None] | None = None
        self._loaded_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: list[Callable[[StoreError | None], None]] = []
        self._closed = False

    def node(self, address: Address) -> Store:
        """Return the client of one node."""
        node = self._nodes.get(address)
        if node is None:
            node = self._nodes[address] = self._open_node(address)
        return node

    def holder(self, slot: int | None) -> Store | None:
        """Return the client of the node that holds a slot, or of any node; None: nothing is known, or no node does."""
        if slot is not None:
            owner = self.slots.owner(slot)
        else:
            owner = next(iter(self._last_heard_first(self.slots.primaries)), None)
        return None if owner is None else self.node(owner)

    def opened(self) -> Iterable[Store]:
        """Return the clients that there are."""
        return list(self._nodes.values())

    def primaries(self) -> list[Store]:
        """Return the clients of all nodes that hold slots."""
        return [self.node(address) for address in self.slots.primaries]

    # Learning.

    def moved(self, slot: int, owner: Address) -> None:
        """Take note of what `MOVED` named, and ask for the rest."""
        if self.slots.move(slot, owner):
            self._changed({owner})
        self.refresh()

    def refresh(self) -> None:
        """Ask who holds what, soon."""
        if self._closed or self._loading is not None or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        wait = self._loaded_at + SOONEST_S - loop.time()
        self._timer = loop.call_later(max(0.0, wait), self._load_now)

    def when_known(self, then: Callable[[StoreError | None], None]) -> None:
        """Call back when the next answer is there, with None; or with the error, if no node answers."""
        self._waiting.append(then)
        self.refresh()

    async def known(self) -> None:
        """Return when it is known who holds what.

        Raises:
            StoreError: no node answers.

        """
        if not self.slots.known:
            told: asyncio.Future[StoreError | None] = asyncio.get_running_loop().create_future()
            self.when_known(lambda error: None if told.done() else told.set_result(error))
            error = await told
            if error is not None:
                raise error

    async def follow(self) -> None:
        """Ask from time to time, until cancelled."""
        while True:
            self.refresh()
            await asyncio.sleep(ASK_S)

    def _load_now(self) -> None:
        self._timer = None
        # Not of a task group: a client belongs to no scope, as a connection does not; `close` ends it.
        self._loading = asyncio.ensure_future(self._load())

    def _last_heard_first(self, addresses: Iterable[Address]) -> list[Address]:
        """Return nodes, those whose last call was answered first, and of them the one that was heard last."""

        def contact(address: Address) -> tuple[bool, float]:
            health = health_of(self._health, address)
            return health.lost, -(health.downtime.heard_at or 0.0)

        return sorted(addresses, key=contact)

    async def _load(self) -> None:
        fault: StoreError = StoreUnavailableError("no node of the cluster is known")
        # Seeds too: after a while without contact all known nodes may have been replaced.
        # Those first that answered last: one that is away, or frozen, must not hold up every question.
        for address in self._last_heard_first(dict.fromkeys((*self.slots.primaries, *self._seeds))):
            try:
                async with asyncio.timeout(ANSWER_S):
                    answer = await self.node(address).caller.ask("CLUSTER", "SLOTS")
                owners = read_slots(answer, address[0])
                if owners.count(None) == len(owners):
                    raise StoreUnavailableError(f"{NEEDS_SLOTS}: {address[0]}:{address[1]} knows of no slots at all")
            except TimeoutError:
                fault = StoreUnavailableError(f"{address[0]}:{address[1]} did not answer within {ANSWER_S:g} s")
            except (StoreError, ValueError) as error:
                fault = error if isinstance(error, StoreError) else StoreUnavailableError(str(error))
            else:
                self._finish(owners)
                return
        self._finish(None, fault)

    def _finish(self, owners: list[Address | None] | None, fault: StoreError | None = None) -> None:
        self._loading = None
        self._loaded_at = asyncio.get_running_loop().time()
        if owners is not None:
            before = set(self.slots.primaries)
            news = self.slots.take(owners)
            holding = {*self.slots.primaries}
            for address, health in self._health.nodes.items():
                health.counts = address in holding
            if news or before != set(self.slots.primaries):
                self._changed(news)
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then(fault)

    def _changed(self, owners: set[Address]) -> None:
        """Adjust to slots that have other owners."""
        for owner in owners:
            health = health_of(self._health, owner)
            # What the owner before was told last may be missing: every worker gets one lease to show that it lives.
            health.downtime.interrupted(health.clock())
        holding = {*self.slots.primaries}
        for address, node in list(self._nodes.items()):
            if address not in holding:
                gone = f"{address[0]}:{address[1]} holds no slots any more"
                node.caller.leave(StoreDemotedError(gone))
                if address not in self._seeds and not node.feeds:
                    del self._nodes[address]
                    # What is left are connections that do not stand: the calls on them go to other nodes.
                    node.caller.close(StoreUnsentError(gone))
        for listener in self.on_change:
            listener()

    async def close(self) -> None:
        """Close all connections; what waits for an answer fails."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._loading is not None:
            self._loading.cancel()
            with suppress(asyncio.CancelledError):
                await self._loading
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then(StoreClosedError("this process has let go of the store"))
        for node in self._nodes.values():
            await node.aclose()
