"""What a store lacks of what Tidings needs, or of what an operator asked for. Pure."""

from typing import Self

import msgspec


class Shortfall(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a store lacks."""

    check: str
    """Its name, as `tidings doctor` has it."""
    says: str
    """What is so."""
    do: str
    """What an operator does about it."""
    refuses: bool
    """Whether a server or worker does not start: what it would promise could not be kept."""
    node: str = ""
    """Of a cluster, the address of the node; empty: it is the one store there is."""

    def at(self, node: str) -> Self:
        """Return it of a node."""
        return msgspec.structs.replace(self, node=node)

    def __str__(self) -> str:
        where = f"node {self.node}: " if self.node else ""
        return f"{where}{self.says}: {self.do}"
