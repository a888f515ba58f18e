"""Handlers that start processes by `fork` and end them again, in every way in which a handler may."""

import asyncio
import concurrent.futures
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from tidings import Context, SyncContext, job
from tidings.errors import StoppedError

FORK = multiprocessing.get_context("fork")

SOUND = "sound"


def _sleep() -> None:
    time.sleep(60)


def _multiprocessing(number: int) -> int:
    child = FORK.Process(target=_sleep)
    child.start()
    assert child.pid is not None
    os.kill(child.pid, number)  # at once: the child may not have run a single line
    child.join(30)
    assert child.exitcode is not None
    return child.exitcode


def _fork(number: int) -> int:
    copy = os.fork()
    if not copy:
        time.sleep(60)
        os._exit(0)
    os.kill(copy, number)
    return os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])


def _subprocess(number: int) -> int:
    child = subprocess.Popen([sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"], stdout=-1)
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(number)
    code = child.wait(30)
    child.stdout.close()
    return -number if code == 128 + number else code


def _executor(number: int) -> int:
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=FORK) as pool:
        pid = pool.submit(os.getpid).result(30)
        future = pool.submit(time.sleep, 60)
        os.kill(pid, number)
        try:
            future.result(30)
        except concurrent.futures.process.BrokenProcessPool:
            return -number
    return 0


def _system(number: int) -> int:
    return os.waitstatus_to_exitcode(os.system(f"exec sh -c 'kill -{int(number)} $$; sleep 60'"))  # noqa: S605


WAYS: dict[str, Callable[[int], int]] = {
    "multiprocessing": _multiprocessing,
    "fork": _fork,
    "subprocess": _subprocess,
    "executor": _executor,
    "system": _system,
}


@job
async def end_child_in_loop(way: str, number: int) -> int:
    return WAYS[way](number)


@job
def end_child_in_thread(way: str, number: int) -> int:
    return WAYS[way](number)


@job(run_in="process")
def end_child_in_process(way: str, number: int) -> int:
    return WAYS[way](number)


@job
async def end_children_in_loop(count: int) -> list[int]:
    """The same with many at once, while the loop turns.

    By `os.fork`: threads that start processes of `multiprocessing` wait for one another's, and lose their exit codes.
    """
    return await asyncio.gather(*(asyncio.to_thread(_fork, signal.SIGTERM) for _ in range(count)))


def _asks(ctx: SyncContext, what: str) -> None:
    try:
        if what == "once":
            ctx.once("step", lambda: 1)
        elif what == "log":
            ctx.log("a copy")
        else:
            with ctx.breaker(SOUND):
                pass
    except StoppedError:
        os._exit(17)


def _ask_in_copy(ctx: SyncContext, what: str) -> int:
    guard = ctx.breaker(SOUND)

    def act() -> None:
        if what != "guard":
            _asks(ctx, what)
            return
        try:
            guard.__enter__()
        except StoppedError:
            os._exit(17)

    child = FORK.Process(target=act)
    child.start()
    child.join(20)
    if child.exitcode is None:
        child.kill()
        return -1
    return child.exitcode


@job
def ask_in_copy_of_thread(ctx: SyncContext, what: str) -> int:
    """Returns how a copy ends that asks the store something: 17, if it is told that it may not."""
    return _ask_in_copy(ctx, what)


@job(run_in="process")
def ask_in_copy_of_process(ctx: SyncContext, what: str) -> int:
    return _ask_in_copy(ctx, what)


@job
async def same_process(ctx: Context) -> int:
    return os.getpid()
