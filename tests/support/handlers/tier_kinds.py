"""Kinds of three tiers."""

import os
import time
from pathlib import Path

import anyio

from tidings import Context, by_field, job


@job(tier="fast")
async def quick() -> str:
    """Does nothing, soon."""
    return "done"


@job
async def usual() -> str:
    """Does nothing."""
    return "done"


@job(tier="heavy")
async def hold(ctx: Context, path: str) -> str:
    """Says that it holds a slot, and ends when a file appears."""
    await ctx.progress(0.5, message="holding")
    while not Path(path).exists():
        await anyio.sleep(0.01)
    return "released"


@job(tier=by_field("rows", above=100, then="heavy", otherwise="fast"))
async def scan(rows: int) -> int:
    """Belongs to one tier or the other."""
    return rows


@job(limit=2, limit_by="tenant", retries=3)
async def exclusive(ctx: Context, tenant: str, folder: str, path: str) -> int:
    """Writes down that it is under way, one file for each attempt, until another file appears."""
    mark = Path(folder) / f"{tenant}-{ctx.token}-{ctx.attempt}"
    mark.write_text(str(os.getpid()))
    try:
        while not Path(path).exists():
            await anyio.sleep(0.01)
    finally:
        mark.unlink()
    return ctx.attempt


@job(rate=5, rate_per=0.5)
async def paced() -> float:
    """Returns when it ran."""
    return time.time()


@job(tier="fast", max_eta=0.05, fallback="cheap")
async def dear(n: int) -> str:
    """Takes its time."""
    await anyio.sleep(0.02)
    return f"dear {n}"


@job
async def cheap(n: int) -> str:
    """Answers for it."""
    return f"cheap {n}"
