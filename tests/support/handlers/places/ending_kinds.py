"""Handlers that must end, and how they do it."""

import asyncio
import time
from pathlib import Path

import anyio

from tidings import Context, SyncContext, job


@job(cancel_grace=30)
async def clean_up(ctx: Context, path: str, how: str) -> None:
    """Cleans up with several waits before it ends."""
    try:
        await ctx.log("waiting")
        await anyio.sleep_forever()
    finally:
        if how == "shielded":
            with anyio.CancelScope(shield=True):
                await _tidy(path)
        else:
            await _tidy(path)


@job(timeout=0.1, cancel_grace=30)
async def clean_up_late(path: str) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        await _tidy(path)


async def _tidy(path: str) -> None:
    for _ in range(20):
        await anyio.sleep(0.005)
    Path(path).touch()


@job(cancel_grace=30)
async def swallow(ctx: Context) -> str:
    """Returns all the same when it is cancelled."""
    try:
        await ctx.log("waiting")
        await anyio.sleep_forever()
    except asyncio.CancelledError:
        pass
    return "finished all the same"


@job(cancel_grace=30)
async def raise_when_cancelled(ctx: Context) -> None:
    try:
        await ctx.log("waiting")
        await anyio.sleep_forever()
    finally:
        raise RuntimeError("while cleaning up")


@job(cancel_grace=0.1)
async def run_away(ctx: Context, path: str) -> None:
    """Does not end before a file is there, whoever cancels it."""
    await ctx.log("waiting")
    while not Path(path).exists():
        try:
            await anyio.sleep(0.01)
        except asyncio.CancelledError:
            continue
    Path(path + ".ended").touch()


@job
async def sees(path: str) -> bool:
    return Path(path).exists()


@job(cancel_grace=30)
def finish_when_asked(ctx: SyncContext, path: str) -> str:
    """A plain function that uses its grace."""
    ctx.log("waiting")
    while not ctx.cancelled:
        time.sleep(0.01)
    Path(path).touch()
    return "finished all the same"


@job(run_in="process", cancel_grace=30)
def finish_in_process_when_asked(ctx: SyncContext, path: str) -> str:
    return finish_when_asked.function(ctx, path)
