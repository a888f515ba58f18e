"""The names of queues that operators give on the command line."""

from collections.abc import Sequence

from redis.asyncio import Redis

from tidings.store.keys import StoreKeys
from tidings.store.registry import Registry
from tidings_cli.command_errors import CommandError


async def known_queues(store: Redis) -> list[str]:
    """Return the queues of all kinds that workers have registered, sorted."""
    return sorted({kind.queue for kind in (await Registry(store, StoreKeys()).kinds()).values()})


def unknown_queue(queue: str, known: Sequence[str]) -> CommandError:
    """Return the error of a name that no queue has."""
    return CommandError(f"there is no queue {queue!r}; known: {', '.join(known) or 'none'}")
