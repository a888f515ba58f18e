"""The jobs that are measured: the least work there is, so that what is measured is ours."""

import anyio

from tidings import Context, job


@job
async def noop() -> dict[str, int]:
    """Does nothing."""
    return {}


@job
async def three_steps(ctx: Context) -> dict[str, int]:
    """Reports progress three times, and does nothing else."""
    for done in (1, 2, 3):
        await ctx.progress(done, 3)
    return {"steps": 3}


@job(cancel_grace=1)
async def sleeper() -> None:
    """Sleeps until it is cancelled."""
    await anyio.sleep(600)
