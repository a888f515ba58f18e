"""What the parts of one socket share: its session, its transport, its caller, and the border for late answers."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tidings_server.jobs.pending_answer import PendingAnswer
from tidings_server.observability.error_boundary import unexpected_problem

from .session import Session
from .transport import SocketTransport


class SocketChannel:
    """The way from a socket's parts to its client."""

    __slots__ = ("caller", "read_at", "session", "transport")

    def __init__(self, session: Session, caller: str, now: float) -> None:
        """Begin without a transport.

        Args:
            session: makes the frames.
            caller: whose jobs the socket's submissions count among.
            now: the time by the monotonic clock, s.

        """
        self.session = session
        self.caller = caller
        self.transport: SocketTransport | None = None
        """None: the socket has not opened, or is gone."""
        self.read_at = now
        """When the last message came, by the monotonic clock, s."""

    @property
    def is_open(self) -> bool:
        """Whether frames still reach the client."""
        return self.transport is not None

    def flush(self) -> None:
        """Have the transport send what waits; returns at once."""
        if self.transport is not None:
            self.transport.flush()

    def then(self, answer: PendingAnswer[Any], ref: int, take: Callable[..., None], *args: Any) -> None:
        """Call `take` with `args` and the answer to a frame, once it is there.

        Args:
            answer: what the frame waits for.
            ref: the number of the frame.
            take: answers the frame; an error in it becomes the frame's answer.
            args: what `take` gets before the answer.

        """
        answer.on_settled = partial(self._answered, ref, take, args)

    def _answered(self, ref: int, take: Callable[..., None], args: tuple[Any, ...], answer: PendingAnswer[Any]) -> None:
        try:
            take(*args, answer)
        except Exception as error:  # noqa: BLE001 - the border of one frame: an event loop has no use for it
            self.answer_unexpected(answer.request, ref, error)

    def answer_unexpected(self, request: str, ref: int | None, error: Exception) -> None:
        """Answer a frame with `internal_error`, if it has no answer yet, and log the error."""
        refused = unexpected_problem(request, error, connection=self.session.connection)
        if self.is_open:
            self.session.failed(ref, refused)
            self.flush()
