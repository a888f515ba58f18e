"""What each queue brings: the same few calls."""

from typing import Protocol


class Queue(Protocol):
    """A job queue, as it is measured alone."""

    async def open(self) -> None:
        """Connect."""

    async def enqueue_many(self, count: int) -> None:
        """Queue so many jobs that do and tell nothing, by the best call the queue has for that."""

    async def call(self) -> None:
        """Queue a job that does nothing, and wait for its result in the queue's own way."""

    async def unfinished(self) -> int:
        """Return how many jobs the queue still holds for its worker, those under way included."""


class GluedQueue(Protocol):
    """A job queue, as a server uses it."""

    async def open(self) -> None:
        """Connect."""

    async def enqueue(self, kind: str, token: str) -> None:
        """Queue a job that tells what it does."""


def batches(count: int, size: int) -> list[int]:
    """Return the sizes of batches that add up to `count`."""
    return [min(size, count - at) for at in range(0, count, size)]
