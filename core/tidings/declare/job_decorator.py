"""The `job` decorator, and what type checkers make of it.

A direct call of a job follows the handler itself: a class for each form of handlers says what the call takes
and returns. At run time all jobs are of the class `Job`; the four classes exist for type checkers alone.

A checker cannot tell a context from a first parameter that takes anything (`Any`, `object`, no type), nor a coroutine
from the result `Any` of a plain function. Of the first it does not check the arguments, of the second it does not know
the result: the first overloads of `JobDecorator` see to that, because the later ones would choose wrong. Nor can it
tell the chunks of a generator from its `Result` unless the chunks are text: of others it does not know the result.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar, Unpack, overload

from tidings.context.context import Context
from tidings.context.sync_context import SyncContext
from tidings.streams.handler_result import Result

from .job import Job
from .policy import JobOptions

P = ParamSpec("P")
R = TypeVar("R")

if TYPE_CHECKING:

    class AsyncJob(Job[P, R]):
        """A job whose handler is `async def` and takes no context."""

        function: Callable[P, Coroutine[Any, Any, R]]

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
            """Call the handler."""

    class AsyncContextJob(Job[P, R]):
        """A job whose handler is `async def` and takes a `Context` first."""

        function: Callable[Concatenate[Context[Any], P], Coroutine[Any, Any, R]]

        def __call__(self, ctx: Context[Any], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
            """Call the handler."""

    class PlainJob(Job[P, R]):
        """A job whose handler is a plain function without a context."""

        function: Callable[P, R]

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
            """Call the handler."""

    class PlainContextJob(Job[P, R]):
        """A job whose handler is a plain function that takes a `SyncContext` first."""

        function: Callable[Concatenate[SyncContext[Any], P], R]

        def __call__(self, ctx: SyncContext[Any], /, *args: P.args, **kwargs: P.kwargs) -> R:
            """Call the handler."""

    class AsyncGeneratorJob(Job[P, R]):
        """A job whose handler is an asynchronous generator without a context."""

        function: Callable[P, AsyncIterator[Any]]

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Any]:
            """Call the handler."""

    class AsyncContextGeneratorJob(Job[P, R]):
        """A job whose handler is an asynchronous generator that takes a `Context` first."""

        function: Callable[Concatenate[Context[Any], P], AsyncIterator[Any]]

        def __call__(self, ctx: Context[Any], /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Any]:
            """Call the handler."""

    class PlainGeneratorJob(Job[P, R]):
        """A job whose handler is a plain generator without a context."""

        function: Callable[P, Iterator[Any]]

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
            """Call the handler."""

    class PlainContextGeneratorJob(Job[P, R]):
        """A job whose handler is a plain generator that takes a `SyncContext` first."""

        function: Callable[Concatenate[SyncContext[Any], P], Iterator[Any]]

        def __call__(self, ctx: SyncContext[Any], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
            """Call the handler."""


class NoHandlerType:
    """A type that no handler names: a parameter that takes it takes anything, a result that is one may be anything."""


class JobDecorator(Protocol):
    """What `job(…)` with options returns: it makes a function a job."""

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[NoHandlerType, ...], Coroutine[Any, Any, R]], /
    ) -> "AsyncJob[..., R]": ...
    @overload
    def __call__(self, function: Callable[Concatenate[NoHandlerType, ...], R], /) -> "PlainJob[..., R]": ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[SyncContext[Any], P], NoHandlerType], /
    ) -> "PlainContextJob[P, Any]": ...
    @overload
    def __call__(self, function: Callable[P, NoHandlerType], /) -> "PlainJob[P, Any]": ...  # type: ignore[overload-overlap]
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[Context[Any], P], AsyncIterator[str]], /
    ) -> "AsyncContextGeneratorJob[P, str]": ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[P, AsyncIterator[str]], /
    ) -> "AsyncGeneratorJob[P, str]": ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[Context[Any], P], AsyncIterator[str | Result[R]]], /
    ) -> "AsyncContextGeneratorJob[P, R]": ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[P, AsyncIterator[str | Result[R]]], /
    ) -> "AsyncGeneratorJob[P, R]": ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[Context[Any], P], AsyncIterator[Any]], /
    ) -> "AsyncContextGeneratorJob[P, Any]": ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[P, AsyncIterator[Any]], /
    ) -> "AsyncGeneratorJob[P, Any]": ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[SyncContext[Any], P], Iterator[str]], /
    ) -> "PlainContextGeneratorJob[P, str]": ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[P, Iterator[str]], /
    ) -> "PlainGeneratorJob[P, str]": ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[SyncContext[Any], P], Iterator[str | Result[R]]], /
    ) -> "PlainContextGeneratorJob[P, R]": ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[P, Iterator[str | Result[R]]], /
    ) -> "PlainGeneratorJob[P, R]": ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[SyncContext[Any], P], Iterator[Any]], /
    ) -> "PlainContextGeneratorJob[P, Any]": ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[P, Iterator[Any]], /
    ) -> "PlainGeneratorJob[P, Any]": ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[Context[Any], P], Coroutine[Any, Any, R]], /
    ) -> "AsyncContextJob[P, R]": ...
    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> "AsyncJob[P, R]": ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, function: Callable[Concatenate[SyncContext[Any], P], R], /) -> "PlainContextJob[P, R]": ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> "PlainJob[P, R]": ...


@overload
def job(function: Callable[Concatenate[NoHandlerType, ...], Coroutine[Any, Any, R]], /) -> "AsyncJob[..., R]": ...  # type: ignore[overload-overlap]
@overload
def job(function: Callable[Concatenate[NoHandlerType, ...], R], /) -> "PlainJob[..., R]": ...
@overload
def job(function: Callable[Concatenate[SyncContext[Any], P], NoHandlerType], /) -> "PlainContextJob[P, Any]": ...  # type: ignore[overload-overlap]
@overload
def job(function: Callable[P, NoHandlerType], /) -> "PlainJob[P, Any]": ...  # type: ignore[overload-overlap]
@overload
def job(  # type: ignore[overload-overlap]
    function: Callable[Concatenate[Context[Any], P], AsyncIterator[str]], /
) -> "AsyncContextGeneratorJob[P, str]": ...
@overload
def job(  # type: ignore[overload-overlap]
    function: Callable[P, AsyncIterator[str]], /
) -> "AsyncGeneratorJob[P, str]": ...
@overload
def job(  # type: ignore[overload-overlap]
    function: Callable[Concatenate[Context[Any], P], AsyncIterator[str | Result[R]]], /
) -> "AsyncContextGeneratorJob[P, R]": ...
@overload
def job(  # type: ignore[overload-overlap]
    function: Callable[P, AsyncIterator[str | Result[R]]], /
) -> "AsyncGeneratorJob[P, R]": ...
@overload
def job(  # type: ignore[overload-overlap]
    function: Callable[Concatenate[Context[Any], P], AsyncIterator[Any]], /
) -> "AsyncContextGeneratorJob[P, Any]": ...
@overload
def job(  # type: ignore[overload-overlap]
    function: Callable[P, AsyncIterator[Any]], /
) -> "AsyncGeneratorJob[P, Any]": ...
@overload
def job(  # type: ignore[overload-overlap]
    function: Callable[Concatenate[SyncContext[Any], P], Iterator[str]], /
) -> "PlainContextGeneratorJob[P, str]": ...
@overload
def job(  # type: ignore[overload-overlap]
    function: Callable[P, Iterator[str]], /
) -> "PlainGeneratorJob[P, str]": ...
@overload
def job(  # type: ignore[overload-overlap]
    function: Callable[Concatenate[SyncContext[Any], P], Iterator[str | Result[R]]], /
) -> "PlainContextGeneratorJob[P, R]": ...
@overload
def job(  # type: ignore[overload-overlap]
    function: Callable[P, Iterator[str | Result[R]]], /
) -> "PlainGeneratorJob[P, R]": ...
@overload
def job(  # type: ignore[overload-overlap]
    function: Callable[Concatenate[SyncContext[Any], P], Iterator[Any]], /
) -> "PlainContextGeneratorJob[P, Any]": ...
@overload
def job(  # type: ignore[overload-overlap]
    function: Callable[P, Iterator[Any]], /
) -> "PlainGeneratorJob[P, Any]": ...
@overload
def job(function: Callable[Concatenate[Context[Any], P], Coroutine[Any, Any, R]], /) -> "AsyncContextJob[P, R]": ...  # type: ignore[overload-overlap]
@overload
def job(function: Callable[P, Coroutine[Any, Any, R]], /) -> "AsyncJob[P, R]": ...  # type: ignore[overload-overlap]
@overload
def job(function: Callable[Concatenate[SyncContext[Any], P], R], /) -> "PlainContextJob[P, R]": ...
@overload
def job(function: Callable[P, R], /) -> "PlainJob[P, R]": ...
@overload
def job(**options: Unpack[JobOptions]) -> JobDecorator: ...
def job(function: Callable[..., Any] | None = None, /, **options: Unpack[JobOptions]) -> Any:
    """Make a function a job that workers can run.

    Args:
        function: the handler: `async def` runs in the worker's event loop, `def` in a thread, or
            with `run_in="process"` in a process.
        options: see `Policy` for their meaning, defaults and bounds.

    Raises:
        JobDefinitionError: the function or an option cannot work.

    """
    if function is not None:
        return Job(function)
    return lambda function: Job(function, **options)
