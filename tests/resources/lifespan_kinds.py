"""Kinds whose module has a lifespan: it writes into the log of the job's folder when it is entered and left."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from tidings import Context, SyncContext, job, lifespan

NOTES = Path(os.environ["TEST_NOTES"])


class Resources(NamedTuple):
    """What the jobs share."""

    opened_by: int
    """The process."""
    token: object
    """The same object, if two jobs have the same state."""


class Seen(NamedTuple):
    """What a handler saw of it."""

    handler: int
    opened_by: int
    same: int


def note(text: str) -> None:
    with NOTES.open("a") as notes:
        notes.write(f"{text} {os.getpid()}\n")


@lifespan
async def resources() -> AsyncIterator[Resources]:
    if os.environ.get("TEST_FAIL") == "child" and any("enter" in line for line in NOTES.read_text().splitlines()):
        raise OSError("no database for password-7")
    note("enter")
    async with asyncio.TaskGroup() as tasks:
        breaks = asyncio.Event()
        tasks.create_task(_break(breaks))
        yield Resources(os.getpid(), breaks)
        for task in asyncio.all_tasks():
            if task.get_name() == "break":
                task.cancel()
    await asyncio.sleep(0)
    note("leave")


async def _break(breaks: asyncio.Event) -> None:
    current = asyncio.current_task()
    assert current is not None
    current.set_name("break")
    await breaks.wait()
    raise OSError("the connection is gone")


def seen(state: Resources) -> Seen:
    return Seen(os.getpid(), state.opened_by, id(state.token))


@job
async def in_loop(ctx: Context[Resources]) -> Seen:
    return seen(ctx.state)


@job
def in_thread(ctx: SyncContext[Resources]) -> Seen:
    return seen(ctx.state)


@job(run_in="process")
def in_process(ctx: SyncContext[Resources]) -> Seen:
    return seen(ctx.state)


@job
async def in_step(ctx: Context[Resources]) -> Seen:
    return Seen(*await ctx.step(step))


async def step(ctx: Context[Resources]) -> Seen:
    return seen(ctx.state)


@job
async def finish_in_grace(ctx: Context[Resources]) -> str:
    await ctx.log("runs")
    while not Path(f"{NOTES}.go").exists():
        await asyncio.sleep(0.01)
    note("ended")
    return "done"


@job
async def break_it(ctx: Context[Resources]) -> None:
    assert isinstance(ctx.state.token, asyncio.Event)
    ctx.state.token.set()
