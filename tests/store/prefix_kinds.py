"""Kinds that between them use every sort of key and channel that the store holds for an installation."""

from collections.abc import AsyncIterator
from typing import Any

from tidings import Breaker, Context, Event, Reject, Retry, job, on

SHOP = Breaker("shop", min_calls=1, open_for=60, failures=(ConnectionError,))


@job
async def work(ctx: Context, text: str = "") -> str:
    """Says how far it is."""
    await ctx.progress(1, 2)
    await ctx.log({"text": text})
    return text


@job
async def words() -> AsyncIterator[str]:
    """Writes a stream."""
    for word in ("to ", "be"):
        yield word


@job(retries=1)
async def again(ctx: Context) -> int:
    """Fails once."""
    if ctx.attempt == 1:
        raise Retry("not yet", after=0.01)
    return ctx.attempt


@job
async def refuse() -> None:
    """Becomes a dead letter."""
    raise Reject("no")


@job(tier="slow", unique="{name}", limit=1, limit_by="name", rate=1000, rate_per=1.0)
async def bound(name: str) -> str:
    """Is bound in every way."""
    return name


@job(breaker=SHOP)
async def buy() -> None:
    """Opens its breaker."""
    raise ConnectionError("closed")


@job(every=1)
async def tick() -> None:
    """Recurs."""


@job
async def trip(ctx: Context) -> Any:
    """Takes a step, calls a child, waits for a signal."""
    await ctx.step(book, "seat", undo=free)
    await ctx.call("work", text="child")
    return await ctx.signal("go")


async def book(what: str) -> str:
    return what


async def free(what: str) -> None:
    pass


@on("work", events=["succeeded"], group="ledger")
async def enter(event: Event) -> None:
    """Follows what succeeds; one that says so becomes a dead letter of the group."""
    if event.result == "unwanted":
        raise Reject("unwanted")
