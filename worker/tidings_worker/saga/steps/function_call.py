"""The call of a function that is a step or undoes one: its arguments, time limit, thread and retries."""

import asyncio
import functools
import inspect
import random
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import anyio
import anyio.to_thread
import msgspec

from tidings.circuit.call_guard import CallResult, failure_text
from tidings.circuit.circuit_open import CircuitOpenError
from tidings.context.context import Context, Sink, is_context
from tidings.context.sync_context import SyncContext
from tidings.declare.job import Job
from tidings.declare.policy import Policy
from tidings.protocol.problems import Problem, problem
from tidings.resources.dependency_plan import DependencyPlan, plan_of
from tidings.saga.orchestrator import key_of_step
from tidings.schema.codec import encode
from tidings.store.saga_store import MAX_RESULT_BYTES
from tidings.tracing.spans import AttributeValue, Tracing
from tidings_worker.outcome import outcomes
from tidings_worker.outcome.error_text import safe_text
from tidings_worker.outcome.errors import AttemptTimeoutError, FinalError, breaker_result_of, checked_circuit_error
from tidings_worker.runner.call_with_dependencies import call_step, unfilled_signature


class Tries(NamedTuple):
    """How often the worker has called a function for a step."""

    attempts: int = 0
    failures: int = 0
    """The attempts that the function ended with an error."""
    unknown: bool = False
    """Whether one of them may have done its work all the same: it took too long, or its worker was lost."""


BREAKER_RECHECK_S = (0.1, 10.0)
"""A step that a breaker refuses tries again after at least the first, at most the second, and up to as much more."""

SaveTries = Callable[[Tries, float | None], Awaitable[None]]
"""Records the tries, and the seconds until the next one (None: it begins now)."""


class StepFunction(NamedTuple):
    """A function with its arguments, and the policy of the call."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    policy: Policy
    context: type[Context] | type[SyncContext] | None
    """The class of its first argument, before `args`; None: the function takes no context."""
    dependencies: DependencyPlan | None = None
    """What is made for each call; None: it depends on nothing."""

    def shown(self) -> str:
        """Return its arguments as a JSON object, for people to look at; empty: they have no form in JSON."""
        try:
            signature = inspect.signature(self.function)
            if self.dependencies is not None:
                signature = unfilled_signature(signature, self.dependencies)
            bound = signature.bind(*((None,) if self.context else ()), *self.args, **self.kwargs)
            names = list(bound.arguments)[1 if self.context else 0 :]
            encoded = encode({name: bound.arguments[name] for name in names})
        except (TypeError, ValueError):
            return ""
        return encoded.decode() if len(encoded) <= MAX_RESULT_BYTES else ""


class FunctionOutcome(NamedTuple):
    """How the calls of a function ended."""

    result: str
    """JSON text."""
    problem: Problem | None
    """Why it failed for good; None: it did not."""
    tries: Tries
    error: BaseException | None = None


def step_function_of(
    what: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    policy: Policy,
    *,
    name: str | None = None,
    retries: int | None = None,
    timeout: float | None = None,
) -> StepFunction:
    """Return the call of a function or a `@job` in a step.

    Args:
        what: the function.
        args: its arguments.
        kwargs: more of them.
        policy: the saga's. A function that is no `@job` has this policy, without its time limit and breaker.
        name: of the step; None: the function's.
        retries: instead of the policy's; None: the policy's.
        timeout: s, instead of the policy's; None: the policy's.

    """
    hints = _hints_of(what.function if isinstance(what, Job) else what)
    if isinstance(what, Job):
        own, function, called = what.policy, what.function, what.kind
    else:
        own, function = msgspec.structs.replace(policy, timeout=None, breaker=None), what
        called = str(getattr(what, "__name__", type(what).__name__))
    if retries is not None:
        own = msgspec.structs.replace(own, retries=retries)
    if timeout is not None:
        own = msgspec.structs.replace(own, timeout=timeout)
    plan = plan_of(function, hints) if hints else None
    context = _context_of(function, hints, plan)
    return StepFunction(name or called, function, tuple(args), dict(kwargs), own, context, plan)


def undo_of(step: StepFunction, undo: Callable[..., Any], policy: Policy) -> Callable[[Any], StepFunction]:
    """Return a function that makes the call that undoes a step, from the step's result."""

    def of(result: Any) -> StepFunction:
        function = undo.function if isinstance(undo, Job) else undo
        kwargs = dict(step.kwargs)
        if "result" in _parameters(function):
            kwargs["result"] = result
        return step_function_of(undo, step.args, kwargs, policy)

    return of


class FunctionCaller:
    """Calls functions for the steps of one attempt."""

    def __init__(
        self, job: Job[Any, Any], sink: Sink, threads: anyio.CapacityLimiter, tracing: Tracing | None = None
    ) -> None:
        self._tracing = tracing
        self._job = job
        self._sink = sink
        self._threads = threads

    async def call_until_done(
        self,
        what: StepFunction,
        key: str,
        save: SaveTries,
        pause: Callable[[float], Awaitable[None]],
        before: Tries,
        *,
        undoes: bool = False,
    ) -> FunctionOutcome:
        """Call a function until it succeeds, or has failed for good.

        Args:
            what: the function.
            key: its idempotency key.
            save: records the tries; called before each, and after one that is to be repeated.
            pause: waits so many seconds.
            before: the tries of earlier attempts of the job.
            undoes: whether the function undoes a step.

        """
        attempts, failures, unknown = before
        unknown = unknown or attempts > failures  # a try without an end: its worker was lost
        while True:
            attempts += 1
            await save(Tries(attempts, failures, unknown), None)
            try:
                result = await self._traced(what, key, "undo" if undoes else "step", attempts)
                return FunctionOutcome(result, None, Tries(attempts, failures))
            except (asyncio.CancelledError, GeneratorExit):
                raise
            except CircuitOpenError as error:  # the function was not called: this is no try
                attempts -= 1
                circuit = checked_circuit_error(error)
                tries, wait = Tries(attempts, failures, unknown), max(circuit.retry_after, BREAKER_RECHECK_S[0])
                if circuit.when_open == "fail":
                    return FunctionOutcome("null", outcomes.circuit_open_problem(circuit.breaker, wait), tries, error)
                pause_s = min(wait, BREAKER_RECHECK_S[1]) * (1 + random.random())  # noqa: S311 - spreads the sagas that wait
            except BaseException as error:  # noqa: BLE001 - SystemExit of a step would end the worker
                failures += 1
                unknown = unknown or isinstance(error, AttemptTimeoutError | UnstorableResultError)
                tries = Tries(attempts, failures, unknown)
                refused, after = outcomes.step_failure(self._job, what.policy, error, failures, random.random())  # noqa: S311
                if after is None:
                    return FunctionOutcome("null", refused, tries, error)
                pause_s = after
            await save(tries, pause_s)
            await pause(pause_s)

    async def _traced(self, what: StepFunction, key: str, verb: str, attempt: int) -> str:
        """Do as `_call`, inside a span if the attempt has one."""
        span = None
        if self._tracing is not None:
            attributes: dict[str, AttributeValue] = {"tidings.step": what.name, "tidings.step.attempt": attempt}
            span = self._tracing.inside(f"{verb} {what.name}", "internal", attributes)
        if span is None or self._tracing is None:
            return await self._call(what, key)
        try:
            with self._tracing.within(span):
                return await self._call(what, key)
        except BaseException as error:
            span.fail(type(error).__name__)
            raise
        finally:
            span.end()

    async def _call(self, what: StepFunction, key: str) -> str:
        """Call a function, behind the breaker of its `@job` if it has one; return its result as JSON text.

        Raises:
            CircuitOpenError: the breaker is open.
            AttemptTimeoutError: it took longer than it may.
            FinalError: the journal cannot keep its result.
            BaseException: the error that the function raised.

        """
        if what.policy.breaker is None:
            return await self._timed(what, key)
        breaker = self._sink.breaker(what.policy.breaker)
        ticket = await self._sink.enter(breaker)
        try:
            result = await self._timed(what, key)
        except BaseException as error:
            # The breaker's author names TimeoutError; the worker's own error for a time limit is not theirs to know.
            seen = TimeoutError() if isinstance(error, AttemptTimeoutError) else error
            self._sink.leave(ticket, breaker_result_of(breaker, seen), failure_text(error))
            raise
        self._sink.leave(ticket, CallResult.OK, "")
        return result

    async def _timed(self, what: StepFunction, key: str) -> str:
        limit = what.policy.timeout
        reset = key_of_step.set(key)
        clock = asyncio.timeout(None)
        loop = asyncio.get_running_loop()
        try:
            async with clock, nullcontext() if inspect.iscoroutinefunction(what.function) else self._threads:
                # The time in which the function waits for a thread does not count.
                if limit is not None:
                    clock.reschedule(loop.time() + limit)
                result = await self._result(what)
        except TimeoutError as error:
            if clock.expired():
                raise AttemptTimeoutError(limit or 0.0) from error
            raise
        finally:
            key_of_step.reset(reset)
        return _step_result_json(what.name, result)

    async def _result(self, what: StepFunction) -> Any:
        args = what.args
        if what.context is not None:
            args = (what.context(self._sink), *args)
        if what.dependencies is not None:
            plan = what.dependencies.overridden(self._job.overrides) if self._job.overrides else what.dependencies
            return await call_step(plan, what.function, args, what.kwargs, self._sink)
        if inspect.iscoroutinefunction(what.function):
            return await what.function(*args, **what.kwargs)
        call = functools.partial(what.function, *args, **what.kwargs)
        result = await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1))
        return await result if inspect.isawaitable(result) else result


class UnstorableResultError(FinalError):
    """A step has done its work, but the journal cannot keep its result."""


def _step_result_json(name: str, result: Any) -> str:
    try:
        encoded = encode(result)
    except TypeError as error:
        raise UnstorableResultError(
            problem("handler_error", f"the result of step {name!r}: {safe_text(error)}")
        ) from error
    if len(encoded) > MAX_RESULT_BYTES:
        raise UnstorableResultError(
            problem(
                "result_too_large",
                f"the result of step {name!r} has {len(encoded)} bytes as JSON; the journal keeps at most "
                f"{MAX_RESULT_BYTES}: return a reference",
                limit=MAX_RESULT_BYTES,
            )
        )
    return encoded.decode()


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # some built-in functions have no signature
        return {}


def _hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except (TypeError, NameError, AttributeError):
        return {}


def _context_of(
    function: Callable[..., Any], hints: Mapping[str, Any], plan: DependencyPlan | None
) -> type[Context[Any]] | type[SyncContext[Any]] | None:
    """Return the class of the first parameter that no dependency fills, if that is a context."""
    if not hints:
        return None
    filled = frozenset[str]() if plan is None else plan.parameters
    first = next((name for name in _parameters(function) if name not in filled), "")
    return next((one for one in (Context, SyncContext) if is_context(hints.get(first), one)), None)
