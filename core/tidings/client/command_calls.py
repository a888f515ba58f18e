"""The commands that a client has given and that have no answer yet: each is waited for by the call that gave it."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

from tidings.protocol.grants import GRANT_TTL_S, GrantAct, IssuedGrant
from tidings.protocol.problems import Problem, ProblemError
from tidings.protocol.random_text import random_text
from tidings.protocol.steps import SIGNAL_PATTERN
from tidings.schema.codec import encode

from .protocol.client_protocol import ClientProtocol
from .protocol.tracked_job import JobCommand, TrackedJob

_SIGNAL = re.compile(SIGNAL_PATTERN)


class CommandCalls:
    """Gives commands, and waits for their answers; they are repeated on the next connection until they have one."""

    def __init__(
        self,
        protocol: ClientProtocol,
        check_open: Callable[[], None],
        on_news: Callable[[], None],
        forget: Callable[[TrackedJob], None],
    ) -> None:
        """Prepare.

        Args:
            protocol: sends them.
            check_open: raises `ConnectionLost` where no connection will come.
            on_news: has the protocol's frames sent.
            forget: follows a job no more.

        """
        self._protocol = protocol
        self._check_open = check_open
        self._on_news = on_news
        self.forget = forget
        self.unclaimed: Callable[[JobCommand, Problem], None] = lambda *_: None
        """Gets the refusals of commands for which no call waits."""
        self._waiting: dict[JobCommand, asyncio.Future[JobCommand]] = {}

    async def cancel(self, job: TrackedJob) -> None:
        """Ask that a job stop; `Handle.cancel` says what it raises."""
        await self.give(lambda: self._protocol.cancel(job))

    async def signal(self, job: TrackedJob, name: str, value: Any, key: str | None) -> None:
        """Give a job a signal; `Handle.signal` says what it raises."""
        if not _SIGNAL.match(name):
            raise ValueError(f"{name!r} is no name of a signal: 1 to 128 letters, digits, `_`, `.` and `-`")
        text = encode(value)
        await self.give(lambda: self._protocol.signal(job, name, text, key or random_text()))

    async def grant(self, may: tuple[GrantAct, ...], ttl: float | None, **subject: Any) -> IssuedGrant:
        """Ask for a grant; `Client.grant` says what it raises."""
        said = {name: value for name, value in subject.items() if value is not None}
        frame = {"may": may, "ttl": GRANT_TTL_S if ttl is None else ttl, **said}
        answered = await self.give(lambda: self._protocol.ask_grant(frame))
        assert answered.granted is not None, "a grant is answered by the grant"
        return answered.granted

    async def give(self, ask: Callable[[], JobCommand]) -> JobCommand:
        """Give a command, and return it when it has its answer.

        Raises:
            ProblemError: the server refuses it.
            ConnectionLost: the connection was closed for good.

        """
        self._check_open()
        command = ask()
        answer = self._waiting[command] = asyncio.get_running_loop().create_future()
        self._on_news()
        try:
            answered: JobCommand = await answer
        finally:
            self._protocol.withdraw(command)
            self._waiting.pop(command, None)
        return answered

    # What the client calls.

    def take(self) -> None:
        """Take the answers that have come."""
        for command in self._protocol.take_answered_commands():
            answer = self._waiting.get(command)
            if answer is None or answer.done():
                if command.problem is not None:
                    self.unclaimed(command, command.problem)
                continue
            if command.problem is None:
                answer.set_result(command)
            else:
                answer.set_exception(ProblemError(command.problem))

    def fail(self, error: Exception) -> None:
        """End every wait with an error."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)
