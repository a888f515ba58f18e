"""Handlers that keep a world from coming to rest."""

import asyncio
import threading
import time

from tidings import Context, job

released = threading.Event()


@job
async def blocks_the_loop() -> None:
    """Block the event loop until the test releases it."""
    released.wait(20)


@job
def blocks_a_thread() -> None:
    """Block a thread until the test releases it."""
    released.wait(20)


@job
async def never_rests(ctx: Context) -> None:
    """Yield for ever, without any time passing."""
    while not released.is_set():
        await asyncio.sleep(0)


@job
async def polls(ctx: Context) -> None:
    """Look again every millisecond, for ever."""
    while not released.is_set():
        await asyncio.sleep(0.001)


@job
async def waits_for_go(ctx: Context) -> None:
    """Wait for a signal, for ever."""
    await ctx.signal("go")


@job
async def waits_for_nothing() -> None:
    """Wait for what never comes."""
    await asyncio.Event().wait()


@job
async def takes_a_moment() -> float:
    """Tell how long a second took, really."""
    began = time.monotonic()
    await asyncio.sleep(1)
    return time.monotonic() - began
