"""How tests wait for what other processes do: they ask again and again, here and nowhere else."""

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar, overload

import anyio

from support.timeouts import scaled

Answer = TypeVar("Answer")

LONGEST_S = 30.0
"""Within which something must be so if a test does not say how long, s, scaled."""

PAUSE_S = 0.02
"""Between two questions, s."""


class Polled(Protocol):
    """A process that must run on meanwhile, such as a `subprocess.Popen`."""

    def poll(self) -> int | None:
        """Return its exit code, if it has ended."""
        ...


def until(
    ask: Callable[[], Answer],
    shown: Callable[[], object] = str,
    *,
    seconds: float = LONGEST_S,
    process: Polled | None = None,
) -> Answer:
    """Return the first answer that is true.

    Args:
        ask: is called again and again.
        shown: what the failure shows, such as the output of a process.
        seconds: within which the answer must be true, s, scaled.
        process: must not end before.

    """
    give_up = time.monotonic() + scaled(seconds)
    while not (answer := ask()):
        assert process is None or process.poll() is None, shown()
        assert time.monotonic() < give_up, shown()
        time.sleep(PAUSE_S)
    return answer


@overload
async def until_async(
    ask: Callable[[], Awaitable[Answer]],
    holds: Callable[[Answer], object] = bool,
    *,
    seconds: float = LONGEST_S,
    pause_s: float = PAUSE_S,
    shown: Callable[[], object] | None = None,
) -> Answer: ...


@overload
async def until_async(
    ask: Callable[[], Answer],
    holds: Callable[[Answer], object] = bool,
    *,
    seconds: float = LONGEST_S,
    pause_s: float = PAUSE_S,
    shown: Callable[[], object] | None = None,
) -> Answer: ...


async def until_async(
    ask: Callable[[], Any],
    holds: Callable[[Any], object] = bool,
    *,
    seconds: float = LONGEST_S,
    pause_s: float = PAUSE_S,
    shown: Callable[[], object] | None = None,
) -> Any:
    """Return the first answer that holds, and let other tasks run meanwhile.

    Args:
        ask: is called again and again; what can be awaited is.
        holds: says whether an answer is the one; by default, whether it is true.
        seconds: within which one must hold, s, scaled.
        pause_s: between two questions, s, not scaled; 0: other tasks get one turn.
        shown: what the failure shows, such as the output of a process; None: the last answer.

    """
    give_up = time.monotonic() + scaled(seconds)
    while True:
        answer = ask()
        if inspect.isawaitable(answer):
            with anyio.move_on_after(give_up - time.monotonic() + pause_s) as waited:
                answer = await answer
            assert not waited.cancelled_caught, "the question itself got no answer"
        if holds(answer):
            return answer
        assert time.monotonic() < give_up, answer if shown is None else shown()
        await anyio.sleep(pause_s)
