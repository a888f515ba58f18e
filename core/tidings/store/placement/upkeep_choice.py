"""Which workers keep up a partition: those that come first by a hash of partition and worker. Pure.

Upkeep is what a partition needs beside its jobs: jobs that are due are queued, leases that have run out are taken
over, the ends of children are passed on, and what dead workers left is swept. Any worker may do it at any time. A few
do it at full pace, which `workers/appear.lua` finds with each heartbeat by the ranks that are made here.

By rendezvous hashing the partitions of many workers are shared out evenly, and a worker that comes or leaves changes
nothing but the partitions of which it is, or was, among the first.

Source: D. Thaler and C. Ravishankar, Using Name-Based Mappings to Increase Hit Rates, 1998.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

ON_DUTY: Final = 3
"""How many workers keep up a partition at full pace: one may die, and another hang, and nothing is late."""

OFF_DUTY_FACTOR: Final = 10
"""How many times longer the other workers wait between two looks: so nothing stops where those on duty do."""


def upkeep_place(partition: str, tiers: Iterable[str]) -> str:
    """Return what workers share the upkeep of: a partition, among those that serve the same tiers of it."""
    return f"{partition}/{','.join(sorted(tiers))}"


def upkeep_rank(place: str, worker: str) -> int:
    """Return the rank of a worker in a place, from 0 to 2^48 - 1: those with the least ranks do the upkeep."""
    text = f"{len(place)}:{place}{worker}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big")
