"""Kinds whose handlers say whose job they run."""

import logging

from tidings import Context, SyncContext, job

_theirs = logging.getLogger("theirs")


@job
async def whose(ctx: Context) -> dict[str, object]:
    """Runs in the event loop."""
    _theirs.info("in the loop")
    return {"owner": ctx.owner, "tags": ctx.tags}


@job
def whose_in_thread(ctx: SyncContext) -> dict[str, object]:
    """Runs in a thread."""
    _theirs.info("in a thread")
    return {"owner": ctx.owner, "tags": ctx.tags}


@job(run_in="process")
def whose_in_process(ctx: SyncContext) -> dict[str, object]:
    """Runs in a process."""
    _theirs.info("in a process")
    return {"owner": ctx.owner, "tags": ctx.tags}


@job
async def whose_child(ctx: Context, secret: str) -> object:
    """A saga with a child."""
    await ctx.call("keep", text=secret)
    return await ctx.call("whose")


@job
async def keep(text: str) -> str:
    """Returns its input."""
    return text
