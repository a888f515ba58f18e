"""Which nodes of a cluster answer at a moment, so that what reads the whole store can leave out the others."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from redis.asyncio import Redis


def _hold_nothing(_: str) -> bool:
    return False


class SilentNodes(NamedTuple):
    """The nodes of a cluster that gave no sign of life in time.

    Of a store alone there are none: whether it answers, the calls themselves show.
    """

    others: Sequence[Redis]
    """Clients of the nodes that answer; of a store alone, its own."""
    addresses: Sequence[str] = ()
    """Of the nodes, `HOST:PORT`."""
    hold: Callable[[str], bool] = _hold_nothing
    """Returns whether a key lies on one of them, or in a slot that no node holds."""
