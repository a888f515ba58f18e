"""Asking the store until it answers: the one loop in which the worker does that."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from tidings.errors import StoppedError
from tidings.protocol.problems import Problem
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import ItemError, ScriptError, StoreClosedError, StoreError

from . import fork
from .outcome import outcomes

Answer = TypeVar("Answer")


class Asker(Protocol):
    """The part of the worker that needs the answer, and says what a failed try means to it."""

    @property
    def cancelled(self) -> bool:
        """Whether it needs no answer any more."""

    async def failed(self, operation: str, error: StoreError, failures: int, *, apart: bool) -> None:
        """Take note of a failed try, and return when the store may be asked again.

        Args:
            operation: the name of what was asked.
            error: why there is no answer.
            failures: how many tries have failed, from 1.
            apart: whether this try was asked apart from others.

        Raises:
            StoppedError: the attempt is over.
            StoreError: the store is not to be asked again.

        """


async def until_answered(
    ask: Callable[[bool], Awaitable[Answer]],
    asker: Asker,
    *,
    operation: str = "",
    accepts: Callable[[Answer], bool] | None = None,
) -> Answer:
    """Ask the store until it answers, or the asker needs no answer any more.

    Args:
        ask: asks once. Its argument says whether to ask apart from the questions of others: a batch that the store
            has refused is asked again in parts, so that the other questions in it are answered.
        asker: needs the answer.
        operation: the name of what is asked, for the asker's log.
        accepts: returns whether an answer is one; None: every answer is. After another the store is asked again,
            unless the asker was cancelled for it.

    Raises:
        StoppedError: the attempt is over.
        StoreError: the asker does not want the store to be asked again.

    """
    fork.end_if_copy()  # a copy of this process must not speak to the store as this worker
    failures, apart = 0, False
    while not asker.cancelled:
        try:
            answer = await ask(apart)
        except StoreError as error:
            failures += 1
            await asker.failed(operation, error, failures, apart=apart)
            apart = apart or isinstance(error, ScriptError)
        else:
            if accepts is None or accepts(answer):
                return answer
    raise StoppedError("the attempt is over: nothing more is asked or recorded for it")


class AttemptHost(Protocol):
    """The attempt for which the store is asked."""

    @property
    def cancelled(self) -> bool:
        """Whether the attempt is over."""

    def refuse(self, refused: Problem) -> None:
        """Stop the handler, and have the job fail for good."""


class AttemptAsker:
    """Asks for one attempt, until that is over."""

    __slots__ = ("_batched", "_host")

    def __init__(self, host: AttemptHost, *, batched: bool = True) -> None:
        """Prepare.

        Args:
            host: the attempt.
            batched: whether what is asked travels in a batch. The batches pause by themselves while the store is
                away, and can ask for one item apart from the others.

        """
        self._host = host
        self._batched = batched

    @property
    def cancelled(self) -> bool:
        """Whether the attempt is over."""
        return self._host.cancelled

    async def failed(self, operation: str, error: StoreError, failures: int, *, apart: bool) -> None:
        """See `Asker`.

        Raises:
            StoppedError: the worker has let go of the store, because it leaves.

        """
        if isinstance(error, StoreClosedError):
            raise StoppedError("the attempt is over: its worker has closed the connection to the store") from error
        if not self._batched:
            await asyncio.sleep(store_retry_delay(failures))
        elif apart and isinstance(error, ItemError):
            # Asked alone, the item is at fault and not another of its batch: another try would read the same record.
            self._host.refuse(outcomes.unreadable_record())
