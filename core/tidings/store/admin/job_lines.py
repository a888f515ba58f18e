"""Lines in which jobs wait, as operators count them: a hash names the lines, and each has a key of its own."""

from typing import Literal

from tidings.store.availability.store_errors import ScriptError
from tidings.store.redis.command_pool import CommandPool

MAX_LINES = 1_000
"""Lines of one queue that are counted."""


async def open_lines(caller: CommandPool, key: str) -> list[tuple[str, int]]:
    """Return the lines that a hash names, each with when it was opened, ms since the epoch (0: it does not say).

    At most `MAX_LINES`; none where there is no hash at the key.

    Raises:
        StoreError: the store is unavailable.

    """
    try:
        flat: list[bytes] = await caller.ask("HGETALL", key)
    except ScriptError:  # what lies there is no hash
        return []
    pairs = list(zip(flat[::2], flat[1::2], strict=True))[:MAX_LINES]
    return [(name.decode(errors="replace"), int(since) if since.isdigit() else 0) for name, since in pairs]


async def size_of_line(caller: CommandPool, key: str, command: Literal["ZCARD", "SCARD"] = "ZCARD") -> int:
    """Return how many jobs are in a line; 0 where what lies there is none.

    Raises:
        StoreError: the store is unavailable.

    """
    try:
        count: int = await caller.ask(command, key)
    except ScriptError:
        return 0
    return count


def age_s(now_ms: int, since_ms: int) -> float:
    """Return how long a line has been open, s; 0 where it does not say. Both times are ms since the epoch."""
    return max(now_ms - since_ms, 0) / 1000 if since_ms else 0.0
