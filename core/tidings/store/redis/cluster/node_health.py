"""The health of each node of a cluster: its outages, and the time since it was heard."""

from functools import partial
from typing import Any

from tidings.store.availability.store_errors import StoreError
from tidings.store.availability.store_health import StoreHealth
from tidings.store.sentinel.address_vote import Address

REDIRECTS = frozenset({"MOVED", "ASK", "TRYAGAIN"})
"""First words of what a node says that is in order, and does not hold the key, or not the whole slot."""


class NodeHealth(StoreHealth):
    """One node's. What its user is denied counts for the process, as all nodes have the same users."""

    def __init__(self, process: StoreHealth, address: Address) -> None:
        """Begin.

        Args:
            process: the health that all clients of the process share.
            address: the node's.

        """
        node = f"{address[0]}:{address[1]}"
        super().__init__(
            max_downtime_s=process.max_downtime_s,
            tell=partial(process.tell, node=node),
            clock=process.clock,
            key_prefix=process.key_prefix,
        )
        self.denied: dict[str, str] = process.denied

    def failed(self, call: tuple[Any, ...], error: StoreError) -> None:
        """Take note that a call failed; a redirection is an answer."""
        if str(error).partition(" ")[0] in REDIRECTS:
            self.answered(())
        else:
            super().failed(call, error)


def health_of(process: StoreHealth, address: Address) -> StoreHealth:
    """Return the health of a node, which all clients of the process share."""
    found = process.nodes.get(address)
    if found is None:
        found = process.nodes[address] = NodeHealth(process, address)
    return found
