"""`ctx.signal`: a value that a client sends to the job."""

import re
from typing import Any

import msgspec

from tidings.protocol.problems import problem
from tidings.protocol.steps import SIGNAL_PATTERN, StepHead, StepStatus, StepType
from tidings.saga.step_errors import SignalTimeout
from tidings_worker.saga.journal import JournalRow

from .environment import StepEnvironment
from .saga_step import SagaStep, result_of

_SIGNAL = re.compile(SIGNAL_PATTERN)


class SignalStep(SagaStep):
    """A wait for a signal, as a step."""

    def __init__(self, environment: StepEnvironment, name: str, timeout: float | None, question: str) -> None:
        """Prepare.

        Args:
            environment: what the steps of the attempt share.
            name: the signal's.
            timeout: seconds to wait; None: as long as the job lives.
            question: JSON text of the question that the signal answers; empty: there is none.

        Raises:
            ValueError: no signal may have this name.

        """
        if not _SIGNAL.match(name):
            raise ValueError(f"a signal's name has 1 to 128 letters, digits, `_`, `.` and `-`; this is {name!r}")
        self.name = name
        self._timeout = timeout
        self._question = question
        self._environment = environment
        self._head = StepHead(status=StepStatus.RUNNING, name=name, type=StepType.SIGNAL)

    async def perform(self, path: str) -> Any:
        """See `SagaStep`."""
        journal, numbers = self._environment.journal_client, self._environment.signal_numbers
        row = await self._environment.find(path, self.name, StepType.SIGNAL)
        if row is not None and row.head.ok is not None:
            return result_of(row)
        number = numbers.take(self.name, journal.journal)
        try:
            value = await self._wait(path, row, number)
        except BaseException:
            numbers.give_back(self.name, number)
            raise
        done = msgspec.structs.replace(self._head, status=StepStatus.SUCCEEDED, ok=True, number=number)
        await journal.write(path, done, outcome=value)
        return msgspec.json.decode(value)

    async def _wait(self, path: str, row: JournalRow | None, number: int) -> str:
        """Return the signal's value as JSON text.

        Raises:
            SignalTimeout: it did not come in time.

        """
        environment, journal = self._environment, self._environment.journal_client
        if row is None:
            value, due_ms = await self._begin(path, number)
        else:
            value, due_ms = journal.journal.signal(self.name, number), row.head.due

        def come() -> bool:
            return bool(journal.journal.signal(self.name, number))

        while not value:
            if due_ms and journal.now_ms() >= due_ms:
                detail = f"the signal {self.name!r} did not come in time"
                failed = await environment.fail(path, self._head, problem("timeout", detail))
                raise SignalTimeout(failed.name, failed.path, failed.problem)
            await environment.waits.wait_for_news(path, come, due_ms=due_ms, signal=self.name)
            value = journal.journal.signal(self.name, number)
        return value

    async def _begin(self, path: str, number: int) -> tuple[str, int]:
        """Record the wait; return the signal's value if it has come already, and when the wait ends (0: never)."""
        due = -1 if self._timeout is None else int(self._timeout * 1000)
        written = await self._environment.journal_client.write(
            path, self._head, input=self._question, due_ms=due, signal=f"{self.name}:{number}"
        )
        return written.signal, 0 if self._timeout is None else written.now_ms + due
