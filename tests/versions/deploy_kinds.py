"""The kinds of one release of the trial of deploys: `TRIAL_RELEASE` says which, `TRIAL_RUNS` where runs are noted."""

import os
from pathlib import Path
from typing import Any

import anyio

from tidings import Context, job

RELEASE = int(os.environ.get("TRIAL_RELEASE", "1"))
RUNS = Path(os.environ.get("TRIAL_RUNS", "/dev/null"))
OFTEN = 100
"""A trial kills more of the workers that run a job than it may lose by default."""


def note(ctx: Context, kind: str, version: int) -> None:
    """Write that a run has begun; a line of this size is written whole."""
    with RUNS.open("a") as runs:
        runs.write(f"{ctx.token} {ctx.attempt} {kind} {version} {os.getpid()}\n")


@job(retries=3, max_deliveries=OFTEN)
async def steady(ctx: Context, number: int) -> int:
    note(ctx, "steady", 1)
    await anyio.sleep(0.005)
    return number


def brought_up(old: dict[str, Any]) -> dict[str, Any]:
    return {**old, "passed": [*old.get("passed", []), 0]}


@job(version=RELEASE, upcast=dict.fromkeys(range(1, RELEASE), brought_up), max_deliveries=OFTEN)
async def changing(ctx: Context, number: int, passed: list[int] | None = None) -> list[int]:
    note(ctx, "changing", RELEASE)
    return [number, len(passed or [])]


async def twice(number: int) -> int:
    return 2 * number


@job(version=RELEASE, upcast=dict.fromkeys(range(1, RELEASE), dict), max_deliveries=OFTEN)
async def saga(ctx: Context, number: int) -> int:
    note(ctx, "saga", 1)
    found = await ctx.step(twice, number)
    for release in range(2, RELEASE + 1):
        if await ctx.patched(f"release {release}"):
            found = await ctx.step(twice, found)
    await ctx.sleep(1.5)
    return found


if RELEASE % 2 == 0:

    @job(max_deliveries=OFTEN)
    async def added(ctx: Context, number: int) -> int:
        note(ctx, "added", 1)
        return number

else:

    @job(max_deliveries=OFTEN)
    async def removed(ctx: Context, number: int) -> int:
        note(ctx, "removed", 1)
        return number
