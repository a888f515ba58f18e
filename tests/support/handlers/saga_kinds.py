"""Sagas for the tests of what clients see of them."""

from typing import Any

from tidings import Context, Reject, job


@job
async def ask(ctx: Context, times: int = 1) -> list[Any]:
    """Waits for so many signals `approved`, one after the other."""
    return [await ctx.signal("approved") for _ in range(times)]


@job
async def build(ctx: Context, fail: bool = False) -> str:
    """Two steps here, two of others beside each other; may fail after that, and is undone then."""
    brick = await ctx.step(lay, "brick", undo=lift)
    await ctx.gather(ctx.call("paint", colour="red", undo="strip"), ctx.call("paint", colour="blue"))
    if fail:
        raise Reject("the wind")
    return brick


async def lay(what: str) -> str:
    return what


async def lift(what: str) -> None:
    pass


@job
async def paint(colour: str) -> str:
    """Paints."""
    return colour


@job
async def strip(colour: str) -> None:
    """Undoes it."""


@job
async def plain() -> int:
    """Takes no steps."""
    return 1


@job
async def ask_name(ctx: Context) -> Any:
    """Waits for a signal that no page knows."""
    return await ctx.signal("name")
