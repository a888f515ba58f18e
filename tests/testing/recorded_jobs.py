"""A saga in several states of its code; the tests of replays record it with one and replay it with another."""

from typing import Any

from tidings import Context, Depends, job

CALLED: list[str] = []
"""What functions of steps, of `once` and of undos have done: a replay calls none of them."""


async def reserve(item: str) -> str:
    CALLED.append("reserve")
    return f"hold of {item}"


async def release(item: str, result: str | None) -> None:
    CALLED.append("release")


async def ship(hold: str) -> str:
    CALLED.append("ship")
    return f"parcel for {hold}"


def seen() -> str:
    CALLED.append("once")
    return "seen"


async def send(ctx: Context, hold: str) -> str:
    return await ctx.step(ship, hold)


async def pay(ctx: Context) -> object:
    paid: object = await ctx.signal("paid")
    return paid


@job(name="deliver")
async def recorded(ctx: Context, item: str) -> list[str]:
    """Take the steps as they were recorded: two branches, of which one waits."""
    await ctx.once("look", seen)
    changed = await ctx.patched("new way")
    hold = await ctx.step(reserve, item, undo=release)
    first, _ = await ctx.gather(send(ctx, hold), pay(ctx))
    return [first, str(changed)]


@job(name="deliver")
async def renamed(ctx: Context, item: str) -> list[str]:
    """Take another step where `recorded` reserves."""
    return [await ctx.step(ship, item)]


@job(name="deliver")
async def shortened(ctx: Context, item: str) -> list[str]:
    """Leave out what comes after the first step, and end."""
    return [await ctx.step(reserve, item, undo=release)]


@job(name="deliver")
async def regrouped(ctx: Context, item: str) -> list[str]:
    """Take the second step outside of a gather: at a path that the journal does not have."""
    hold = await ctx.step(reserve, item, undo=release)
    return [await ctx.step(ship, hold)]


@job(name="deliver")
async def extended(ctx: Context, item: str) -> list[str]:
    """Take more steps behind the recorded ones."""
    hold = await ctx.step(reserve, item, undo=release)
    first, _ = await ctx.gather(send(ctx, hold), pay(ctx))
    again = await ctx.step(ship, hold)
    return [first, again, await ctx.call("other", {})]


@job(name="deliver")
async def unrecorded_once(ctx: Context, item: str) -> list[str]:
    """Look once more, which is not recorded."""
    hold = await ctx.step(reserve, item, undo=release)
    first, _ = await ctx.gather(send(ctx, hold), pay(ctx))
    return [first, await ctx.once("again", seen)]


@job(name="deliver")
async def once_before(ctx: Context, item: str) -> list[str]:
    """Look once more, before a recorded step."""
    hold = await ctx.step(reserve, item, undo=release)
    again = await ctx.once("again", seen)
    first, _ = await ctx.gather(send(ctx, hold), pay(ctx))
    return [first, again]


@job(name="deliver")
async def raises(ctx: Context, item: str) -> list[str]:
    """Raise before the first step."""
    raise RuntimeError(f"no {item}")


@job(name="deliver")
async def needs_more(ctx: Context, item: str, amount: int) -> list[str]:
    """Want an input that was not recorded."""
    return [await ctx.step(reserve, item)]


@job(name="deliver", version=2, upcast={1: lambda old: {**old, "amount": 1}})
async def brought_up(ctx: Context, item: str, amount: int) -> list[Any]:
    """Take an input of version 1 by an upcast."""
    if await ctx.patched("weigh"):
        await ctx.step(ship, "nothing")
    hold = await ctx.step(reserve, item, undo=release)
    return [await ctx.gather(send(ctx, hold), pay(ctx)), amount]


@job(name="deliver", version=2)
async def newer(ctx: Context, item: str) -> list[str]:
    """Take no input of version 1."""
    return []


async def a_service() -> str:
    raise RuntimeError("a service that no test reaches")


@job(name="deliver")
async def depends(ctx: Context, item: str, service: str = Depends(a_service)) -> list[str]:
    """Want a dependency."""
    hold = await ctx.step(reserve, item, undo=release)
    first, _ = await ctx.gather(send(ctx, hold), pay(ctx))
    return [first, service]


@job
async def plain(item: str) -> str:
    return item
