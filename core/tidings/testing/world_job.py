"""One job of a world, as a test holds it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from tidings.client.client_errors import JobCancelled, JobExpired, JobFailed
from tidings.client.handle import ReadResult
from tidings.client.protocol.job_event import Event
from tidings.client.protocol.saga_steps import SagaSteps
from tidings.protocol.problems import Problem
from tidings.protocol.steps import Step
from tidings.schema.codec import encode

from .testing_errors import TestingError

if TYPE_CHECKING:
    from .held.world_system import JobNews
    from .world_calls import WorldCalls

R_co = TypeVar("R_co", covariant=True)

LONGEST = timedelta(days=366)
"""How far `finish` moves the clock at the most, if the test does not say."""


class WorldJob(Generic[R_co]):
    """One job. Made by `World.submit` and `World.watch`."""

    def __init__(
        self, news: "JobNews", calls: "WorldCalls", read_result: ReadResult | None = None, *, duplicate: bool = False
    ) -> None:
        self._news = news
        self._calls = calls
        self._read_result = read_result
        self.duplicate = duplicate
        """Whether the key was known, so that this is the earlier job."""

    def __repr__(self) -> str:
        return f"<job {self.token} {self.kind} {self.status}>"

    @property
    def token(self) -> str:
        """The job's token."""
        return str(self._news.token)

    @property
    def kind(self) -> str:
        """The job's kind."""
        return self._news.kind

    @property
    def status(self) -> str:
        """The job's state, such as `queued`, `running`, `waiting` or `succeeded`."""
        return self._news.status

    @property
    def ended(self) -> bool:
        """Whether the job has ended."""
        return self._news.ended

    @property
    def events(self) -> Sequence[Event]:
        """The events so far, as a client would have had them, in order."""
        return tuple(self._news.events)

    @property
    def attempts(self) -> int:
        """How many attempts have started."""
        return max((one.data["attempt"] for one in self._news.events if one.name == "started"), default=0)

    @property
    def progress(self) -> list[Any]:
        """Each progress that reached the client: `fraction`, `message`, `data`. A client gets 20 a second at most."""
        return [one.data for one in self._news.events if one.name == "progress"]

    @property
    def log(self) -> list[Any]:
        """The chunks of the job's log."""
        return [one.data for one in self._news.events if one.name == "log"]

    @property
    def streams(self) -> dict[str, list[Any]]:
        """The chunks of the job's streams that count now, by name; a generator yields to `main`."""
        return self._news.streams.chunks()

    @property
    def steps(self) -> list[Step]:
        """The steps of a saga, in the order of the program; without inputs and results, which `read_steps` asks for."""
        known = SagaSteps()
        for one in self._news.events:
            if one.name == "step":
                known.apply_event(one)
        return known.in_order()

    @property
    def problem(self) -> Problem | None:
        """Why the job failed; None: it has not."""
        last = self._news.events[-1] if self._news.events else None
        return msgspec.convert(last.data["problem"], Problem) if last is not None and last.name == "failed" else None

    @property
    def result(self) -> R_co:
        """The result, after a round trip through JSON; of a job submitted by its `@job`, of the handler's type.

        Raises:
            JobFailed: it failed; `problem` says why.
            JobCancelled: it was cancelled.
            JobExpired: its deadline passed.
            TestingError: it has not ended by what the clock of the world shows.

        """
        if not self._news.ended:
            raise TestingError(
                f"the job {self.kind} has not ended: it is {self.status}. Move the clock "
                "(`await world.advance(days=3)`), or let the job come to its end (`await job.finish()`)"
            )
        last = self._news.events[-1]
        match last.name:
            case "succeeded":
                found = last.data["result"]
                result: R_co = found if self._read_result is None else self._read_result(found)
                return result
            case "failed":
                raise JobFailed(msgspec.convert(last.data["problem"], Problem))
            case "cancelled":
                raise JobCancelled("the job was cancelled")
        raise JobExpired("the job's deadline passed before it finished")

    async def finish(self, within: timedelta = LONGEST) -> R_co:
        """Move the clock until the job has ended, and return its result.

        Args:
            within: how far the clock may move.

        Raises:
            JobFailed: it failed; `problem` says why.
            JobCancelled: it was cancelled.
            JobExpired: its deadline passed.
            WorldStuckError: it does not end in this time, or waits for what does not come, such as a signal.

        """
        await self._calls.advance_until(lambda: self._news.ended, within.total_seconds())
        return self.result

    async def cancel(self) -> None:
        """Ask that the job stop.

        Raises:
            ProblemError: it has ended.

        """
        await self._calls.do(lambda system: system.cancel(self.token))

    async def signal(self, name: str, value: Any = None, *, key: str | None = None) -> None:
        """Give a saga a signal.

        Args:
            name: the name that the saga waits for.
            value: what it says, anything that JSON has a form for.
            key: idempotency key.

        Raises:
            ProblemError: the job has ended, or the name or the value is not allowed.

        """
        text = encode(value)
        await self._calls.do(lambda system: system.signal(self.token, name, text, key))

    async def read_steps(self) -> list[Step]:
        """Return the steps of a saga with their inputs and results, as the store has them."""
        return await self._calls.do(lambda system: system.steps(self.token))
