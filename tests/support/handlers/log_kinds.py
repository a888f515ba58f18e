"""Kinds whose handlers write to the log, each in a way of its own."""

import asyncio
import logging

import structlog

from tidings import Context, Reject, SyncContext, job

_theirs = logging.getLogger("theirs")


@job
async def speak(ctx: Context) -> None:
    """Speaks in the loop, in a task and in a thread of its own, and with structlog."""
    _theirs.info("in the %s", "loop")
    await asyncio.create_task(_speak_in_a_task())
    await asyncio.to_thread(_theirs.info, "in a thread of its own")
    structlog.get_logger().info("with_structlog", colour="red")


async def _speak_in_a_task() -> None:
    _theirs.info("in a task")


@job
def speak_in_thread() -> None:
    """Speaks in a thread of the worker's."""
    _theirs.info("in a thread")


@job(run_in="process")
def speak_in_process() -> None:
    """Speaks in a process."""
    _theirs.info("in a process")


@job
async def speak_in_steps(ctx: Context) -> None:
    """Speaks in a step, and has a child speak."""
    await ctx.step(_speak_in_a_step)
    await ctx.call("speak_in_thread")


async def _speak_in_a_step() -> None:
    _theirs.info("in a step")


def _unlock(key: str) -> None:
    raise ValueError(f"{len(key)} characters are too few")


@job(retries=1)
async def stumble(ctx: Context, password: str) -> None:
    """Fails once; logs it itself too."""
    try:
        _unlock(password.upper())
    except ValueError:
        _theirs.exception("stumbled")
        if ctx.attempt == 1:
            raise


@job
def name_in_thread(ctx: SyncContext) -> str:
    """Returns the correlation id that it has."""
    return ctx.correlation_id


@job
async def call_by_name(ctx: Context) -> str:
    """Returns the correlation id that its child has."""
    return str(await ctx.call("name_in_thread"))


@job
async def give_up() -> None:
    """Rejects."""
    raise Reject("no")
