"""The kinds that the clients of a trial submit. What a handler did is noted in a file beside the store."""

import json
import os
import time
import uuid

import anyio

from tidings import Context, Reject, Retry, job

RECORD = "FAULTS_RECORD"
"""The environment variable that names the file: one JSON object a line, appended in one write each."""


def note(ctx: Context, run: str, what: str, value: object = None) -> None:
    """Append one line to the record of side effects."""
    line = {
        "token": ctx.token, "attempt": ctx.attempt, "run": run, "pid": os.getpid(),
        "at": time.monotonic(), "what": what, "value": value,
    }  # fmt: skip
    file = os.open(os.environ[RECORD], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, json.dumps(line).encode() + b"\n")
    finally:
        os.close(file)


def begin(ctx: Context) -> str:
    """Note that a run of a job began; return its name."""
    run = uuid.uuid4().hex
    note(ctx, run, "began")
    return run


# So many workers are killed here that no job may be taken for what kills them.
@job(retries=100, max_deliveries=100)
async def plain(ctx: Context, number: int) -> int:
    """Returns its number."""
    run = begin(ctx)
    note(ctx, run, "ended")
    return number


@job(retries=100, max_deliveries=100)
async def chunks(ctx: Context, number: int, count: int, pause: float) -> int:
    """Logs numbered chunks, and progress between them."""
    run = begin(ctx)
    for n in range(count):
        await ctx.log({"run": run, "n": n})
        await ctx.progress(n + 1, count)
        await anyio.sleep(pause)
    note(ctx, run, "ended")
    return number


@job(retries=100, max_deliveries=100)
async def slow(ctx: Context, number: int, seconds: float) -> int:
    """Takes its time."""
    run = begin(ctx)
    await anyio.sleep(seconds)
    note(ctx, run, "ended")
    return number


@job(retries=100, max_deliveries=100)
async def again(ctx: Context, number: int, times: int) -> int:
    """Asks for another try a few times."""
    run = begin(ctx)
    await ctx.log({"run": run, "n": 0})
    if ctx.attempt <= times:
        note(ctx, run, "left")
        raise Retry("once more", after=0.05)
    note(ctx, run, "ended")
    return number


@job(retries=100, max_deliveries=100)
async def refuse(ctx: Context, number: int) -> int:
    """Refuses for good."""
    note(ctx, begin(ctx), "left")
    raise Reject(f"no {number}")


@job(retries=100, max_deliveries=100)
async def charge(ctx: Context, number: int, pause: float) -> int:
    """Draws a value once, and does the rest as often as it must."""
    run = begin(ctx)
    value = await ctx.once("charge", lambda: uuid.uuid4().hex)
    if value is not None:
        note(ctx, run, "once", value)
    await anyio.sleep(pause)
    if ctx.attempt == 1:
        note(ctx, run, "left")
        raise Retry("the rest comes later", after=0.05)
    note(ctx, run, "ended")
    return number
