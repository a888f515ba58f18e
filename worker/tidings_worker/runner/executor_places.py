"""Places: the threads and child processes that jobs of some kinds need, and of which a worker has only so many.

A worker takes a job together with its place. So `running` says that the handler runs, its time limit counts from its
start, and a worker leaves to others the jobs for which it has no place.
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
