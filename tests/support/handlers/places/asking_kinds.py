"""Plain functions that ask their attempt many things from many threads at the same time."""

import concurrent.futures
import threading
import time
from pathlib import Path
from typing import Any

from tidings import Breaker, CircuitOpenError, SyncContext, job
from tidings.errors import StoppedError

SHUT = Breaker("shut", min_calls=1, failure_rate=0.01, window=600, open_for=600)


def _shut_it(ctx: SyncContext) -> None:
    """Have a breaker open, and return when it refuses."""
    while True:
        try:
            with ctx.breaker(SHUT):
                Path("/nowhere/at/all").read_text()
        except OSError:
            time.sleep(0.01)
        except CircuitOpenError:
            return


def _memo(ctx: SyncContext, name: str) -> str:
    return ctx.once(name, lambda: f"memo of {name}")


def _refused(ctx: SyncContext, _: str) -> str:
    try:
        with ctx.breaker(SHUT):
            return "let through"
    except CircuitOpenError as error:
        return f"refused by {error.breaker}"


def _passed(ctx: SyncContext, name: str) -> str:
    with ctx.breaker("sound"):
        return f"through with {name}"


def _logged(ctx: SyncContext, name: str) -> str:
    ctx.log(name)
    ctx.progress(0.5, message=name)
    return f"logged {name}"


CALLS = (_memo, _refused, _passed, _logged)


def expected(threads: int, rounds: int) -> list[str]:
    """Return what `ask` finds."""
    texts = ("memo of {}", "refused by shut", "through with {}", "logged {}")
    return sorted(
        texts[(thread + turn) % len(texts)].format(f"{thread}-{turn}")
        for thread in range(threads)
        for turn in range(rounds)
    )


def _ask(ctx: SyncContext, threads: int, rounds: int) -> list[str]:
    _shut_it(ctx)
    together = threading.Barrier(threads)

    def one(thread: int) -> list[str]:
        together.wait(30)
        return [CALLS[(thread + turn) % len(CALLS)](ctx, f"{thread}-{turn}") for turn in range(rounds)]

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return sorted(text for found in pool.map(one, range(threads)) for text in found)


@job
def ask_in_thread(ctx: SyncContext, threads: int, rounds: int) -> list[str]:
    return _ask(ctx, threads, rounds)


@job(run_in="process")
def ask_in_process(ctx: SyncContext, threads: int, rounds: int) -> list[str]:
    return _ask(ctx, threads, rounds)


def _leave_a_thread(ctx: SyncContext, path: str) -> str:
    """Return while a thread goes on to ask; what it hears goes into a file."""

    def go_on() -> None:
        try:
            for turn in range(10**9):
                ctx.once(f"turn {turn}", lambda: "x" * 100)
        except StoppedError:
            Path(path).touch()

    threading.Thread(target=go_on, daemon=True).start()
    time.sleep(0.05)
    return "returned"


@job
def leave_a_thread_in_thread(ctx: SyncContext, path: str) -> str:
    return _leave_a_thread(ctx, path)


@job(run_in="process")
def leave_a_thread_in_process(ctx: SyncContext, path: str) -> str:
    return _leave_a_thread(ctx, path)


@job(run_in="process", cancel_grace=30)
def ask_until_stopped(ctx: SyncContext, path: str) -> None:
    """Asks and asks; told to stop in the midst of that, it cleans up."""
    ctx.log("asking")
    try:
        for turn in range(10**9):
            ctx.once(f"turn {turn}", lambda: "x")
    except StoppedError:
        time.sleep(0.2)
        Path(path).touch()


@job(run_in="process")
def alone(ctx: SyncContext) -> Any:
    return ctx.once("step", lambda: "mine")
