"""What cannot be the handler of a job, by the function alone: each fault in words, with what to do."""

import inspect
import re
from collections.abc import Iterable
from typing import Any

from tidings.context.context import Context, is_context
from tidings.context.sync_context import SyncContext
from tidings.protocol.kinds.kind_record import KIND_PATTERN
from tidings.protocol.tokens import QUEUE_PATTERN
from tidings.streams.generator_items import is_async_handler


def function_fault(function: Any) -> str | None:
    """Return why something cannot be a handler; None: it can."""
    if isinstance(function, str):
        return f"@job takes no name by position; write @job(name={function!r})"
    if hasattr(function, "policy") and hasattr(function, "function"):
        return "@job stands twice; take one away"
    if isinstance(function, staticmethod | classmethod) or _is_method(function):
        return "it belongs to a class, and a worker has no object for it; make it a function of the module"
    if inspect.isclass(function) or not inspect.isroutine(function):
        return "only functions can be jobs; decorate a `def` or an `async def`"
    return None


def _is_method(function: Any) -> bool:
    parts = str(getattr(function, "__qualname__", "")).split(".")
    return len(parts) > 1 and parts[-2] != "<locals>" and inspect.isfunction(function)


def name_fault(kind: str, queue: str, tiers: Iterable[str]) -> str | None:
    """Return why the names of a job cannot be used; None: they can."""
    if not re.match(KIND_PATTERN, kind):
        return (
            f"name is {kind!r}; a kind has 1 to 128 letters, digits, `_`, `.` and `-`, and begins with a letter or `_`"
        )
    for option, name in (("queue", queue), *(("tier", tier) for tier in tiers)):
        if not re.match(QUEUE_PATTERN, name):
            return f"{option} is {name!r}; it has 1 to 63 of a-z, 0-9, `-` and `_`"
    return None


def parameter_fault(parameter: inspect.Parameter) -> str | None:
    """Return why a parameter cannot be a field of the input; None: it can."""
    match parameter.kind:
        case inspect.Parameter.VAR_POSITIONAL:
            instead = f"name each field, or take one list: {parameter.name}: list[…]"
        case inspect.Parameter.VAR_KEYWORD:
            instead = f"name each field, or take one object: {parameter.name}: dict[str, …]"
        case inspect.Parameter.POSITIONAL_ONLY:
            instead = "take away the `/` behind it"
        case _:
            return None
    return f"the parameter {parameter} cannot be a field of a JSON object; {instead}"


def context_fault(function: Any, name: str, hint: Any) -> str | None:
    """Return why a handler cannot use the context that it asks for; None: it can."""
    if is_async_handler(function) and is_context(hint, SyncContext):
        return f"an `async def` handler gets a Context, whose methods it awaits; write {name}: Context"
    if not is_async_handler(function) and is_context(hint, Context):
        return f"a plain function gets a SyncContext, whose methods are not awaited; write {name}: SyncContext"
    return None
