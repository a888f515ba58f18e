"""The call of an `async def` function with its dependencies, in the task of its caller."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from tidings.saga.orchestrator import in_dependency

from .dependency_plan import Dependency, DependencyForm, DependencyPlan
from .dependency_values import CleanUpFailed, ContextOf, arguments_of_dependency, arguments_of_function

T = TypeVar("T")


async def call_async(
    plan: DependencyPlan,
    function: Callable[..., Awaitable[T]],
    arguments: Mapping[str, Any],
    context_of: ContextOf,
    clean_up_failed: CleanUpFailed,
) -> T:
    """Make the dependencies, call a function with them, and have them clean up, the last first.

    Each dependency with `yield` sees the error that the function raised, as the body of a `with` statement would raise
    it. What it makes of the error changes nothing: the function's result or error is that of this call.

    Args:
        plan: of the function.
        function: called with the arguments and the dependencies; `arguments` win where both have a name.
        arguments: keyword arguments.
        context_of: makes the contexts that dependencies ask for.
        clean_up_failed: takes note of an error in a clean-up.

    Raises:
        BaseException: what the function raised, or a dependency before it.

    """
    entered: list[tuple[Dependency, Any]] = []
    try:
        inside = in_dependency.set(True)
        try:
            values = await _make(plan, context_of, entered)
        finally:
            in_dependency.reset(inside)
        result = await function(**{**arguments_of_function(plan, values), **arguments})
    except BaseException as error:
        if stopped := await _clean_up(entered, error, clean_up_failed):
            raise stopped from error
        raise
    if stopped := await _clean_up(entered, None, clean_up_failed):
        raise stopped
    return result


async def _make(plan: DependencyPlan, context_of: ContextOf, entered: list[tuple[Dependency, Any]]) -> list[Any]:
    values: list[Any] = []
    for one in plan.dependencies:
        made = one.call(**arguments_of_dependency(one, values, context_of))
        match one.form:
            case DependencyForm.COROUTINE:
                made = await made
            case DependencyForm.ASYNC_MANAGER:
                manager, made = made, await made.__aenter__()
                entered.append((one, manager))
            case DependencyForm.MANAGER:
                manager, made = made, made.__enter__()
                entered.append((one, manager))
        values.append(made)
    return values


async def _clean_up(
    entered: list[tuple[Dependency, Any]], error: BaseException | None, failed: CleanUpFailed
) -> asyncio.CancelledError | None:
    """Leave the context managers; return a cancellation that came meanwhile, which keeps none from being left."""
    task = asyncio.current_task()
    stopped: asyncio.CancelledError | None = None
    inside = in_dependency.set(True)
    try:
        while entered:
            one, manager = entered.pop()
            details = (None, None, None) if error is None else (type(error), error, error.__traceback__)
            try:
                if one.form is DependencyForm.ASYNC_MANAGER:
                    await manager.__aexit__(*details)
                else:
                    manager.__exit__(*details)
            except BaseException as fault:  # noqa: BLE001 - it must hide neither the outcome nor the other clean-ups
                if isinstance(fault, asyncio.CancelledError) and task is not None and task.cancelling():
                    stopped = fault
                elif fault is not error:
                    failed(one, fault)
    finally:
        in_dependency.reset(inside)
    return stopped
