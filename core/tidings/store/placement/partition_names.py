"""The names of a queue's partitions, chosen by the slots of a cluster in which they lie. Pure.

Numbered names do not spread: by chance several of them lie on one node. So the name of each further partition is chosen
by its slot: the places follow the van der Corput sequence around the circle of slots, from the queue's own slot on. Any
count is spread well so, and a greater count only adds partitions.

Source: https://valkey.io/topics/cluster-spec/ (slots); J. G. van der Corput, Verteilungsfunktionen, 1935.
"""

from bisect import bisect_left
from functools import lru_cache
from itertools import product
from string import ascii_lowercase, digits
from typing import Final

from redis.crc import key_slot

MAX_PARTITIONS: Final = 64
"""Partitions that a queue may have: a worker holds a connection for each, and reads each."""

SLOTS: Final = 16_384
_MARKS: Final = tuple("".join(pair) for pair in product(ascii_lowercase + digits, repeat=2))


def partition_names(queue: str, count: int) -> tuple[str, ...]:
    """Return the names of a queue's first partitions; the first is the queue's own name.

    Args:
        queue: its name.
        count: how many, 1 to `MAX_PARTITIONS`.

    """
    return (queue,) if count == 1 else _names(queue)[:count]


@lru_cache(maxsize=256)
def _names(queue: str) -> tuple[str, ...]:
    home = key_slot(queue.encode())
    free = sorted((key_slot(name.encode()), name) for name in (f"{queue}~{mark}" for mark in _MARKS))
    names = [queue]
    for place in range(1, MAX_PARTITIONS):
        wanted = (home + int(_van_der_corput(place) * SLOTS)) % SLOTS
        after = bisect_left(free, (wanted, ""))
        near = min({after - 1, after % len(free)}, key=lambda at: (_apart(free[at][0], wanted), free[at]))
        names.append(free.pop(near)[1])
    return tuple(names)


def _van_der_corput(place: int) -> float:
    """Return the place-th number of the sequence of base 2, in [0, 1): the digits of `place`, mirrored."""
    found, part = 0.0, 0.5
    while place:
        found += part * (place & 1)
        place >>= 1
        part /= 2
    return found


def _apart(slot: int, other: int) -> int:
    """Return how far two slots lie apart on the circle."""
    away = abs(slot - other)
    return min(away, SLOTS - away)
