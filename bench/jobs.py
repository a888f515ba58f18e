"""The jobs that are measured: the least work there is, so that what is measured is ours."""

import time

import anyio

from tidings import Context, job


@job
async def noop() -> dict[str, int]:
    """Does nothing."""
    return {}


@job
async def echo(text: str) -> str:
    """Returns what it is given."""
    return text


@job
def noop_in_thread() -> dict[str, int]:
    """Does nothing, in a thread."""
    return {}


@job
async def three_steps(ctx: Context) -> dict[str, int]:
    """Reports progress three times, and does nothing else."""
    for done in (1, 2, 3):
        await ctx.progress(done, 3)
    return {"steps": 3}


@job
async def three_waiting_steps(ctx: Context) -> dict[str, int]:
    """Reports progress three times, and waits 1 ms before each."""
    for done in (1, 2, 3):
        await anyio.sleep(0.001)
        await ctx.progress(done, 3)
    return {"steps": 3}


@job
async def flood(ctx: Context) -> dict[str, int]:
    """Reports progress five hundred times, 1 ms apart: far more often than anyone wants to be told."""
    for done in range(1, 501):
        await anyio.sleep(0.001)
        await ctx.progress(done, 500)
    return {"steps": 500}


@job(timeout=600)
async def ticker(ctx: Context, count: int, period_s: float) -> dict[str, int]:
    """Logs what time it is, ns since the epoch, so often and at this pace."""
    began = time.monotonic()
    for number in range(count):
        await anyio.sleep(max(0.0, began + number * period_s - time.monotonic()))
        await ctx.log(time.time_ns())
    return {"ticks": count}


@job
async def slow() -> None:
    """Keeps a slot for a twentieth of a second, and no core."""
    await anyio.sleep(0.05)


@job(tier="fast")
async def quick() -> dict[str, int]:
    """Does nothing, in the tier of what does little."""
    return {}


@job(tier="heavy")
async def heavy() -> None:
    """Keeps a slot for a quarter of a second, and no core."""
    await anyio.sleep(0.25)


@job
async def big(size: int) -> str:
    """Returns a text of a size."""
    return "x" * size


@job(cancel_grace=1)
async def sleeper() -> None:
    """Sleeps until it is cancelled."""
    await anyio.sleep(600)


async def _one(number: int) -> int:
    return number + 1


@job(queue="sagas")
async def saga_local(ctx: Context) -> int:
    """Takes five steps in its own worker."""
    number = 0
    for _ in range(5):
        number = await ctx.step(_one, number)
    return number


@job(queue="sagas")
async def saga_remote(ctx: Context) -> dict[str, int]:
    """Takes three steps in other jobs, one after the other."""
    for _ in range(3):
        await ctx.call("noop")
    return {}


@job(queue="sagas")
async def saga_waiting(ctx: Context) -> object:
    """Takes a step and waits for a signal."""
    await ctx.step(_one, 1)
    return await ctx.signal("go")


@job(queue="sagas")
async def step_cost(ctx: Context, count: int) -> dict[str, float]:
    """Tells what so many steps took, and what so many bare calls of the same function, µs each."""
    began = time.perf_counter()
    for number in range(count):
        await _one(number)
    bare = time.perf_counter()
    for number in range(count):
        await ctx.step(_one, number)
    return {"bare": (bare - began) / count * 1e6, "step": (time.perf_counter() - bare) / count * 1e6}
