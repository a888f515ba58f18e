"""Kinds whose handlers do what handlers should not, and one that does not."""

import asyncio
import dataclasses
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from tidings import Context, Reject, Retry, SyncContext, job


class Odd(BaseException):
    """An error that is not an Exception."""


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class ExitingError(Exception):
    def __str__(self) -> str:
        raise SystemExit(4)


@dataclasses.dataclass
class Moody:
    word: str

    def __post_init__(self) -> None:
        raise KeyError(self.word)


def cancelled_future() -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    return future


ERRORS: dict[str, Callable[[], BaseException]] = {
    "base": Odd,
    "exit": lambda: SystemExit(3),
    "interrupt": KeyboardInterrupt,
    "generator_exit": GeneratorExit,
    "cancelled": asyncio.CancelledError,
    "stop_iteration": StopIteration,
    "stop_async_iteration": StopAsyncIteration,
    "group": lambda: BaseExceptionGroup("several", [SystemExit(1), ValueError("x")]),
    "unreadable": UnreadableError,
    "exiting": ExitingError,
    "surrogate": lambda: FileNotFoundError("caf\udce9"),
    "long": lambda: ValueError("x" * 10_000_000),
    "reject_object": lambda: Reject(ValueError("as message"), data=object()),  # type: ignore[arg-type]
    "reject_large": lambda: Reject("large", data="x" * 1_000_000),
    "retry_never": lambda: Retry(after=float("nan")),
    "retry_text": lambda: Retry(after="soon"),  # type: ignore[arg-type]
}


@job
async def fine() -> int:
    """Does what it should, and says which process it runs in."""
    return os.getpid()


@job(expose_errors=True)
async def raise_in_loop(name: str) -> None:
    error = ERRORS[name]()
    raise error


@job(expose_errors=True)
def raise_in_thread(name: str) -> None:
    error = ERRORS[name]()
    raise error


@job(expose_errors=True, run_in="process")
def raise_in_process(name: str) -> None:
    error = ERRORS[name]()
    raise error


@job
async def cancel_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await anyio.sleep(60)


@job
async def cancel_itself_and_return() -> int:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    return 1


@job
async def await_what_is_cancelled() -> None:
    await cancelled_future()


@job
async def open_a_scope() -> int:
    anyio.CancelScope().__enter__()
    return 1


@job
async def block_the_loop() -> int:
    time.sleep(5)  # noqa: ASYNC251
    return 1


@job
async def recurse() -> None:
    def down() -> None:
        down()

    down()


def _endless() -> list[Any]:
    one: list[Any] = []
    one.append(one)
    return one


async def _numbers() -> Any:
    yield 1


RESULTS: dict[str, Callable[[], Any]] = {
    "large": lambda: "x" * 200_000,
    "object": object,
    "surrogate": lambda: "\ud800",
    "itself": _endless,
    "coroutine": lambda: anyio.sleep(1),
    "async_generator": _numbers,
    "generator": lambda: (n for n in range(3)),
    "awaitable": cancelled_future,
}


@job
async def return_in_loop(name: str) -> Any:
    return RESULTS[name]()


@job
def return_in_thread(name: str) -> Any:
    return RESULTS[name]()


@job(run_in="process")
def return_in_process(name: str) -> Any:
    return RESULTS[name]()


@job
async def moody(moody: Moody) -> None:
    """Its input's class does not want to be made."""


def _code(copy: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])


async def _and_return(ctx: Context) -> int:
    return 0


async def _and_wait(ctx: Context) -> int:
    await anyio.lowlevel.checkpoint()
    return 0


async def _and_speak(ctx: Context) -> int:
    await ctx.log("I am a worker too")
    return 0


async def _and_raise(ctx: Context) -> int:
    raise ValueError


THEN: dict[str, Callable[[Context], Awaitable[int]]] = {
    "return": _and_return,
    "wait": _and_wait,
    "speak": _and_speak,
    "raise": _and_raise,
}


@job
async def fork_in_loop(ctx: Context, then: str) -> int:
    """Forks, and returns the exit code of the copy, which goes on as the worker would."""
    copy = os.fork()
    return _code(copy) if copy else await THEN[then](ctx)


def _fork(ctx: SyncContext, then: str) -> int:
    copy = os.fork()
    if copy:
        return _code(copy)
    if then == "speak":
        ctx.log("I am a worker too")
    if then == "raise":
        raise ValueError
    return 0


@job
def fork_in_thread(ctx: SyncContext, then: str) -> int:
    return _fork(ctx, then)


@job(run_in="process")
def fork_in_process(ctx: SyncContext, then: str) -> int:
    return _fork(ctx, then)


@job
async def wait_in_thread(ctx: Context) -> None:
    """Wait in a thread of the loop's for what does not come: nothing can stop the thread."""
    await ctx.log("begun")
    await asyncio.to_thread(time.sleep, 600)
