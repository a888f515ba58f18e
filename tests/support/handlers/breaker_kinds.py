"""Kinds that call a service behind breakers."""

import os
import urllib.error
import urllib.request

import anyio.to_thread

from tidings import Breaker, CircuitOpenError, Context, Reject, SyncContext, job

DOWN = (urllib.error.URLError, ConnectionError, TimeoutError)

PAYMENTS = Breaker("payments", min_calls=4, open_for=0.5, failures=DOWN)
CHARGES = Breaker("charges", min_calls=2, open_for=60, when_open="fail", failures=DOWN)
INNER = Breaker("inner", min_calls=2, open_for=0.5, failures=DOWN)
HANGING = Breaker("hanging", min_calls=2, open_for=60, failures=DOWN)


def call(url: str) -> None:
    """Call the service; an answer that is not 200 raises."""
    with urllib.request.urlopen(f"{url}?worker={os.environ.get('TIDINGS_NAME', '')}", timeout=60) as answer:
        answer.read()


@job(breaker=PAYMENTS)
async def pay(ctx: Context, url: str) -> int:
    """Calls the service; returns which attempt it was."""
    await anyio.to_thread.run_sync(call, url, abandon_on_cancel=True)
    return ctx.attempt


@job(breaker=CHARGES)
async def charge(url: str) -> None:
    """Calls the service, or fails at once."""
    await anyio.to_thread.run_sync(call, url)


@job(breaker=HANGING, timeout=0.2)
async def hang(url: str) -> None:
    """Calls a service that does not answer."""
    await anyio.to_thread.run_sync(call, url, abandon_on_cancel=True)


@job(breaker=CHARGES)
async def decline() -> None:
    """Rejects: that is no failure of the service."""
    raise Reject("the card was declined")


@job(breaker=INNER)
async def definition() -> None:
    """Only brings the definition of the breaker `inner` along, which others name."""


@job
async def inside(ctx: Context, url: str) -> int:
    """Calls behind a breaker, in the event loop."""
    async with ctx.breaker("inner"):
        await anyio.to_thread.run_sync(call, url)
    return ctx.attempt


@job
def inside_thread(ctx: SyncContext, url: str) -> int:
    """Calls behind a breaker, in a thread."""
    with ctx.breaker("inner"):
        call(url)
    return ctx.attempt


@job(run_in="process")
def inside_process(ctx: SyncContext, url: str) -> int:
    """Calls behind a breaker, in a process."""
    with ctx.breaker("inner"):
        call(url)
    return ctx.attempt


@job
async def careful(ctx: Context, url: str) -> str:
    """Does without the service while it fails."""
    try:
        async with ctx.breaker("inner"):
            await anyio.to_thread.run_sync(call, url)
    except CircuitOpenError as error:
        return f"{error.breaker} {0 < error.retry_after <= 60}"
    return "called"


async def capture(ctx: Context, url: str) -> str:
    """Be a step that calls behind a breaker."""
    async with ctx.breaker("inner"):
        await anyio.to_thread.run_sync(call, url)
    return "captured"


STEPS = Breaker("steps", min_calls=2, open_for=60, failures=DOWN)


@job(breaker=STEPS)
async def deliver(url: str) -> str:
    """Calls the service; may be called as a step."""
    await anyio.to_thread.run_sync(call, url)
    return "delivered"


@job
async def saga_of_a_job(ctx: Context, url: str) -> str:
    """Takes a step that is a job with a breaker; it may not fail once."""
    return await ctx.step(deliver, url, retries=0)


@job
async def saga(ctx: Context, url: str) -> str:
    """Takes a step that calls behind a breaker; it may not fail once."""
    return await ctx.step(capture, url, retries=0)
