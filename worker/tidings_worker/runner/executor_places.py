"""What a worker has only so many of, and a job of some kinds needs one of: threads, and child processes.

A job is taken together with its place. So `running` says that its handler runs, its time limit counts from its start,
and what a worker has no place for is left to others.
"""

from collections.abc import Callable


class ExecutorPlaces:
    """The threads of one queue's handlers, or the processes of a worker."""

    def __init__(self, most: int) -> None:
        """Start with all of them free.

        Args:
            most: how many there are, from 1.

        """
        self.free = most
        self._watchers: list[Callable[[], None]] = []

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have something called whenever one becomes free."""
        self._watchers.append(watcher)

    def reserve(self, wanted: int) -> int:
        """Take as many as are free, `wanted` at the most; return how many."""
        taken = max(0, min(wanted, self.free))
        self.free -= taken
        return taken

    def give_back(self, places: int) -> None:
        """Give some back."""
        if places:
            self.free += places
            for watcher in self._watchers:
                watcher()
