"""The follow of a tag without `await`."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from tidings.client.follow_reader import FollowReader

from .sync_handle import ClientThreadCall, SyncHandle, SyncIterator


class SyncFollow(Iterator[SyncHandle[Any]]):
    """The handles of all jobs with a tag, waited for one by one; use it as `with`, or `close` it."""

    def __init__(
        self, call: ClientThreadCall, reader: FollowReader, answer_timeout: float, timeout: float | None
    ) -> None:
        self._call = call
        self._reader = reader
        self._answer_timeout = answer_timeout
        self._handles = SyncIterator(call, lambda: reader, timeout)

    def __enter__(self) -> Self:
        self._call(self._reader.__aenter__, self._answer_timeout)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __next__(self) -> SyncHandle[Any]:
        """Return the handle of the next job, when there is one; raises as `FollowReader`, and `TimeoutError`."""
        return SyncHandle(next(self._handles), self._call, self._answer_timeout)

    def close(self) -> None:
        """Follow the tag no more; the handles that it gave go on."""

        async def close() -> None:
            self._reader.close()

        self._call(close, self._answer_timeout)
