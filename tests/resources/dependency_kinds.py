"""Kinds whose handlers have dependencies, which note what becomes of them under the job's token."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from tidings import Context, Depends, StoppedError, SyncContext, job

NOTES = Path(os.environ["TEST_NOTES"])


class Notes:
    """Writes the notes of one attempt."""

    def __init__(self, ctx: Context) -> None:
        self.name = f"{ctx.token}"

    def write(self, text: str) -> None:
        """Add one."""
        with (NOTES / self.name).open("a") as file:
            file.write(f"{text}\n")


Notebook = Annotated[Notes, Depends()]


def thread(notes: Notebook) -> Iterator[int]:
    notes.write("open thread")
    try:
        yield threading.get_ident()
    except BaseException as error:
        notes.write(f"thread saw {type(error).__name__}")
        raise
    finally:
        notes.write("close thread")


async def loop(notes: Notebook, thread: Annotated[int, Depends(thread)]) -> AsyncIterator[int]:
    await asyncio.sleep(0)
    notes.write("open loop")
    try:
        yield threading.get_ident()
    finally:
        await asyncio.sleep(0)
        notes.write("close loop")


Loop = Annotated[int, Depends(loop)]
Thread = Annotated[int, Depends(thread)]


@job
async def in_loop(item: str, how: str, ctx: Context, loop: Loop, thread: Thread, notes: Notebook) -> Any:
    notes.write(f"work on {item}")
    await ctx.log("works")
    if how == "fails":
        raise ValueError(how)
    if how == "waits":
        await asyncio.Event().wait()
    return {"loop": loop == threading.get_ident(), "thread": thread == threading.get_ident()}


@job
def in_thread(item: str, how: str, ctx: SyncContext, loop: Loop, thread: Thread, notes: Notebook) -> Any:
    return plain(item, how, ctx, loop, thread, notes)


@job(run_in="process")
def in_process(item: str, how: str, ctx: SyncContext, loop: Loop, thread: Thread, notes: Notebook) -> Any:
    return plain(item, how, ctx, loop, thread, notes)


def plain(item: str, how: str, ctx: SyncContext, loop: int, thread: int, notes: Notes) -> Any:
    notes.write(f"work on {item}")
    ctx.log("works")
    if how == "fails":
        raise ValueError(how)
    while how == "waits":
        time.sleep(0.005)
        ctx.progress(None)
    return {"loop": loop == threading.get_ident(), "thread": thread == threading.get_ident()}


@job(timeout=0.3)
async def late(ctx: Context, loop: Loop) -> None:
    await asyncio.Event().wait()


async def failing() -> AsyncIterator[None]:
    yield
    raise OSError("the connection was gone")


@job
async def badly_closed(ctx: Context, loop: Loop, failing: Annotated[None, Depends(failing)]) -> str:
    return "done"


@job(retries=1)
async def again(ctx: Context, loop: Loop) -> int:
    if ctx.attempt == 1:
        raise ValueError
    return ctx.attempt


# Sagas.


async def charge(ctx: Context, item: str, loop: int = Depends(loop), notes: Notes = Depends(Notes)) -> str:
    notes.write(f"charge {item}")
    return item


def pack(item: str, thread: int = Depends(thread)) -> bool:
    return thread == threading.get_ident()


async def refund(loop: Loop, item: str, result: Any, notes: Notebook) -> None:
    notes.write(f"refund {item} {result}")


async def careless(ctx: Context) -> None:
    await ctx.step(pack, "x")


@job
async def order(item: str, fails: bool, ctx: Context, notes: Notebook, thread: Thread) -> Any:
    notes.write("run")
    charged = await ctx.with_options(undo=refund).step(charge, item)
    packed = await ctx.step(pack, item)
    value = await ctx.signal("go")
    if fails:
        raise ValueError
    return [charged, packed, value]


@job
async def step_in_dependency(careless: Annotated[None, Depends(careless)]) -> None:
    return None


async def never(ctx: Context) -> None:
    await ctx.log("waits")
    await asyncio.Event().wait()


@job
def waits_for_it(never: Annotated[None, Depends(never)]) -> None:
    with suppress(StoppedError):
        raise AssertionError
