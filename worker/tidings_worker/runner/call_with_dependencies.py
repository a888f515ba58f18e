"""The call of a handler that has dependencies: they are made for the attempt, and clean up when it ends.

The result becomes JSON before the dependencies clean up: a row of a database may need its session for that.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import structlog

from tidings.context.context import Context, Sink
from tidings.context.sync_context import SyncContext
from tidings.declare.job import Job
from tidings.resources.async_call import call_async
from tidings.resources.dependency_plan import ContextClass, Dependency, DependencyPlan
from tidings.resources.loop_bridge import LoopBridge
from tidings.resources.sync_call import call_sync
from tidings_worker.outcome.error_text import traceback_of

from .arguments import result_json
from .generator_call import said_in_loop, said_in_thread

log = structlog.get_logger()


async def call_in_loop(
    plan: DependencyPlan, job: Job[Any, Any], arguments: Mapping[str, Any], sink: Sink, most: int
) -> bytes:
    """Call an `async def` handler, and return its result as JSON; see `result_json` for its size and errors."""

    async def encoded(**filled: Any) -> bytes:
        if job.yields is not None:
            return await said_in_loop(job.yields, job.function(**filled), sink, most)
        return result_json(await job.function(**filled), most)

    return await call_async(plan, encoded, arguments, partial(context_in_loop, sink), log_failed_clean_up)


def call_in_thread(
    job: Job[Any, Any],
    arguments: Mapping[str, Any],
    context: SyncContext,
    sink: Sink,
    bridge: LoopBridge,
    most: int,
) -> bytes:
    """Call a plain handler, and return its result as JSON.

    Args:
        job: the kind; it has dependencies.
        arguments: the handler's, without the dependencies.
        context: the handler's.
        sink: of the attempt.
        bridge: leads to the event loop.
        most: size of the result, bytes.

    """
    plan = job.dependencies
    assert plan is not None

    def encoded(**filled: Any) -> bytes:
        if job.yields is not None:
            return said_in_thread(job.yields, job.function(**filled), context, sink, most)
        return result_json(job.function(**filled), most)

    def context_of(class_: ContextClass) -> Any:
        return context if class_ is SyncContext else Context[Any](sink)

    return call_sync(plan, encoded, arguments, context_of, bridge, log_failed_clean_up)


async def call_step(
    plan: DependencyPlan, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], sink: Sink
) -> Any:
    """Call a function that is a step; a plain one runs in a thread, as it does without dependencies.

    Args:
        plan: of the function.
        function: plain, or a coroutine function.
        args: positional arguments, for the parameters that no dependency fills.
        kwargs: more arguments.
        sink: of the attempt.

    """
    arguments = _by_name(plan, function, args, kwargs)
    if inspect.iscoroutinefunction(function):
        return await call_async(plan, function, arguments, partial(context_in_loop, sink), log_failed_clean_up)
    context, over = SyncContext[Any](sink), threading.Event()
    bridge = LoopBridge(asyncio.get_running_loop(), over.is_set)

    def context_of(class_: ContextClass) -> Any:
        return context if class_ is SyncContext else Context[Any](sink)

    call = partial(call_sync, plan, function, arguments, context_of, bridge, log_failed_clean_up)
    try:
        result = await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1))
    except BaseException:
        over.set()  # the step took too long, or its attempt is over
        bridge.stop()
        raise
    return await result if inspect.isawaitable(result) else result


def unfilled_signature(signature: inspect.Signature, plan: DependencyPlan) -> inspect.Signature:
    """Return a signature without the parameters that dependencies fill."""
    left = [one for name, one in signature.parameters.items() if name not in plan.parameters]
    return signature.replace(parameters=left)


def _by_name(
    plan: DependencyPlan, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a step's function by their names; a dependency may stand before them.

    Raises:
        TypeError: the function does not take them, or takes them by position alone.

    """
    signature = unfilled_signature(inspect.signature(function), plan)
    left = dict(kwargs)
    given = {name: left.pop(name) for name in plan.parameters if name in left}  # a caller's own value wins
    named: dict[str, Any] = {}
    for name, value in signature.bind(*args, **left).arguments.items():
        match signature.parameters[name].kind:
            case inspect.Parameter.VAR_KEYWORD:
                named |= value
            case inspect.Parameter.POSITIONAL_ONLY | inspect.Parameter.VAR_POSITIONAL:
                raise TypeError(f"the step's function takes {name} by position alone; with dependencies it may not")
            case _:
                named[name] = value
    return {**named, **given}


def context_in_loop(sink: Sink, class_: ContextClass) -> Context[Any]:
    """Return the context of a dependency that runs in the event loop: the plan allows it no other."""
    assert class_ is Context
    return Context(sink)


def log_failed_clean_up(one: Dependency, error: BaseException) -> None:
    """Log that a dependency failed to clean up; the outcome of the job stands."""
    log.error("dependency_not_cleaned_up", dependency=one.name, place=one.place, exception=traceback_of(error))
