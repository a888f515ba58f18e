"""The commands `tidings pause QUEUE` and `tidings resume QUEUE`: have workers take nothing, or take again."""

import getpass
from typing import Annotated, Any

import typer
from redis.asyncio import Redis

from tidings.broker.keys import Keys
from tidings.broker.paused import Paused
from tidings.broker.registry import Registry
from tidings.settings import StoreSettings

from .console import cell, open_console
from .error import CommandError
from .flag import with_flags
from .store import with_store

Queue = Annotated[str, typer.Argument(help="The queue's name.")]

_flags = with_flags(StoreSettings, leave_out=("log_format", "log_level", "result_ttl_s", "chronicle"))


@_flags
def pause(queue: Queue, **flags: Any) -> None:
    """Have the workers of a queue take nothing; what runs goes on, and submissions are accepted."""

    async def run(store: Redis) -> None:
        known = sorted({kind.queue for kind in (await Registry(store, Keys()).kinds()).values()})
        if queue not in known:
            raise CommandError(f"there is no queue {queue!r}; known: {', '.join(known) or 'none'}")
        fresh = await Paused(store, Keys()).pause(queue, f"{getpass.getuser()} (tidings pause)")
        if fresh:
            text = f"{queue} is paused: its workers take nothing. `tidings resume {queue}` ends it."
        else:
            text = f"{queue} was paused already."
        open_console().print(cell(text))

    with_store(flags, run)


@_flags
def resume(queue: Queue, **flags: Any) -> None:
    """Have the workers of a paused queue take again."""

    async def run(store: Redis) -> None:
        was_paused = await Paused(store, Keys()).resume(queue)
        text = f"The workers of {queue} take again." if was_paused else f"{queue} was not paused."
        open_console().print(cell(text))

    with_store(flags, run)
