"""The jobs of the tests of worlds."""

import asyncio
import time
from typing import Any

from tidings import Breaker, CircuitOpenError, Context, Reject, Retry, SignalTimeout, SyncContext, job

done: list[str] = []
"""What functions and handlers did; a test clears it."""

service = Breaker("service", min_calls=2, open_for=30)


class ServiceError(Exception):
    """The service is down."""


async def note(what: str) -> str:
    """Note something."""
    done.append(what)
    return what


def undo_note(what: str) -> None:
    """Take it back."""
    done.append(f"undo {what}")


def plain_step(number: int) -> int:
    """Do something in a thread."""
    done.append(f"plain {number}")
    return number + 1


@job
async def remind(ctx: Context, user: str) -> dict[str, str]:
    """Sleep for three days between two steps."""
    await ctx.step(note, f"greet {user}")
    await ctx.sleep(days=3)
    await ctx.step(note, f"remind {user}")
    return {"reminded": user}


@job
async def approve(ctx: Context) -> Any:
    """Wait for a person for a week."""
    try:
        return await ctx.signal("decision", timeout=7 * 86_400)
    except SignalTimeout:
        return "nobody decided"


@job(retries=4)
async def flaky(ctx: Context, failures: int) -> int:
    """Fail so many times."""
    if ctx.attempt <= failures:
        raise RuntimeError(f"attempt {ctx.attempt}")
    return ctx.attempt


@job(retries=2)
async def later(ctx: Context, seconds: float) -> int:
    """Ask for a retry after some seconds, once."""
    if ctx.attempt == 1:
        raise Retry(after=seconds)
    return ctx.attempt


@job(timeout=60, retries=1)
async def endless(ctx: Context) -> None:
    """Take longer than it may."""
    await asyncio.sleep(1_000_000)


@job
async def slow(ctx: Context, seconds: float) -> int:
    """Take some seconds in the handler."""
    await ctx.progress(0.5, message="half")
    await ctx.log({"begun": ctx.attempt})
    await asyncio.sleep(seconds)
    return ctx.attempt


@job
def thread(ctx: SyncContext, number: int) -> int:
    """Run in a thread."""
    ctx.log(f"number {number}")
    time.sleep(0.02)
    return number * 2


@job(run_in="process")
def process(number: int) -> int:
    """Want a process."""
    return number * 3


@job
async def saga(ctx: Context, fail: bool = False) -> list[Any]:
    """Take steps of several types, and fail at the end if asked to."""
    first = await ctx.step(note, "first", undo=undo_note)
    both = await ctx.gather(ctx.step(plain_step, 1), ctx.call(slow, seconds=5))
    await ctx.sleep(hours=1)
    if fail:
        raise Reject("sold out")
    return [first, *both]


@job(queue="other")
async def elsewhere(number: int) -> int:
    """Live in another queue."""
    return number + 1


@job
async def caller(ctx: Context) -> int:
    """Call a child in another queue."""
    found: int = await ctx.call(elsewhere, number=1)
    return found


@job(retries=0)
async def guarded(ctx: Context, fail: bool) -> str:
    """Call the service."""
    async with ctx.breaker(service):
        if fail:
            raise ServiceError
    return "served"


@job
async def guarded_whole(ctx: Context) -> str:
    """Tell whether the breaker lets it through."""
    try:
        async with ctx.breaker(service):
            return "let through"
    except CircuitOpenError:
        return "kept out"


@job(unique="{name}")
async def only_one(name: str) -> str:
    """Be the only one of its name."""
    await asyncio.sleep(10)
    return name


@job(rate=2, rate_per=60)
async def rated(number: int) -> int:
    """Start twice a minute."""
    done.append(f"rated {number}")
    return number


@job
async def large() -> str:
    """Return much."""
    return "x" * 200_000


@job
async def saga_of_one_child(ctx: Context, seconds: float) -> int:
    """Wait for a child."""
    return await ctx.call(slow, seconds)
