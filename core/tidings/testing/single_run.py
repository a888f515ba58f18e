"""`run`: one job in the loop of the test, without a store."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Generic, ParamSpec, TypeVar

import msgspec

from tidings.declare.job import Job
from tidings.protocol.problems import Problem, ProblemError
from tidings.protocol.steps import StepStatus, StepType, decode_head, step_number
from tidings.resources.dependency_plan import Overrides
from tidings.schema.codec import encode

from .extras import extras
from .served_jobs import NOT_GIVEN, for_test
from .testing_errors import TestingError

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Child = TypeVar("Child", bound=str | Job[Any, Any])
"""The kind of a child: its name, or its job."""


class RunStep(msgspec.Struct, frozen=True):
    """One step that a saga took."""

    path: str
    """Its place in the program."""
    name: str
    """What the program calls it."""
    type: StepType
    """`step`, `call`, `signal` or `sleep`."""
    status: StepStatus
    """How it ended, or that it runs or was undone."""
    input: Any = None
    """Its arguments, as the journal shows them."""
    result: Any = None
    """What it returned, after a round trip through JSON."""
    problem: Problem | None = None
    """Why it, or its undoing, failed."""


class JobRun(msgspec.Struct, Generic[R_co], frozen=True, kw_only=True):
    """How a job ended that `run` ran."""

    status: str
    """`succeeded`, `failed`, `scheduled` (the worker would try it again) or another state."""
    value: Any = None
    """What it returned, after a round trip through JSON, of the handler's type."""
    problem: Problem | None = None
    """Why it failed, as a client would read it; of one that would be tried again: why this attempt failed."""
    error: BaseException | None = None
    """What the handler raised; None: it raised nothing."""
    retry_after: float | None = None
    """Seconds after which the worker would try it again; None: it would not."""
    progress: list[Any]
    """Each progress: `fraction`, `message`, `data`."""
    log: list[Any]
    """The chunks of the log."""
    attempt: int = 1
    """Which attempt it was."""
    streams: dict[str, list[Any]] = {}
    """The chunks of its streams, by name; a generator yields to `main`."""
    steps: list[RunStep]
    """The steps of a saga, in the order of the program."""

    @property
    def result(self) -> R_co:
        """What it returned.

        Raises:
            ProblemError: it failed; its cause is what the handler raised.

        """
        if self.problem is not None:
            raise ProblemError(self.problem) from self.error
        if self.status != "succeeded":
            raise TestingError(f"the job has no result: it is {self.status}")
        found: R_co = self.value
        return found


async def run(
    job: Job[P, R],
    /,
    *args: Any,
    attempt: int | JobRun[Any] = 1,
    state: Any = NOT_GIVEN,
    overrides: Overrides | None = None,
    signals: Mapping[str, Any] | None = None,
    children: Mapping[Child, Any] | None = None,
    **fields: Any,
) -> JobRun[R]:
    """Run one job in the loop of the test, as a worker would, without a store.

    It runs one attempt: one that a worker would try again ends as `scheduled`. A saga runs to its end: its sleeps take
    no time, and after each wait its handler runs again from its first line, as in production. A time limit counts real
    seconds. No breaker is open.

    Args:
        job: what to run.
        args: the handler's arguments, without its context; one mapping alone is the whole input.
        attempt: which attempt this is, from 1; or how the one before it ended: then its streams stand, as for
            `ctx.stream(name).earlier()`.
        state: what `ctx.state` is, in place of what the lifespan yields.
        overrides: dependency → the function that stands for it.
        signals: name → the value of the signal that a saga waits for; a list: of one after the other.
        children: kind → how a child ends that a saga calls: its result, an exception, or a function of its input.
        fields: more arguments. One that has the name of an option here is given in a mapping.

    Raises:
        TestingError: the saga waits for a signal or a child that the test does not give; there is no asyncio loop; or
            an argument is out of bounds.
        TypeError: the job takes no such arguments, or JSON has no form for the input.

    """
    with extras("run()"):
        from .alone.job_run import JobRunner, envelope_of  # noqa: PLC0415 - the extra `worker`
        from .alone.run_record import RunRecord  # noqa: PLC0415

    if not isinstance(job, Job):
        raise TestingError(f"run() takes a function under `@job`, not {job!r}")
    said: dict[str, list[Any]] = {}
    if isinstance(attempt, JobRun):
        said, attempt = attempt.streams, attempt.attempt + 1
    if attempt < 1:
        raise TestingError(f"attempt is {attempt}; attempts count from 1")
    _require_asyncio()
    given = {name: value if isinstance(value, list) else [value] for name, value in (signals or {}).items()}
    record = RunRecord(
        int(time.time() * 1000), {name: [encode(one).decode() for one in values] for name, values in given.items()}
    )
    record.earlier = {name: [encode(one).decode() for one in chunks] for name, chunks in said.items()}
    ends = {kind if isinstance(kind, str) else kind.kind: end for kind, end in (children or {}).items()}
    envelope = envelope_of(job, encode(job.input_of(args, fields)))
    runner = JobRunner(for_test(job, state, overrides), envelope, record, ends)
    outcome = await runner.run(attempt)
    if isinstance(runner.error, TestingError):
        raise runner.error
    problem = None
    if outcome.field == "problem":
        problem = msgspec.json.decode(outcome.value, type=Problem)
    return JobRun(
        status=str(outcome.state),
        value=job.result_of(msgspec.json.decode(outcome.result)) if outcome.field == "result" else None,
        problem=problem,
        error=runner.error,
        retry_after=outcome.delay_ms / 1000 if outcome.event == "retrying" else None,
        progress=[msgspec.json.decode(one) for one in record.progress],
        attempt=attempt,
        log=[msgspec.json.decode(one) for one in record.log],
        streams={name: [msgspec.json.decode(one) for one in chunks] for name, chunks in record.said.items()},
        steps=_steps(record.journal),
    )


def _require_asyncio() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise TestingError("run() wants a test under asyncio, as workers have it; a World wants no loop") from None


def _steps(journal: Mapping[str, str]) -> list[RunStep]:
    paths = sorted((path for path in journal if path.replace(".", "").isdigit()), key=step_number)
    return [_step(path, journal) for path in paths]


def _step(path: str, journal: Mapping[str, str]) -> RunStep:
    head = decode_head(journal[path])
    outcome, undone = journal.get(path + ":out", ""), journal.get(path + ":undone", "")
    failed = undone if head.status is StepStatus.COMPENSATION_FAILED else "" if head.ok else outcome
    return RunStep(
        path=path,
        name=head.name,
        type=head.type,
        status=head.status,
        input=msgspec.json.decode(journal[path + ":in"]) if path + ":in" in journal else None,
        result=msgspec.json.decode(outcome) if head.ok and outcome else None,
        problem=msgspec.json.decode(failed, type=Problem) if failed else None,
    )
