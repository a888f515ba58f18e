"""Kinds whose jobs say and store everything that a job can; each is as quick as it can be."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio

from tidings import Context, Event, Reject, Retry, job, on


@job
async def work(ctx: Context, text: str = "") -> dict[str, str]:
    """Reports progress, and logs."""
    await ctx.progress(1, 2, message="half", data={"n": 1})
    await ctx.log({"text": text})
    return {"text": text}


@job(retries=2)
async def again(ctx: Context) -> str:
    """Is tried twice."""
    if ctx.attempt == 1:
        raise Retry(after=0.05)
    return "done"


@job
async def reject() -> None:
    """Fails for good."""
    raise Reject("no")


@job
async def break_down() -> None:
    """Fails without a word."""
    raise ValueError("a secret of the handler's")


@job(retries=1)
async def never() -> None:
    """Uses up its attempts."""
    raise Retry(after=0.05)


@job(timeout=0.1)
async def slow() -> None:
    """Takes longer than it may."""
    await anyio.sleep(3_600)


@job
async def large() -> str:
    """Returns more than a result may have."""
    return "x" * 200_000


@job
async def endless(ctx: Context) -> None:
    """Runs until someone cancels it."""
    await ctx.progress(None, message="on and on")
    await anyio.sleep(3_600)


_RUNS = itertools.count(1)


@job
async def changed(ctx: Context) -> None:
    """A saga that takes another step when it runs again, as after a deploy that forgot the version."""
    await ctx.step(mark, "now", name=f"step of run {next(_RUNS)}")
    await ctx.signal("go")


@job
async def approve(ctx: Context, fail: bool = False) -> Any:
    """A saga: a step, a child, a signal; may fail, and is undone then."""
    await ctx.step(mark, "before", undo=unmark)
    await ctx.call("work", text="child")
    said = await ctx.signal("go")
    if fail:
        raise Reject("not approved")
    return said


@job
async def recite() -> AsyncIterator[str]:
    """Says what its chunks are."""
    yield "to be"


@job(retries=1)
async def speak(ctx: Context, path: str = "") -> str:
    """Writes two streams; its second attempt keeps a part of the one, and nothing of the other."""
    while ctx.attempt == 1 and path and not Path(path).exists():
        await anyio.sleep(0.01)
    words = ctx.stream("words")
    if ctx.attempt == 1:
        await words.write("to ")
        await words.write("bee")  # in the same turn
        await ctx.stream("thoughts").write({"about": "bees"})
        raise Retry(after=0.05)
    await words.earlier()
    words.keep(1)
    await words.write("be")
    return "to be"


async def mark(what: str) -> str:
    return what


async def unmark(what: str) -> None:
    """Undoes it."""


@on("work", events=["succeeded"], group="audit")
async def note(event: Event) -> None:
    """Handles an event."""
