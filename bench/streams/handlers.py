"""The jobs that write streams."""

import asyncio
from collections.abc import AsyncIterator

from bench.streams.said import answer, stamps
from tidings import Result, job


@job(timeout=600)
async def say(count: int, per_s: float) -> AsyncIterator[str | Result[int]]:
    """Says what time it is, at a pace."""
    async for stamp in stamps(count, per_s):
        yield stamp
    yield Result(count)


@job(timeout=600)
async def be_silent(count: int, per_s: float) -> int:
    """Does the same, and says nothing: what the handler costs by itself."""
    async for _ in stamps(count, per_s):
        pass
    return count


@job(timeout=600)
async def answer_at_length() -> AsyncIterator[str]:
    """Says a long text, each part in a turn of its own."""
    for part in answer():
        await asyncio.sleep(0.001)
        yield part
