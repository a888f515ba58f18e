"""An answer that the store owes to a client: awaited by HTTP requests, called back to by sockets."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from tidings.protocol.problems import Problem, ProblemError, problem_error
from tidings.store.redis.reply_future import ReplyFuture
from tidings_server.observability.error_boundary import unexpected_problem

from .client_answers import store_problem

T = TypeVar("T")
Reply = TypeVar("Reply")


class PendingAnswer(ReplyFuture[T]):
    """A future of what a client may read of the store's reply; it fails with `ProblemError` and with nothing else.

    `on_settled` is called in the turn of the event loop that brought the reply, so a socket needs no task and no
    further turn. A task that awaits it and is cancelled cancels the question to the store.
    """

    def __init__(
        self, request: str, reply: "asyncio.Future[Reply]", read: "Callable[[asyncio.Future[Reply]], T]"
    ) -> None:
        """Wait for a reply.

        Args:
            request: the kind of request, for the log.
            reply: what the store owes.
            read: makes the answer of the reply, also of one that failed or was cancelled; called once.

        """
        super().__init__(loop=reply.get_loop())
        self.request = request
        self._reply: asyncio.Future[Any] = reply
        self._read = read
        reply.add_done_callback(self._take)

    @property
    def problem(self) -> Problem | None:
        """Why it failed; None: it holds an answer."""
        error = self.exception()
        return error.problem if isinstance(error, ProblemError) else None

    def cancel(self, msg: Any = None) -> bool:
        """Cancel the question too: its reply needs no room any more, and `read` undoes what it was to begin."""
        self._reply.cancel(msg)
        return super().cancel(msg)

    def _take(self, reply: "asyncio.Future[Any]") -> None:
        answer: T | ProblemError
        try:
            answer = self._read(reply)
        except ProblemError as error:
            answer = error.with_traceback(None)  # a traceback would hold this frame, and the frame the future
        except Exception as error:  # noqa: BLE001 - the border of one request: an event loop has no use for it
            answer = ProblemError(unexpected_problem(self.request, error))
        self.settle(answer)


def result_of(reply: "asyncio.Future[Reply]") -> Reply:
    """Return what the store, or the authenticator, replied.

    Raises:
        ProblemError: what the client gets instead.

    """
    if reply.cancelled():
        raise problem_error("draining", "this server is shutting down; connect again", retry_after=1)
    error = reply.exception()
    if isinstance(error, ProblemError):
        raise error
    if error is not None:
        raise ProblemError(store_problem(error))
    return reply.result()
