"""Branches: the places of steps in the program, and whether anything but waiting is left to do.

A step's path is its number in its branch, after the branch's own. So it depends on the program alone, and
not on the order in which steps happen to end.
"""


class Branch:
    """One line of steps that follow each other: the handler itself, or a branch of a `gather`."""

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


class Activity:
    """How many branches of a saga have something to do; with none left it may leave its worker."""

    def __init__(self) -> None:
        self.active = 1
        """Branches that do not wait; at first the handler."""

    def fork(self, branches: int) -> None:
        """So many branches begin, and the one that began them waits for them."""
        self.active += branches - 1

    def join(self, *, last: bool) -> None:
        """A branch has ended; after the last of its `gather` the one that began them goes on."""
        if not last:
            self.active -= 1

    def block(self) -> None:
        """A branch begins to wait for something outside."""
        self.active -= 1

    def resume(self) -> None:
        """What a branch waited for has come."""
        self.active += 1

    @property
    def idle(self) -> bool:
        """Whether every branch waits for something outside."""
        return self.active == 0
