"""How tests wait for what other processes do: they ask again and again, here and nowhere else."""

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

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
