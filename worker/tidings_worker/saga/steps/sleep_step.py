"""`ctx.sleep`: a time."""

import msgspec

from tidings.protocol.steps import StepHead, StepStatus, StepType

from .environment import StepEnvironment
from .saga_step import SagaStep


class SleepStep(SagaStep):
    """A wait for a time, as a step."""

    name = "sleep"

    def __init__(self, environment: StepEnvironment, seconds: float) -> None:
        self._environment = environment
        self._ms = int(seconds * 1000)

    async def perform(self, path: str) -> None:
        """See `SagaStep`."""
        journal = self._environment.journal_client
        row = await self._environment.find(path, self.name, StepType.SLEEP)
        if row is not None and row.head.ok is not None:
            return
        head = StepHead(status=StepStatus.RUNNING, name=self.name, type=StepType.SLEEP)
        due_ms = row.head.due if row is not None else 0
        if row is None:
            due_ms = (await journal.write(path, head, due_ms=self._ms)).now_ms + self._ms
        while journal.now_ms() < due_ms:
            await self._environment.waits.wait_until(path, due_ms)
        done = msgspec.structs.replace(head, status=StepStatus.SUCCEEDED, ok=True)
        await journal.write(path, done, outcome="null")
