"""The decorator `lifespan`: what a worker process opens before its first job, and closes after its last.

::

    @lifespan
    async def resources() -> AsyncIterator[Resources]:
        async with open_pool() as pool:
            yield Resources(pool)
"""

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class LifespanDefinitionError(TypeError):
    """A function cannot be a lifespan; the message says which function, and what to do."""


class Lifespan(Generic[T]):
    """A function that opens what the jobs of its module share; `@lifespan` makes it.

    A worker process enters it once, before its first job, and leaves it after its last. Calling the lifespan returns
    the asynchronous context manager, for tests.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        """Take a function.

        Args:
            function: an async generator function that yields once, or one under `@asynccontextmanager`; it has no
                parameter without a default.

        Raises:
            LifespanDefinitionError: it is neither, or takes arguments.

        """
        self.name: str = str(getattr(function, "__name__", function))
        """The function's name."""
        self._open = _opener_of(function, self.name)
        self.function = function
        self.__doc__ = getattr(function, "__doc__", None)
        self.__name__: str = self.name
        self.__wrapped__ = function

    def __call__(self) -> AbstractAsyncContextManager[T]:
        """Return the context manager whose value is the state of the module's jobs."""
        return self._open()

    def __repr__(self) -> str:
        return f"<lifespan {self.name}>"

    @property
    def place(self) -> str:
        """Return the file and the line of its function."""
        code = inspect.unwrap(self.function).__code__
        return f"{code.co_filename}:{code.co_firstlineno}"


def lifespan(function: Callable[[], AsyncIterator[T] | AbstractAsyncContextManager[T]]) -> Lifespan[T]:
    """Make a function the lifespan of its module.

    Each worker process that serves the module enters the lifespan before its first job, and leaves it when its last job
    has ended. What it yields is `ctx.state` of the module's jobs. Handlers in threads share it; each child process of
    `run_in="process"` enters its own. A module has at most one.

    Args:
        function: an async generator function that yields once, or one under `@asynccontextmanager`, without
            parameters.

    Raises:
        LifespanDefinitionError: the function is neither, or takes arguments.

    """
    return Lifespan(function)


def _opener_of(function: Any, name: str) -> Callable[[], AbstractAsyncContextManager[Any]]:
    where = f"lifespan {name}"
    how = "write an `async def` with one `yield`"
    if isinstance(function, Lifespan):
        raise LifespanDefinitionError(f"{where}: @lifespan stands twice; take one away")
    if inspect.isclass(function) or not inspect.isroutine(function):
        raise LifespanDefinitionError(f"{where}: only functions can be lifespans; {how}")
    wrapped = inspect.unwrap(function)
    if inspect.isgeneratorfunction(wrapped):
        raise LifespanDefinitionError(f"{where}: it is a plain generator; {how}")
    if not inspect.isasyncgenfunction(wrapped):
        raise LifespanDefinitionError(f"{where}: it has no `yield`, so it opens nothing; {how}")
    needed = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        raise LifespanDefinitionError(f"{where}: a worker enters it without arguments; take away: {', '.join(needed)}")
    opener: Callable[[], AbstractAsyncContextManager[Any]] = (
        asynccontextmanager(function) if inspect.isasyncgenfunction(function) else function
    )
    return opener
