"""The call of a plain function with its dependencies: in its thread, and for `async def` ones in the event loop."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from .dependency_plan import Dependency, DependencyForm, DependencyPlan
from .dependency_values import CleanUpFailed, ContextOf, arguments_of_dependency, arguments_of_function
from .loop_bridge import LoopBridge

T = TypeVar("T")


def call_sync(
    plan: DependencyPlan,
    function: Callable[..., T],
    arguments: Mapping[str, Any],
    context_of: ContextOf,
    bridge: LoopBridge,
    clean_up_failed: CleanUpFailed,
) -> T:
    """Make the dependencies, call a function with them, and have them clean up; see `call_async`.

    Args:
        plan: of the function.
        function: called with the arguments and the dependencies; `arguments` win where both have a name.
        arguments: keyword arguments.
        context_of: makes the contexts that dependencies ask for.
        bridge: leads to the event loop.
        clean_up_failed: takes note of an error in a clean-up.

    Raises:
        StoppedError: the attempt was over before all dependencies were made.
        BaseException: what the function raised, or a dependency before it.

    """
    entered: list[tuple[Dependency, Callable[[BaseException | None], None]]] = []
    try:
        values: list[Any] = []
        for one in plan.dependencies:
            bridge.check()
            values.append(_make(one, arguments_of_dependency(one, values, context_of), bridge, entered))
        result = function(**{**arguments_of_function(plan, values), **arguments})
    except BaseException as error:
        _clean_up(entered, error, clean_up_failed)
        raise
    _clean_up(entered, None, clean_up_failed)
    return result


def _make(
    one: Dependency,
    arguments: dict[str, Any],
    bridge: LoopBridge,
    entered: list[tuple[Dependency, Callable[[BaseException | None], None]]],
) -> Any:
    made = one.call(**arguments)
    match one.form:
        case DependencyForm.COROUTINE:
            return bridge.make(made)
        case DependencyForm.ASYNC_MANAGER:
            bridged, value = bridge.enter(made)
            entered.append((one, bridged.leave))
            return value
        case DependencyForm.MANAGER:
            value = made.__enter__()

            def leave(error: BaseException | None) -> None:
                made.__exit__(*((None, None, None) if error is None else (type(error), error, error.__traceback__)))

            entered.append((one, leave))
            return value
    return made


def _clean_up(
    entered: list[tuple[Dependency, Callable[[BaseException | None], None]]],
    error: BaseException | None,
    failed: CleanUpFailed,
) -> None:
    while entered:
        one, leave = entered.pop()
        try:
            leave(error)
        except BaseException as fault:  # noqa: BLE001 - it must hide neither the outcome nor the other clean-ups
            if fault is not error:
                failed(one, fault)
