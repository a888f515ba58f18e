"""Futures that the store's answers settle."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class ReplyFuture(asyncio.Future[T]):
    """A future that can also call the moment it is settled, which saves a turn of the event loop."""

    on_settled: "Callable[[ReplyFuture[T]], None] | None" = None
    """Called then, within whatever settles it: must not raise and must not block. Not called if it is cancelled."""

    def settle(self, answer: T | Exception | Any) -> None:
        """Take an answer or an error, unless no caller waits for it any more."""
        if self.done():
            return
        if isinstance(answer, Exception):
            self.set_exception(answer)
        else:
            self.set_result(answer)
        if self.on_settled is not None:
            self.on_settled(self)
