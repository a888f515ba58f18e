"""Jobs that play programs which a test generates: the same in a world and in real time."""

import asyncio
from typing import Any

from tidings import Context, Reject, Retry, SignalTimeout, job

ticks: list[str] = []


async def work(number: int) -> int:
    """Do something."""
    return number


async def undo_work(number: int, result: Any) -> None:
    """Take it back."""


@job
async def leaf(ctx: Context, seconds: float, fail: bool) -> float:
    """Be a child: take some time, and fail if asked to."""
    await asyncio.sleep(seconds)
    if fail:
        raise Reject("a leaf falls")
    return seconds


@job(retries=3)
async def attempts(ctx: Context, failures: int, after: float | None) -> int:
    """Fail so many times; ask for a pause each time, or leave it to the policy."""
    if ctx.attempt <= failures:
        if after is not None:
            raise Retry(after=after)
        raise RuntimeError("not yet")
    return ctx.attempt


@job(timeout=1.25)
async def limited(ctx: Context, seconds: float) -> str:
    """Take longer than it may, or not."""
    await asyncio.sleep(seconds)
    return "in time"


@job
async def saga(ctx: Context, program: list[Any]) -> list[Any]:
    """Take the steps of a program."""
    return [await _play(ctx, one) for one in program]


async def _play(ctx: Context, one: list[Any]) -> Any:
    match one:
        case ["step", number]:
            return await ctx.step(work, number, undo=undo_work)
        case ["sleep", seconds]:
            return await ctx.sleep(seconds)
        case ["signal", name, seconds]:
            try:
                return await ctx.signal(name, timeout=seconds)
            except SignalTimeout:
                return "none came"
        case ["call", seconds, fail]:
            return await ctx.call(leaf, seconds=seconds, fail=fail)
        case ["both", first, second]:
            return await ctx.gather(_play(ctx, first), _play(ctx, second))
    raise Reject("the program ends badly")


@job(every=1)
async def each_second(ctx: Context) -> None:
    """Recur."""
    ticks.append(ctx.correlation_id)
