"""How durable the store makes what the server and the worker acknowledge, as an operator chooses it."""

from typing import Literal

import msgspec

Durability = Literal["memory", "fsync", "replicated"]
"""What an acknowledged write outlives: the end of the store's process, of its machine, of its disk."""


class Replication(msgspec.Struct, frozen=True):
    """How long an answer waits for replicas."""

    replicas: int
    """How many must have what was written."""
    within_s: float
    """How long they may take, s."""
