"""Branches: the places of steps in the program, and how many branches have something to do.

A step's path is its number in its branch, after the path of the branch. So it depends on the program alone, and not on
the order in which steps happen to end.
"""

import asyncio
from contextvars import ContextVar
from typing import Any, NamedTuple


class Branch:
    """One sequence of steps: the handler itself, or a branch of a `gather`."""

    __slots__ = ("_last", "_prefix")

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._last = 0

    def number(self) -> str:
        """Return the path of the next step."""
        self._last += 1
        return f"{self._prefix}{self._last}"

    @staticmethod
    def under(path: str, index: int) -> "Branch":
        """Return the branch with a number, from 1, of the `gather` at a path."""
        return Branch(f"{path}.{index}.")


class CurrentBranch(NamedTuple):
    """The branch in which the running code takes steps."""

    saga: object
    """The saga whose branch it is."""
    branch: Branch
    task: "asyncio.Task[Any] | None"
    """The task that runs the branch."""


current_branch: ContextVar[CurrentBranch | None] = ContextVar("current_branch", default=None)
"""The branch of a `gather` in which the code runs; None: the handler itself."""


class Activity:
    """Counts the branches of a saga that have something to do; with none left the saga may leave its worker."""

    def __init__(self) -> None:
        self.active = 1
        """Branches that do not wait; at first the handler."""

    def fork(self, branches: int) -> None:
        """Count the branches of a `gather` that begins; the branch that takes it waits for them."""
        self.active += branches - 1

    def join(self, *, last: bool) -> None:
        """Count a branch that has ended; after the last of its `gather` the branch that took that goes on."""
        if not last:
            self.active -= 1

    def block(self) -> None:
        """Count a branch that begins to wait for something outside."""
        self.active -= 1

    def resume(self) -> None:
        """Count a branch whose wait is over."""
        self.active += 1

    @property
    def idle(self) -> bool:
        """Whether every branch waits for something outside."""
        return self.active == 0
