"""A saga: the steps that an `async def` handler takes through its context.

A step gets its number when the handler calls a method of the context, and is performed when the handler awaits what
that returned. Each type of step (`steps/`) looks into the journal first: a step that has ended there returns its result
at once. Any other step is done, and recorded before its await returns.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import anyio

from tidings.context.context import Sink
from tidings.declare.job import Job
from tidings.protocol.frames.envelope import Envelope
from tidings.protocol.problems import Problem
from tidings.saga.orchestrator import Orchestrator, StepOptions, in_dependency, key_of_step
from tidings.saga.step_errors import SagaUseError
from tidings.store.attempts.attempt_store import AttemptOutcome
from tidings.store.saga_store import SagaStore
from tidings.tracing.spans import Tracing
from tidings_worker.outcome import outcomes

from .branch import Branch, current_branch
from .children import Children
from .handler_code import code_digest
from .journal import DIVERGED
from .journal_client import JournalClient
from .saga_children import SagaChildren
from .steps.child_step import ChildStep
from .steps.environment import SagaHost, StepEnvironment
from .steps.function_call import FunctionCaller
from .steps.function_step import FunctionStep
from .steps.gather_step import GatherStep
from .steps.saga_step import SagaStep, StepCoroutine, UndoFactory
from .steps.signal_step import SignalStep
from .steps.sleep_step import SleepStep


class SagaServices(NamedTuple):
    """What the sagas of one worker share."""

    store: SagaStore
    children: Children
    threads: anyio.CapacityLimiter
    worker: str
    tracing: Tracing | None = None
    holds_diverged: bool = False
    """Whether a saga that its handler does not fit is held, and does not fail."""


class Saga(Orchestrator):
    """The steps of one attempt."""

    def __init__(
        self,
        host: SagaHost,
        sink: Sink,
        services: SagaServices,
        job: Job[Any, Any],
        envelope: Envelope,
        *,
        unwinding: bool,
    ) -> None:
        """Prepare.

        Args:
            host: the attempt.
            sink: the attempt, as the functions that it calls see it.
            services: what it shares with other sagas.
            job: the saga's kind.
            envelope: the saga's job as it was queued.
            unwinding: whether the handler runs only to say again how its steps are undone.

        """
        self.journal_client = JournalClient(services.store, host, services.worker)
        children = SagaChildren(
            host, services.children, self.journal_client, envelope, services.tracing, unwinding=unwinding
        )
        caller = FunctionCaller(job, sink, services.threads, services.tracing)
        self.environment = StepEnvironment(host, self.journal_client, children, caller, job.policy, unwinding=unwinding)
        self.waits = self.environment.waits
        self.undos: dict[str, UndoFactory] = {}
        """How functions undo the steps that the handler has taken in this attempt, by their paths."""
        self.on_undo: Callable[[], None] = lambda: None
        """Called when `undos` has one more."""
        self._host = host
        self._sink = sink
        self._job = job
        self.holds_diverged = services.holds_diverged
        self._is_older = envelope.version < job.upcasts.version
        self._root = Branch()
        self.taken: set[str] = set()
        """The paths of the steps that the handler has taken in this attempt."""

    # What the handler calls.

    def step(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], options: StepOptions
    ) -> Awaitable[Any]:
        """Call a function once."""
        return self._take(FunctionStep.of(self.environment, function, args, kwargs, options))

    def call(self, kind: Any, value: Any, undo: Any, name: str | None) -> Awaitable[Any]:
        """Run a child job."""
        return self._take(ChildStep(self.environment, kind, value, undo, name))

    def gather(self, branches: Sequence[Awaitable[Any]], return_exceptions: bool) -> Awaitable[list[Any]]:
        """Take steps beside each other."""
        return self._take(GatherStep(self.environment, self, branches, return_exceptions))

    def signal(self, name: str, timeout: float | None, question: str) -> Awaitable[Any]:
        """Wait for a signal."""
        return self._take(SignalStep(self.environment, name, timeout, question))

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Wait for a time."""
        return self._take(SleepStep(self.environment, seconds))

    async def patched(self, name: str) -> bool:
        """Return whether this run goes by a change of the code, and record that.

        A run of an older version of its kind goes on as it began: workers of the release before may take it again, and
        do not know the change. A run of this version has begun before the change if its journal has a step that the
        handler has not taken again by now: such a step comes later in the program, and the run took it without the
        change.
        """
        self._check_place(f"ctx.patched({name!r})")
        journal = await self.journal_client.load()
        memo = self.journal_client.memo_of(f"patched:{name}")
        known = await self._sink.recall(memo)
        if not known:
            is_before = self._is_older or any(path not in self.taken for path in journal.rows)
            known = await self._sink.record(memo, "false" if is_before else "true")
        return known == "true"

    # What the attempt calls.

    def end_rebuilding(self) -> None:
        """Let the handler, which has said how its steps are undone, take no more steps."""
        self.environment.takes_steps = False

    def hold(self, refused: Problem) -> AttemptOutcome | None:
        """Return the outcome of an attempt whose handler does not fit the saga, if that is held; None: it fails."""
        if not self.holds_diverged or refused.code != DIVERGED:
            return None
        return outcomes.held(refused, code_digest(self._job))

    def close(self) -> None:
        """End what is left of its tasks."""
        self.waits.close()

    # Private.

    def _take(self, step: SagaStep) -> StepCoroutine:
        try:
            path = self._check_place(f"step {step.name!r}").number()
        except SagaUseError:
            step.discard()
            raise
        self.taken.add(path)
        if step.undo is not None:
            self.undos[path] = step.undo
            self.on_undo()
        return StepCoroutine(step, path, self._check_place)

    def _check_place(self, what: str) -> Branch:
        """Return the branch in which the code runs.

        Raises:
            SagaUseError: it is none: the code runs in a task of its own, or inside a step.

        """
        if in_dependency.get():
            raise SagaUseError(f"{what}: a dependency takes no steps; take them in the handler")
        if key_of_step.get():
            raise SagaUseError(f"{what}: a step takes no steps of its own; take them in the handler, or in a child job")
        here = current_branch.get()
        branch, task = (self._root, self._host.handler_task) if here is None else (here.branch, here.task)
        if asyncio.current_task() is not task or (here is not None and here.saga is not self):
            raise SagaUseError(
                f"{what}: steps are taken by the handler itself or in a branch of ctx.gather, not in a task of your "
                "own (asyncio.gather, create_task): their order would not be the same in the next run"
            )
        return branch
