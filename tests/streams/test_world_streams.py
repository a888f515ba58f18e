"""Streams in a world of `tidings.testing`: the held clock, a worker that is lost."""

import asyncio
from collections.abc import AsyncIterator

from tidings import Context, job
from tidings.testing import World


@job(timeout=3_600)
async def ticking(ctx: Context) -> AsyncIterator[str]:
    """Yields a word a minute; a later attempt keeps the first."""
    out = ctx.stream("main")
    said = await out.earlier()
    out.keep(min(len(said), 1))
    for number in range(len(out), 4):
        await asyncio.sleep(60)
        yield f"{ctx.attempt}.{number} "


async def test_a_world_shows_the_streams_of_a_job_also_when_its_worker_is_lost() -> None:
    async with World(ticking) as world:
        job = await world.submit(ticking)
        await world.advance(minutes=2.5)
        assert job.streams == {"main": ["1.0 ", "1.1 "]}
        await world.lose_worker()
        assert await job.finish() == "1.0 2.1 2.2 2.3 "
        assert job.streams == {"main": ["1.0 ", "2.1 ", "2.2 ", "2.3 "]}
        assert [event.data for event in job.events if event.name == "reset"] == [
            {"stream": "main", "attempt": 2, "keep": 1}
        ]
