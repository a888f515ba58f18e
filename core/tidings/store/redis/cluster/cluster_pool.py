"""The hot calls of a cluster: each goes to the node that holds its key, over that node's own connections."""

import asyncio
from typing import Any

from tidings.store.availability.store_errors import StoreError
from tidings.store.availability.store_health import StoreHealth
from tidings.store.redis.command_pool import CommandPool
from tidings.store.redis.pipelined_connection import Connect, PendingCommand

from .cluster_nodes import ClusterNodes
from .routed_call import GIVE_UP_S, LONGEST_PAUSE_S, RoutedCall, has_done_nothing
from .slot_map import read_redirect, routing_key, slot_of


class ClusterPool(CommandPool):
    """In the place of a `CommandPool` where the store is a cluster."""

    sharded = True

    def __init__(self, connect: Connect, health: StoreHealth, timeout_s: float | None, nodes: ClusterNodes) -> None:
        """Prepare; see `CommandPool`. It opens no connection itself: `nodes` do."""
        super().__init__(connect, health, timeout_s)
        self._nodes = nodes

    def send(self, call: PendingCommand) -> None:
        """Send a call that a node answers at once."""
        key = call.key or routing_key(call.args)
        RoutedCall(self._nodes, call, None if key is None else slot_of(key)).send()

    def send_replicated(self, call: PendingCommand) -> None:
        """Send a call that its node's replicas have before it is answered."""
        key = routing_key(call.args)
        RoutedCall(self._nodes, call, None if key is None else slot_of(key), replicated=True).send()

    async def wait(self, *args: str | bytes | int) -> Any:
        """Send a command that may wait in its node; return the answer.

        Raises:
            StoreError: the node is unavailable or full, or refused the command.

        """
        key = routing_key(args)
        slot = None if key is None else slot_of(key)
        loop = asyncio.get_running_loop()
        give_up = loop.time() + GIVE_UP_S
        while True:
            await self._nodes.known()
            node = self._nodes.holder(slot)
            if node is not None:
                try:
                    return await node.caller.wait(*args)
                except StoreError as error:
                    word = str(error).partition(" ")[0]
                    if loop.time() > give_up or not (has_done_nothing(error) or word in ("MOVED", "ASK")):
                        self._nodes.refresh()
                        raise
                    named = read_redirect(str(error), str(node.connection_pool.connection_kwargs.get("host", "")))
                    if word == "MOVED" and named is not None:
                        self._nodes.moved(*named)
            self._nodes.refresh()
            # Also while the slot moves: nothing is taken from a half of a partition.
            await asyncio.sleep(LONGEST_PAUSE_S)

    def interrupt(self, prefix: str) -> None:
        """End the connections on which a command about keys that begin so waits, on every node."""
        for node in self._nodes.opened():
            node.caller.interrupt(prefix)

    def leave(self, fault: StoreError) -> None:
        """End the connections that stand, on every node."""
        for node in self._nodes.opened():
            node.caller.leave(fault)

    def close(self, fault: StoreError | None = None) -> None:
        """End all connections, on every node; see `CommandPool.close`."""
        for node in self._nodes.opened():
            node.caller.close(fault)
