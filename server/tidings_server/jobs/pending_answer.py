"""An answer that the store owes to a client: awaited by HTTP requests, called back to by sockets."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, Generic, TypeVar

from tidings.protocol.problems import Problem, ProblemError, problem_error
from tidings_server.observability.error_boundary import unexpected_problem

from .client_answers import store_problem

T = TypeVar("T")
Reply = TypeVar("Reply")


class ReplyReplacedError(Exception):
    """What reads a reply has asked the store once more: the answer follows that reply."""

    def __init__(self, reply: "asyncio.Future[Any]") -> None:
        super().__init__("the store was asked again")
        self.reply = reply


class PendingAnswer(Generic[T]):
    """What a client may read of the store's reply: await it, or set `on_settled`.

    It is no future: a socket waits for thousands at a time, and needs neither a task nor a further turn of the event
    loop for each. A task that awaits it and is cancelled cancels the question to the store.
    """

    __slots__ = ("_answer", "_read", "_reply", "on_settled", "problem", "request")

    def __init__(
        self, request: str, reply: "asyncio.Future[Reply]", read: "Callable[[asyncio.Future[Reply]], T]"
    ) -> None:
        """Wait for a reply.

        Args:
            request: the kind of request, for the log.
            reply: what the store owes.
            read: makes the answer of the reply, also of one that failed or was cancelled; called once, and where it
                raises `ReplyReplacedError` again with the next reply.

        """
        self.request = request
        self.problem: Problem | None = None
        """Why there is no answer; None: there is one, or it is still to come."""
        self.on_settled: Callable[[PendingAnswer[T]], None] | None = None
        """Called once with this object, in the turn of the event loop that brought the reply; must not raise."""
        self._reply: asyncio.Future[Any] = reply
        self._read: Callable[[asyncio.Future[Any]], T] | None = read
        """None: it has been called."""
        reply.add_done_callback(self._settle)

    def result(self) -> T:
        """Return the answer, once it is settled.

        Raises:
            ProblemError: there is none.

        """
        assert self._read is None, "it is not settled"
        if self.problem is not None:
            raise ProblemError(self.problem)
        answer: T = self._answer
        return answer

    def __await__(self) -> Generator[Any, None, T]:
        """Wait for the answer.

        Raises:
            ProblemError: there is none.

        """
        while self._read is not None:
            with suppress(Exception):  # `_settle` reads the error
                yield from self._reply
            if self._reply.done():  # else the store was asked again meanwhile
                self._settle(self._reply)
        return self.result()

    def _settle(self, reply: "asyncio.Future[Any]") -> None:
        if reply is not self._reply:
            return  # it was read, and the store was asked again
        read, self._read = self._read, None
        if read is None:
            return
        try:
            self._answer = read(reply)
        except ReplyReplacedError as again:
            self._read, self._reply = read, again.reply
            again.reply.add_done_callback(self._settle)
            return
        except ProblemError as error:
            self.problem = error.problem
        except Exception as error:  # noqa: BLE001 - the border of one request: an event loop has no use for it
            self.problem = unexpected_problem(self.request, error)
        if self.on_settled is not None:
            self.on_settled(self)


def result_of(reply: "asyncio.Future[Reply]") -> Reply:
    """Return what the store, or the authenticator, replied.

    Raises:
        ProblemError: what the client gets instead.

    """
    if reply.cancelled():
        raise problem_error("draining", "this server is shutting down; connect again", retry_after=1)
    error = reply.exception()
    if error is None:
        return reply.result()
    if isinstance(error, ProblemError):
        raise error
    raise ProblemError(store_problem(error))
