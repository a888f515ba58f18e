"""What the calls with dependencies share: how values become arguments, and what takes note of a failed clean-up."""

from collections.abc import Callable, Sequence
from typing import Any

from .dependency_plan import ContextClass, Dependency, DependencyPlan

ContextOf = Callable[[ContextClass], Any]
"""Returns the attempt's context of a class."""

CleanUpFailed = Callable[[Dependency, BaseException], None]
"""Takes note of an error that a dependency raised while it cleaned up: it changes nothing about the job's outcome."""


def arguments_of_dependency(one: Dependency, values: Sequence[Any], context_of: ContextOf) -> dict[str, Any]:
    """Return the keyword arguments of a dependency.

    Args:
        one: the dependency.
        values: of the dependencies before it in the plan.
        context_of: makes contexts.

    """
    arguments = {name: values[number] for name, number in one.arguments}
    for name, class_ in one.contexts:
        arguments[name] = context_of(class_)
    return arguments


def arguments_of_function(plan: DependencyPlan, values: Sequence[Any]) -> dict[str, Any]:
    """Return the keyword arguments that the dependencies fill."""
    return {name: values[number] for name, number in plan.arguments}
