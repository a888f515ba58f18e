"""Kinds in three queues whose slots lie on three nodes, in their order, and a saga with children on two of them."""

from pathlib import Path

import anyio

from tidings import Context, job


def noted(n: int, note: str) -> int:
    """Write a line with a number into a file, if one is named; return the number."""
    if note:
        with Path(note).open("a") as file:
            file.write(f"{n}\n")
    return n


@job(queue="aa")
async def on_first(n: int, note: str = "") -> int:
    return noted(n, note)


@job(queue="bb")
async def on_second(n: int, note: str = "") -> int:
    return noted(n, note)


@job(queue="dd")
async def on_third(n: int, note: str = "") -> int:
    return noted(n, note)


@job(queue="dd", retries=0)
async def wait_on_third(path: str) -> str:
    while not Path(path).exists():
        await anyio.sleep(0.02)
    return "went"


@job(queue="dd")
async def hold_on_third(n: int, note: str, seconds: float) -> int:
    """Notes that it has begun, and takes its time."""
    noted(n, note)
    await anyio.sleep(seconds)
    return n


@job(queue="aa")
async def across(ctx: Context, n: int, note: str) -> int:
    """A step on each of two other nodes, of which each notes that it ran."""
    second = await ctx.call("on_second", n=n, note=note)
    third = await ctx.call("on_third", n=n + 1_000_000, note=note)
    return int(second) + int(third)
