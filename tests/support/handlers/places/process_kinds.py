"""Handlers that run in processes of their own."""

import os
import signal
import threading
import time
from typing import Any

from tidings import Reject, Retry, SyncContext, job


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
