"""A client of a whole cluster, over the clients of its nodes."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tidings.store.availability.downtime import Downtime
from tidings.store.availability.store_errors import StoreError, StoreUnavailableError
from tidings.store.availability.store_health import StoreHealth
from tidings.store.redis.command_pool import CommandPool
from tidings.store.redis.silent_nodes import SilentNodes
from tidings.store.redis.single_store import Store
from tidings.store.sentinel.address_vote import Address

from .cluster_nodes import ClusterNodes
from .cluster_pool import ClusterPool
from .node_health import health_of
from .slot_map import slot_of

SIGN_OF_LIFE_S = 1.0
"""How long a node may take to answer before what reads the whole store leaves it out."""


class NodeView(NamedTuple):
    """A node that holds keys, for operators."""

    address: str
    slots: int


class ClusterStore(Store):
    """Sends each command to the node that holds its key. Commands without a key go to any node: see `at`, `parts`."""

    nodes: ClusterNodes

    def join(
        self,
        seeds: Sequence[Address],
        open_node: Callable[[Address], Store],
        health: StoreHealth,
        timeout: float | None,
    ) -> None:
        """Prepare, before anything else is called.

        Args:
            seeds: nodes that are asked first.
            open_node: makes a client of one node, with the health of that node.
            health: the process's.
            timeout: as of `open_store`.

        """
        self.health = health
        self.nodes = ClusterNodes(seeds, open_node, health)
        self.caller: CommandPool = ClusterPool(self.open_detached, health, timeout, self.nodes)
        health.downtime_of = self._downtime_of

    def at(self, key: str) -> Store:
        """Return a client of the node that holds a key; while none is known, this one."""
        return self.nodes.holder(slot_of(key)) or self

    def views(self) -> list[NodeView]:
        """Return the nodes that hold keys, and how many slots each."""
        slots = self.nodes.slots
        return [NodeView(f"{host}:{port}", slots.count((host, port))) for host, port in slots.primaries]

    @property
    def unowned_slots(self) -> int:
        """How many slots no node holds: jobs of their queues wait."""
        return self.nodes.slots.unowned if self.nodes.slots.known else 0

    def parts(self) -> Sequence[Store]:
        """Return a client of each node that holds keys; while none is known, this one."""
        return self.nodes.primaries() or (self,)

    async def known_parts(self) -> Sequence[Store]:
        """Return a client of each node that holds keys.

        Raises:
            StoreError: no node says which these are.

        """
        await self.nodes.known()
        return self.parts()

    async def silent_nodes(self) -> SilentNodes:
        """Ask all nodes that hold keys for a sign of life, all at once, and return those that give none in time.

        Raises:
            StoreError: no node answers.

        """
        await self.nodes.known()
        slots = self.nodes.slots
        addresses = slots.primaries
        answered = await asyncio.gather(*(self._answers(address) for address in addresses))
        if not any(answered):
            raise StoreUnavailableError("no node of the cluster answers")
        silent = {address for address, answers in zip(addresses, answered, strict=True) if not answers}
        return SilentNodes(
            [self.nodes.node(address) for address in addresses if address not in silent],
            [f"{host}:{port}" for host, port in addresses if (host, port) in silent],
            lambda key: slots.owner(slot_of(key)) in (None, *silent),
        )

    async def _answers(self, address: Address) -> bool:
        try:
            async with asyncio.timeout(SIGN_OF_LIFE_S):
                await self.nodes.node(address).caller.ask("PING")
        except (StoreUnavailableError, TimeoutError):
            return False
        except StoreError:
            return True  # a refusal is an answer
        return True

    async def tell(self, channel: str, message: str | bytes) -> None:
        """Publish a message to those who subscribed to a channel, on the node that has the channel's slot.

        Raises:
            StoreError: the store is unavailable, or refused the command.

        """
        await self.caller.ask("SPUBLISH", channel, message)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command to the node that holds its key, and return the answer as redis-py gives it.

        Raises:
            StoreError: the node is unavailable, or refused the command.

        """
        name, *rest = args
        answer = await self.caller.ask(*str(name).split(), *rest)
        callback = self.response_callbacks.get(name)
        options.pop("keys", None)  # of redis-py's cache; the rest says how the answer is read
        return answer if callback is None else callback(answer, **options)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close all connections, of all nodes."""
        await self.nodes.close()
        await super().aclose(close_connection_pool)

    async def follow_nodes(self) -> None:
        """Learn which nodes hold the store, until cancelled."""
        await self.nodes.follow()

    def _downtime_of(self, key: str) -> Downtime:
        owner = self.nodes.slots.owner(slot_of(key))
        return self.health.downtime if owner is None else health_of(self.health, owner).downtime
