"""The plan by which a worker makes the dependencies of a function: analysed once, and then only followed.

A plan lists the dependencies so that each stands behind those that it depends on. What the same function returns is
made once for all that share it. Where a plain dependency runs follows its function: in the event loop for an `async
def` handler, in the handler's thread for a plain one. An `async def` dependency always runs in the event loop.
"""

import inspect
import typing
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager, contextmanager
from enum import Enum, auto
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from tidings.context.context import Context, is_context
from tidings.context.sync_context import SyncContext
from tidings.streams.generator_items import is_async_handler

from .depends import DependencyDefinitionError, DependencyMark, Depends, mark_of

MOST_DEPENDENCIES = 100
"""Dependencies of one function; more is a mistake."""

Overrides = Mapping[Callable[..., Any], Callable[..., Any]]
"""Dependency → the function that stands for it, in a test."""

ContextClass = type[Any]
"""`Context` or `SyncContext` of a job; of a handler of events the class of the event."""


class DependencyForm(Enum):
    """What calling a dependency gives."""

    VALUE = auto()
    """The value."""
    COROUTINE = auto()
    """A coroutine that returns it."""
    MANAGER = auto()
    """A context manager that yields it."""
    ASYNC_MANAGER = auto()
    """An asynchronous context manager that yields it."""


class Dependency(NamedTuple):
    """One dependency of a plan."""

    name: str
    place: str
    """File and line of its function; empty: it has none in Python."""
    call: Callable[..., Any]
    form: DependencyForm
    arguments: tuple[tuple[str, int], ...]
    """Parameter → the dependency that fills it, by its number in the plan."""
    contexts: tuple[tuple[str, ContextClass], ...]
    """Parameter → the context that it gets."""


class DependencyPlan(NamedTuple):
    """The dependencies of one function."""

    function: Callable[..., Any]
    dependencies: tuple[Dependency, ...]
    """Each behind those that it depends on."""
    arguments: tuple[tuple[str, int], ...]
    """Parameter of the function → its dependency, by the number."""

    @property
    def parameters(self) -> frozenset[str]:
        """The parameters that dependencies fill."""
        return frozenset(name for name, _ in self.arguments)

    def overridden(self, overrides: Overrides) -> "DependencyPlan":
        """Return the plan with other functions in the places of some dependencies.

        Raises:
            DependencyDefinitionError: one of the others cannot be a dependency.

        """
        plan = plan_of(self.function, overrides=overrides)
        assert plan is not None, "it has the same parameters"
        return plan


def plan_of(
    function: Callable[..., Any],
    hints: Mapping[str, Any] | None = None,
    overrides: Overrides | None = None,
    *,
    event: type[Any] | None = None,
) -> DependencyPlan | None:
    """Return the plan of a function; None: it depends on nothing.

    Args:
        function: a handler, or a function that is a step.
        hints: its type hints with their metadata, where they are known already.
        overrides: what stands for some dependencies.
        event: of a handler of events, the class of the event: its dependencies may ask for that, and for no context.

    Raises:
        DependencyDefinitionError: a dependency cannot work.

    """
    signature = inspect.signature(function)
    marks = _marks(signature, _hints_of(function) if hints is None else hints)
    if not marks:
        return None
    for name in marks:
        if signature.parameters[name].kind is inspect.Parameter.POSITIONAL_ONLY:
            raise DependencyDefinitionError(f"the parameter {name} has a dependency, and must not stand before the `/`")
    analysis = _Analysis(overrides or {}, event, in_loop=is_async_handler(function))
    arguments = tuple((name, analysis.add(mark, ())) for name, mark in marks.items())
    return DependencyPlan(function, tuple(analysis.dependencies), arguments)


class _Analysis:
    """The dependencies found so far."""

    def __init__(self, overrides: Overrides, event: type[Any] | None, *, in_loop: bool) -> None:
        self.dependencies: list[Dependency] = []
        self._overrides = overrides
        self._event = event
        self._in_loop = in_loop
        self._shared: dict[Callable[..., Any], int] = {}

    def add(self, mark: DependencyMark, users: tuple[Callable[..., Any], ...]) -> int:
        """Add a dependency and those that it needs itself; return its number.

        Args:
            mark: names its function.
            users: the dependencies that lead to it, the handler's own first.

        """
        wanted = mark.dependency
        assert wanted is not None
        function = self._overrides.get(wanted, wanted)
        if mark.use_cache and function in self._shared:
            return self._shared[function]
        name = _name_of(function)
        if function in users:
            circle = " → ".join([*(_name_of(one) for one in users[users.index(function) :]), name])
            raise DependencyDefinitionError(f"dependencies go in a circle: {circle}")
        if len(self.dependencies) >= MOST_DEPENDENCIES:
            raise DependencyDefinitionError(f"there are more than {MOST_DEPENDENCIES} dependencies")
        try:
            made = self._analyse(function, name, (*users, function))
        except _DependencyFaultError as fault:
            where = f" ({place})" if (place := _place_of(function)) else ""
            raise DependencyDefinitionError(f"dependency {name}{where}: {fault}") from fault.__cause__
        self.dependencies.append(made)
        number = len(self.dependencies) - 1
        if mark.use_cache:
            self._shared[function] = number
        return number

    def _analyse(self, function: Callable[..., Any], name: str, users: tuple[Callable[..., Any], ...]) -> Dependency:
        form, call = _form_of(function)
        signature = _signature_of(function)
        hints = _hints_of_dependency(function)
        marks = _marks(signature, hints)
        contexts: list[tuple[str, ContextClass]] = []
        event = self._event
        for parameter in signature.parameters.values():
            hint = hints.get(parameter.name)
            if event is not None and hint == event:
                contexts.append((parameter.name, event))
            elif event is not None and (is_context(hint, Context) or is_context(hint, SyncContext)):
                raise _DependencyFaultError(
                    f"the parameter {parameter.name} is a context, which a handler of events has not; annotate it as "
                    "Event"
                )
            elif is_context(hint, Context):
                contexts.append((parameter.name, Context))
            elif is_context(hint, SyncContext):
                if self._in_loop or form in (DependencyForm.COROUTINE, DependencyForm.ASYNC_MANAGER):
                    raise _DependencyFaultError(
                        f"the parameter {parameter.name} is a SyncContext, whose methods would block the event loop in "
                        "which this runs; annotate it as Context"
                    )
                contexts.append((parameter.name, SyncContext))
            elif parameter.name not in marks:
                _check_parameter(parameter, "Context" if event is None else "Event")
        arguments = tuple((parameter, self.add(mark, users)) for parameter, mark in marks.items())
        return Dependency(name, _place_of(function), call, form, arguments, tuple(contexts))


class _DependencyFaultError(Exception):
    """What is wrong with one dependency, without its name."""


def _check_parameter(parameter: inspect.Parameter, context: str) -> None:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return
    if parameter.default is parameter.empty:
        is_context_like = parameter.name in ("ctx", "context", "event")
        hint = f"annotate it as {context}" if is_context_like else "give it a default, or Depends(…)"
        raise _DependencyFaultError(
            f"nothing fills the parameter {parameter.name}: a dependency gets no field of the input; {hint}"
        )


def _marks(signature: inspect.Signature, hints: Mapping[str, Any]) -> dict[str, DependencyMark]:
    """Return the marks of a function's parameters."""
    found = {}
    for name, parameter in signature.parameters.items():
        hint = hints.get(name)
        mark = _mark_of_parameter(name, hint, parameter.default)
        if mark is not None:
            found[name] = _with_function(mark, name, hint)
    return found


def _mark_of_parameter(name: str, hint: Any, default: Any) -> DependencyMark | None:
    if hint is Depends or mark_of(hint) is not None:
        raise DependencyDefinitionError(
            f"the parameter {name} has Depends instead of a type; write {name}: Annotated[TYPE, Depends(FUNCTION)]"
        )
    metadata = typing.get_args(hint)[1:] if typing.get_origin(hint) is Annotated else ()
    if default is Depends or Depends in metadata:
        raise DependencyDefinitionError(f"the parameter {name} has Depends without a function: write Depends(FUNCTION)")
    marks = [mark for one in (*metadata, default) if (mark := mark_of(one)) is not None]
    if len(marks) > 1:
        raise DependencyDefinitionError(f"the parameter {name} has {len(marks)} dependencies; leave one")
    return marks[0] if marks else None


def _with_function(mark: DependencyMark, name: str, hint: Any) -> DependencyMark:
    if mark.dependency is not None:
        return mark
    type_ = typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint
    if not inspect.isclass(type_):
        raise DependencyDefinitionError(
            f"the parameter {name} has Depends() without a function, and no class as its type: write Depends(FUNCTION)"
        )
    return mark._replace(dependency=type_)


def _form_of(function: Callable[..., Any]) -> tuple[DependencyForm, Callable[..., Any]]:
    """Return what calling a dependency gives, and how it is called."""
    if inspect.isclass(function):
        return DependencyForm.VALUE, function
    code = function if inspect.isroutine(function) or hasattr(function, "func") else type(function).__call__
    if inspect.iscoroutinefunction(code):
        return DependencyForm.COROUTINE, function
    wrapped = inspect.unwrap(code)
    if inspect.isasyncgenfunction(wrapped):
        under_manager = not inspect.isasyncgenfunction(code)  # it stands under `@asynccontextmanager` already
        return DependencyForm.ASYNC_MANAGER, function if under_manager else asynccontextmanager(function)
    if inspect.isgeneratorfunction(wrapped):
        under_manager = not inspect.isgeneratorfunction(code)
        return DependencyForm.MANAGER, function if under_manager else contextmanager(function)
    return DependencyForm.VALUE, function


def _signature_of(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise _DependencyFaultError("Python knows no parameters of it; wrap it in a function of your own") from error


def _hints_of_dependency(function: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        return _hints_of(function)
    except NameError as error:
        raise _DependencyFaultError(
            f"the type {error.name} in its hints is not known at run time: import it outside of `if TYPE_CHECKING`"
        ) from error


def _hints_of(function: Callable[..., Any]) -> Mapping[str, Any]:
    code: Any = function
    if inspect.isclass(function):
        code = function.__init__
    elif not inspect.isroutine(function):
        code = getattr(function, "func", None) or type(function).__call__
    try:
        return typing.get_type_hints(inspect.unwrap(code), include_extras=True)
    except (TypeError, AttributeError):  # built-in functions have none
        return {}


def _name_of(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _place_of(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{Path(code.co_filename).name}:{code.co_firstlineno}" if code is not None else ""
