"""Handlers whose mistakes show only when they run."""

import asyncio
import time
from typing import Any

from tidings import Context, job


class Invoice:
    """No dataclass, and so nothing for JSON."""


@job
async def returns_an_object() -> Any:
    return {"invoices": [Invoice()]}


async def work() -> int:
    return 1


@job
def returns_a_coroutine() -> Any:
    return work()


@job
async def steps_by_name(ctx: Context) -> None:
    step: Any = "send"
    await ctx.step(step)


@job
async def steps_elsewhere(ctx: Context) -> None:
    async def inside() -> None:
        await ctx.step(time.monotonic)

    await asyncio.create_task(inside())


@job
async def states_without_lifespan(ctx: Context) -> Any:
    return ctx.state


@job
async def too_far(ctx: Context) -> None:
    await ctx.progress(7)


@job
async def logs_an_object(ctx: Context) -> None:
    await ctx.log(Invoice())


@job
async def untyped(item):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    return item


@job
async def blocks() -> None:
    time.sleep(1.9)  # noqa: ASYNC251
