"""Handlers that are `async def` and block the event loop until a file appears."""

import time
from pathlib import Path

import anyio

from tidings import Context, job


def _note(path: str) -> None:
    with Path(path + ".runs").open("a") as file:
        file.write("x")


def sleep_without_await(path: str) -> str:
    """Blocks as a call does that waits."""
    while not Path(path).exists():
        time.sleep(0.01)
    return "ended"


def compute_without_await(path: str) -> str:
    """Blocks as a long computation does."""
    while not Path(path).exists():
        sum(range(10_000))
    return "ended"


@job
async def block_by_computing(ctx: Context, path: str) -> str:
    _note(path)
    return compute_without_await(path)


@job(timeout=0.2)
async def block_past_its_limit(path: str) -> str:
    _note(path)
    return sleep_without_await(path)


async def _inside(path: str) -> str:
    return sleep_without_await(path)


@job
async def block_in_a_step(ctx: Context, path: str) -> str:
    _note(path)
    return await ctx.step(_inside, path)


@job(max_deliveries=1)
async def block_for_ever(path: str) -> str:
    _note(path)
    return sleep_without_await(path)


@job
async def bystander(path: str) -> str:
    """Waits as it should."""
    _note(path)
    while not Path(path).exists():
        await anyio.sleep(0.01)
    return "ended"
