"""Kinds whose handlers do what handlers should not, and one that does not."""

import asyncio
import dataclasses
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
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


# How handlers end that must.


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


# Handlers in processes.


class ParticularError(Exception):
    """Cannot be made anew from its arguments."""

    def __init__(self, carrier: str, code: int) -> None:
        super().__init__(f"{carrier} said {code}")


@job(run_in="process")
def tell(ctx: SyncContext, chunks: int = 3, fat: int = 0) -> dict[str, Any]:
    """Says things, and returns what its context says."""
    for n in range(chunks):
        ctx.progress(n + 1, chunks)
        ctx.log("x" * fat or n)
    thread = threading.current_thread() is threading.main_thread()
    return {
        "token": ctx.token,
        "kind": ctx.kind,
        "attempt": ctx.attempt,
        "correlation_id": ctx.correlation_id,
        "cancelled": ctx.cancelled,
        "main": thread,
    }


@job(run_in="process")
def process_id() -> int:
    return os.getpid()


@job(run_in="process", cancel_grace=0.1)
def deaf(ctx: SyncContext) -> int:
    """Keeps a core busy without a chance for anything else in its process, and for longer than a test takes."""
    ctx.log(os.getpid())
    return sum(range(10**15))


@job(run_in="process", timeout=0.5, cancel_grace=0.1)
def deaf_too_long(ctx: SyncContext) -> int:
    return deaf.function(ctx)


@job(run_in="process")
def die(how: str) -> None:
    """Ends its process."""
    match how:
        case "exit":
            os._exit(3)
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang up":
            os.closerange(3, 200)
            time.sleep(60)


@job(run_in="process")
def leave_a_copy(ctx: SyncContext) -> None:
    copy = os.fork()
    if copy:
        ctx.log(copy)
        os._exit(5)
    time.sleep(60)


@job(run_in="process", retries=1, retry_on=OSError)
def die_once(ctx: SyncContext) -> int:
    if ctx.attempt == 1:
        os._exit(1)
    return ctx.attempt


@job(run_in="process", retries=1, retry_on=ParticularError)
def particular(ctx: SyncContext, wrong: bool) -> int:
    if ctx.attempt == 1:
        raise ValueError if wrong else ParticularError("UA", 500)
    return ctx.attempt


@job(run_in="process")
def reject_in_process() -> None:
    raise Reject("too old", code="age", data={"years": 9})


@job(run_in="process", retries=1)
def retry_in_process(ctx: SyncContext) -> int:
    if ctx.attempt == 1:
        raise Retry("not yet", after=0.01)
    return ctx.attempt


@job(run_in="process")
def add(a: int, b: int) -> int:
    return a + b
