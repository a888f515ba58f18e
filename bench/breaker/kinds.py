"""Kinds that do nothing: without a breaker, with one, and with one inside."""

from tidings import Context, job


@job
async def plain() -> None:
    """Does nothing."""


@job(breaker="bench")
async def guarded() -> None:
    """Does nothing, behind a breaker."""


@job
async def inside(ctx: Context) -> None:
    """Does nothing, behind a breaker of its own call."""
    async with ctx.breaker("bench"):
        pass
