"""Kinds that hold a thread, a process or nothing until the test says so."""

import time
from pathlib import Path

import anyio

from tidings import Context, SyncContext, job


def _hold(path: str, number: int) -> int:
    Path(f"{path}.began.{number}").touch()
    while not Path(path).exists():
        time.sleep(0.01)
    return number


@job
def hold_thread(path: str, number: int) -> int:
    return _hold(path, number)


@job(run_in="process")
def hold_process(path: str, number: int) -> int:
    return _hold(path, number)


@job
def note(path: str, number: int) -> None:
    """Writes its number behind those of others."""
    with Path(path).open("a") as file:
        file.write(f"{number} ")


@job
async def quick(ctx: Context) -> str:
    return "quick"


@job
async def hold_slot(path: str, number: int) -> int:
    Path(f"{path}.began.{number}").touch()
    while not Path(path).exists():
        await anyio.sleep(0.01)
    return number


@job(timeout=1.0)
def limited(ctx: SyncContext) -> str:
    """Takes no time, and may take little."""
    return "in time"


@job
async def hold_in_step(ctx: Context, path: str, number: int) -> int:
    return await ctx.step(_hold, path, number)


def _word() -> str:
    return "in time"


@job
async def limited_in_step(ctx: Context) -> str:
    return await ctx.step(_word, timeout=0.5)


@job(queue="threads")
def hold_thread_alone(path: str, number: int) -> int:
    """In a queue in which every kind needs a thread."""
    return _hold(path, number)


@job(queue="threads")
def note_alone(path: str, number: int) -> None:
    note.function(path, number)
