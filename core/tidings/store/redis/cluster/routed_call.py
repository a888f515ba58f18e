"""One call of a cluster, until a node has taken it that holds its key.

A call that a node refused is sent again, as it has done nothing: to the node that the refusal names (`MOVED`, `ASK`),
or after a pause, while a slot moves (`TRYAGAIN`) or has no owner (`CLUSTERDOWN`; `READONLY` of one that was replaced
just before). So is a call that waited for a connection to a node which then turned out to hold nothing any more. A call
whose answer was lost is not sent again: who made it knows whether it may be made twice.

Source: https://valkey.io/topics/cluster-spec/ ("MOVED Redirection", "ASK redirection", "Multi-keys operations")
"""

import asyncio
from typing import Any

from tidings.store.availability.store_errors import StoreError, StoreUnavailableError, StoreUnsentError
from tidings.store.redis.pipelined_connection import PendingCommand
from tidings.store.redis.single_store import Store

from .cluster_nodes import NEEDS_SLOTS, ClusterNodes
from .slot_map import read_redirect

PAUSES = frozenset({"TRYAGAIN", "CLUSTERDOWN", "READONLY", "MASTERDOWN"})
"""First words of refusals that pass."""

FIRST_PAUSE_S = 0.005
LONGEST_PAUSE_S = 0.1
GIVE_UP_S = 10.0
"""How long a call is sent again, s."""


def has_done_nothing(error: StoreError) -> bool:
    """Return whether a call that failed may be sent again after a pause: no node has done it, nor named another."""
    return isinstance(error, StoreUnsentError) or str(error).partition(" ")[0] in PAUSES


class RoutedCall:
    """Sends one call, and again where it is refused."""

    __slots__ = ("_call", "_give_up", "_host", "_nodes", "_pause_s", "_replicated", "_slot")

    def __init__(
        self, nodes: ClusterNodes, call: PendingCommand, slot: int | None, *, replicated: bool = False
    ) -> None:
        """Prepare.

        Args:
            nodes: of the cluster.
            call: gets the answer, or the last refusal.
            slot: of its key; None: any node will do.
            replicated: whether the answer waits for the node's replicas.

        """
        self._nodes = nodes
        self._call = call
        self._slot = slot
        self._replicated = replicated
        self._host = ""
        self._pause_s = FIRST_PAUSE_S
        self._give_up = 0.0

    def send(self) -> None:
        """Send it to the node that holds its slot, or when that is known."""
        if self._call.future is not None and self._call.future.done():
            return
        node = self._nodes.holder(self._slot)
        if node is not None:
            self._send_to(node)
        elif self._nodes.slots.known:
            self._take(StoreUnavailableError(f"CLUSTERDOWN {NEEDS_SLOTS} {self._slot}"))
        else:
            self._nodes.when_known(self._told)

    def _told(self, fault: StoreError | None) -> None:
        if fault is None:
            self.send()
        else:
            self._call.take(fault)

    def _send_to(self, node: Store, *, asking: bool = False) -> None:
        self._host = str(node.connection_pool.connection_kwargs.get("host", ""))
        if self._replicated:
            assert node.caller.replicated is not None, "all nodes were opened alike"
            node.caller.replicated.send(PendingCommand(self._call.args, self._take, self._call.future), asking=asking)
            return
        if asking:  # one command after it is let in where the slot is being moved to
            node.caller.send(PendingCommand(("ASKING",), _drop, self._call.future))
        node.caller.send(PendingCommand(self._call.args, self._take, self._call.future))

    def _take(self, answer: Any) -> None:
        if isinstance(answer, StoreUnavailableError):
            self._refused(answer)
        else:
            self._call.take(answer)

    def _refused(self, error: StoreUnavailableError) -> None:
        now = asyncio.get_running_loop().time()
        self._give_up = self._give_up or now + GIVE_UP_S
        text = str(error)
        word = text.partition(" ")[0]
        named = read_redirect(text, self._host) if word in ("MOVED", "ASK") else None
        if now >= self._give_up or (named is None and not has_done_nothing(error)):
            self._nodes.refresh()  # a node that is lost may have been replaced
            self._call.take(error)
        elif named is None:
            self._nodes.refresh()
            self._again_later()
        elif word == "ASK":
            self._send_to(self._nodes.node(named[1]), asking=True)
        else:
            # A node may name another that names it in turn, until the two have heard of each other.
            told = self._slot is not None and self._nodes.slots.owner(self._slot) == named[1]
            self._nodes.moved(*named)
            if told:
                self._again_later()
            else:
                self.send()

    def _again_later(self) -> None:
        asyncio.get_running_loop().call_later(self._pause_s, self.send)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)


def _drop(_: Any) -> None:
    """Take the answer to what needs none."""
