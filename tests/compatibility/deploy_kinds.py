"""Kinds that the workers of two releases serve side by side; each says which release ran it.

Only what the release before knows stands here, but for what is left out where it does not.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio

import tidings
from tidings import Context, Event, Reject, job, on

RELEASE = os.environ["TIDINGS_X_RELEASE"]


@job
async def tell(ctx: Context, text: str) -> dict[str, str]:
    """Reports progress, and logs."""
    await ctx.progress(1, 2, message="half")
    await ctx.log({"text": text})
    return {"by": RELEASE, "text": text}


@job
async def meet(folder: str, others: int) -> str:
    """Ends when so many releases run it at a time."""
    (Path(folder) / RELEASE).touch()
    while len(list(Path(folder).iterdir())) < others:
        await anyio.sleep(0.01)
    return RELEASE


@job
async def refuse() -> None:
    """Fails for good."""
    raise Reject("not today")


@job
async def wait_long(ctx: Context) -> None:
    """Runs until someone cancels it."""
    await ctx.progress(0.1)
    await anyio.sleep(3_600)


@job
async def approve(ctx: Context) -> list[Any]:
    """A saga: a step before it waits, and one after."""
    first = await ctx.step(mark, "before", undo=unmark)
    said = await ctx.signal("go")
    return [first, said, await ctx.step(mark, "after"), await ctx.call("tell", text="child")]


async def mark(what: str) -> list[str]:
    return [RELEASE, what]


async def unmark(what: list[str]) -> None:
    """Nothing to undo."""


@job
async def linger(until: str) -> str:
    """Ends when the worker of that release runs it, and runs for ever elsewhere."""
    while until != RELEASE:
        await anyio.sleep(0.05)
    return RELEASE


@on("tell", events=["cancelled"], group="audit")
def note(event: Event) -> None:
    """Writes the token of a cancelled job into a file."""
    notes = Path(os.environ["TIDINGS_X_NOTES"])
    with notes.open("a") as file:  # as another release may write at the same time
        file.write(f"{event.token} {RELEASE}\n")


if hasattr(tidings, "StreamError"):  # the release knows streams

    @job
    async def spell(text: str) -> AsyncIterator[str]:
        """Yields the letters of a text."""
        for letter in text:
            yield letter
