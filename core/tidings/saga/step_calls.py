"""`ctx.step` and `ctx.call`: type checkers know the arguments of what a handler calls, and its result.

For type checkers no option may stand between `*args: P.args` and `**kwargs: P.kwargs`. So beside options they know the
positional arguments of `step` alone, and of a child the result alone. `ctx.with_options(…)` takes the options first;
then they check all arguments.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar, TypeVarTuple, overload

from tidings.kind import Kind
from tidings.seconds import Duration, seconds_of

from .orchestrator import Orchestrator, StepOptions, UndoLike

MAX_PATCH_NAME = 100
"""Characters in the name of a change of a saga's code."""


class HandlerContext:
    """What a handler, or a function of a step, may take first, and does not get from its caller."""


P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")
ContextT = TypeVar("ContextT", bound=HandlerContext)


class StepCalls(ABC):
    """What a context has for steps and children."""

    @property
    @abstractmethod
    def _orchestrator(self) -> Orchestrator:
        """The worker's saga."""

    async def patched(self, name: str) -> bool:
        """Return whether this run of the saga goes by a change of its code: true for runs that begin after the change.

        ::

            if await ctx.patched("check for fraud"):
                await ctx.step(check_fraud, order)

        Raise the version of the kind with the change: runs of an older version go on as they began, whatever they have
        done, and workers of the release before, which do not know the change, get none of the new version. Without
        that a run that has already taken later steps than this place goes on as it began. The store keeps the answer
        with the job, so that every later attempt gets the same. It is no step: it moves the numbers of none.

        Args:
            name: of the change, 1 to 100 characters; another for each.

        Raises:
            SagaUseError: code other than the handler or a branch of `gather` calls it.
            ValueError: the name is too long, or empty.

        """
        if not 1 <= len(name) <= MAX_PATCH_NAME:
            raise ValueError(f"patched: a name has 1 to {MAX_PATCH_NAME} characters; this one has {len(name)}")
        return await self._orchestrator.patched(name)

    @overload
    def step(
        self,
        function: Callable[Concatenate[ContextT, P], Coroutine[Any, Any, T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Awaitable[T]: ...

    @overload
    def step(
        self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]: ...

    @overload
    def step(
        self, function: Callable[Concatenate[ContextT, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]: ...

    @overload
    def step(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]: ...

    @overload
    def step(
        self, function: Callable[[ContextT, *Ts], Coroutine[Any, Any, T]], /, *args: *Ts,
        undo: UndoLike | None = ..., name: str | None = ..., retries: int | None = ..., timeout: Duration | None = ...,
    ) -> Awaitable[T]: ...  # fmt: skip

    @overload
    def step(
        self, function: Callable[[*Ts], Coroutine[Any, Any, T]], /, *args: *Ts,
        undo: UndoLike | None = ..., name: str | None = ..., retries: int | None = ..., timeout: Duration | None = ...,
    ) -> Awaitable[T]: ...  # fmt: skip

    @overload
    def step(
        self, function: Callable[[ContextT, *Ts], T], /, *args: *Ts,
        undo: UndoLike | None = ..., name: str | None = ..., retries: int | None = ..., timeout: Duration | None = ...,
    ) -> Awaitable[T]: ...  # fmt: skip

    @overload
    def step(
        self, function: Callable[[*Ts], T], /, *args: *Ts,
        undo: UndoLike | None = ..., name: str | None = ..., retries: int | None = ..., timeout: Duration | None = ...,
    ) -> Awaitable[T]: ...  # fmt: skip

    def step(  # type: ignore[misc]
        self, function: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Awaitable[Any]:
        """Call a function once for the job; every later run of the handler gets the same result.

        Args:
            function: plain (it runs in a thread), a coroutine function, or a `@job`, whose own policy then counts.
                If its first parameter is annotated as `Context` or `SyncContext`, it gets one.
            args: its arguments; the journal shows them to people, where JSON has a form for them.
            kwargs: more arguments, and beside them the options `undo`, `name`, `retries` and `timeout`, which
                `with_options` describes. A function with a parameter of such a name is called after `with_options`.

        Returns:
            An awaitable of the function's result after a round trip through JSON.

        Raises:
            SagaUseError: code other than the handler or a branch of `gather` calls or awaits it.
            TypeError: `timeout` is no duration.
            ValueError: `timeout` is not above 0, or longer than a year.
            StepError: (when awaited) the step has failed for good. The handler may catch the error; if it does not,
                the job fails for good and the worker undoes the steps taken so far.

        """
        said = {name: kwargs.pop(name) for name in StepOptions._fields if name in kwargs}
        return self._orchestrator.step(function, args, kwargs, step_options(**said))

    @overload
    def call(self, kind: Kind[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]: ...

    @overload
    def call(
        self, kind: Kind[..., T], /, *args: Any, undo: UndoLike, name: str | None = ..., **fields: Any
    ) -> Awaitable[T]: ...

    @overload
    def call(self, kind: Kind[..., T], /, *args: Any, name: str, **fields: Any) -> Awaitable[T]: ...

    @overload
    def call(
        self,
        kind: str,
        input: Any = None,
        /,
        *,
        undo: UndoLike | None = None,
        name: str | None = None,
        **fields: Any,
    ) -> Awaitable[Any]: ...

    def call(self, kind: str | Kind[..., Any], /, *args: Any, **fields: Any) -> Awaitable[Any]:
        """Run a child job, of any kind and in any queue; meanwhile the saga may leave its worker.

        By a `@job`: `call(ship, parcel="p")` takes what its handler takes, without the context, and the result is of
        the handler's type. By the name of a kind nothing is known of either.

        Args:
            kind: a `@job`, or the name of a kind.
            args: for a `@job` its arguments; one mapping alone is the whole input. For a name the input: a JSON object,
                or a value that becomes one; none: the `fields`.
            fields: more arguments, or the input's fields; and beside them the options `undo` and `name`, which
                `with_options` describes. Where the `@job` has an argument of such a name, it is the argument.

        Returns:
            An awaitable of the child's result.

        Raises:
            SagaUseError: as for `step`.
            TypeError: the `@job` takes no such arguments; JSON has no form for the input, or it is no object.
            StepError: (when awaited) the child has failed, or the worker could not submit it.
            msgspec.ValidationError: (when awaited) the result is not of the type that the `@job` says.

        """
        takes = kind.takes if isinstance(kind, Kind) and not _is_input(args) else lambda _: False
        said = {name: fields.pop(name) for name in ("undo", "name") if name in fields and not takes(name)}
        return _call(self._orchestrator, kind, args, fields, step_options(**said))

    def with_options(
        self,
        *,
        undo: UndoLike | None = None,
        name: str | None = None,
        retries: int | None = None,
        timeout: Duration | None = None,
    ) -> "StepsWithOptions":
        """Return what takes steps and runs children with these options: `with_options(undo=release).step(hold, item)`.

        Args:
            undo: for a step a function that undoes it when the saga fails later, or the name of a kind. The worker
                calls the function with the same arguments, and with `result` if it has such a parameter. It must also
                work when the step has done nothing (`result` is None then): when a worker dies during a step, the next
                one cannot know what the step has done. For a child the name of a kind, or its `@job`: its job gets the
                same input, and `result` if that input has such a field; or a function, which gets the input.
            name: of the step, for people; None: that of the function or the kind.
            retries: how often the worker repeats a failed step; None: as the function's policy says, else the job's. A
                child follows its kind's.
            timeout: seconds that one call of a step's function may take, or a `timedelta`; None: as its policy says.
                A child follows its kind's.

        Raises:
            TypeError: `timeout` is no duration.
            ValueError: `timeout` is not above 0, or longer than a year.

        """
        options = step_options(undo=undo, name=name, retries=retries, timeout=timeout)
        return StepsWithOptions(self._orchestrator, options)


class StepsWithOptions:
    """What takes steps and runs children with the same options. Made by `Context.with_options`."""

    def __init__(self, orchestrator: Orchestrator, options: StepOptions) -> None:
        self._orchestrator = orchestrator
        self._options = options

    @overload
    def step(
        self,
        function: Callable[Concatenate[ContextT, P], Coroutine[Any, Any, T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Awaitable[T]: ...

    @overload
    def step(
        self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]: ...

    @overload
    def step(
        self, function: Callable[Concatenate[ContextT, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]: ...

    @overload
    def step(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]: ...

    def step(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """Call a function once for the job; see `Context.step`. All keyword arguments are the function's."""
        return self._orchestrator.step(function, args, kwargs, self._options)

    @overload
    def call(self, kind: Kind[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]: ...

    @overload
    def call(self, kind: str, input: Any = None, /, **fields: Any) -> Awaitable[Any]: ...

    def call(self, kind: str | Kind[..., Any], /, *args: Any, **fields: Any) -> Awaitable[Any]:
        """Run a child job; see `Context.call`. All keyword arguments are the job's.

        Raises:
            TypeError: as for `Context.call`; or the options are `retries` or `timeout`, which a child has of its kind.

        """
        return _call(self._orchestrator, kind, args, fields, self._options)


def step_options(
    undo: UndoLike | None = None,
    name: str | None = None,
    retries: int | None = None,
    timeout: Duration | None = None,
) -> StepOptions:
    """Return options, the time limit in seconds.

    Raises:
        TypeError: `timeout` is no duration.
        ValueError: `timeout` is not above 0, or longer than a year.

    """
    limit = None if timeout is None else seconds_of("step: timeout", timeout, above=True, most_word="a year")
    return StepOptions(undo=undo, name=name, retries=retries, timeout=limit)


def _call(
    orchestrator: Orchestrator, kind: Any, args: tuple[Any, ...], fields: Any, options: StepOptions
) -> Awaitable[Any]:
    if options.retries is not None or options.timeout is not None:
        raise TypeError("ctx.call: a child has the retries and the timeout of its kind; give them to its `@job`")
    if isinstance(kind, Kind):
        value = kind.input_of(args, fields)
    elif len(args) > 1:
        raise TypeError(f"ctx.call({kind!r}, …) takes one input, or its fields by name; this has {len(args)}")
    else:
        value = fields if not args or args[0] is None else args[0]
    return orchestrator.call(kind, value, options.undo, options.name)


def _is_input(args: tuple[Any, ...]) -> bool:
    return len(args) == 1 and isinstance(args[0], Mapping)
