"""Kinds that say how often they run, and end when the test says so."""

import time
from pathlib import Path

import anyio

from tidings import Context, SyncContext, job


def _note(path: str) -> str:
    with Path(path + ".runs").open("a") as file:
        file.write("x")
    return "noted"


def _effect(path: str) -> str:
    with Path(path + ".effects").open("a") as file:
        file.write("x")
    return "done"


async def _until_told(path: str) -> None:
    while not Path(path).exists():
        await anyio.sleep(0.01)


def _wait_until_told(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.01)


@job
async def end_in_loop(ctx: Context, path: str) -> str:
    _note(path)
    await ctx.log("running")
    await _until_told(path)
    await ctx.log("told")
    return "ended"


@job
def end_in_thread(ctx: SyncContext, path: str) -> str:
    _note(path)
    ctx.log("running")
    _wait_until_told(path)
    return "ended"


@job(run_in="process")
def end_in_process(ctx: SyncContext, path: str) -> str:
    return end_in_thread.function(ctx, path)


@job
async def record_in_loop(ctx: Context, path: str) -> str:
    """Records what it has done, while the store may refuse that."""
    _note(path)
    await ctx.log("running")
    await _until_told(path)
    await ctx.progress(0.9)
    await ctx.once("effect", lambda: _effect(path))
    return "ended"


@job
async def step_on(ctx: Context, path: str) -> str:
    """A saga that takes its step meanwhile."""
    _note(path)
    await ctx.log("running")
    await _until_told(path)
    await ctx.step(_effect, path)
    return "ended"


@job(retries=1)
async def fail_once(ctx: Context, path: str) -> str:
    """Fails meanwhile, and succeeds in its second attempt."""
    _note(path)
    if ctx.attempt == 1:
        await ctx.log("running")
        await _until_told(path)
        raise OSError("the first attempt")
    return "ended"
