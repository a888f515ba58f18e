"""`Depends`: says that a parameter is no part of the input, but what a function returns.

::

    async def get_connection(ctx: Context[Resources]) -> AsyncIterator[Connection]:
        async with ctx.state.pool.acquire() as connection:
            yield connection

    @job
    async def price(item: str, connection: Annotated[Connection, Depends(get_connection)]) -> int: ...
"""

import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, NamedTuple, NoReturn, TypeVar, cast, overload

T = TypeVar("T")


class DependencyDefinitionError(TypeError):
    """A dependency cannot work; the message says which, where it stands, and what to do."""


class DependencyMark(NamedTuple):
    """What `Depends` leaves at a parameter; FastAPI's own `Depends` has the same two fields."""

    dependency: Callable[..., Any] | None
    """None: the type of the parameter itself."""
    use_cache: bool


@overload
def Depends(dependency: Callable[..., AsyncIterator[T]], *, use_cache: bool = ...) -> T: ...


@overload
def Depends(dependency: Callable[..., Iterator[T]], *, use_cache: bool = ...) -> T: ...


@overload
def Depends(dependency: Callable[..., Coroutine[Any, Any, T]], *, use_cache: bool = ...) -> T: ...


@overload
def Depends(
    dependency: Callable[..., AbstractAsyncContextManager[T] | AbstractContextManager[T]], *, use_cache: bool = ...
) -> T: ...


@overload
def Depends(dependency: Callable[..., T], *, use_cache: bool = ...) -> T: ...


@overload
def Depends(*, use_cache: bool = ...) -> Any: ...


def Depends(dependency: Callable[..., Any] | None = None, *, use_cache: bool = True) -> Any:  # noqa: N802 - FastAPI's name
    """Mark a parameter of a handler as filled by a function, in each attempt.

    The parameter is no part of the job's input. `pool: Annotated[Pool, Depends(get_pool)]` and, as a default,
    `pool: Pool = Depends(get_pool)` mean the same. With the default, type checkers ask no caller of the handler, such
    as `client.submit(price, …)`, for the parameter.

    Args:
        dependency: a function: plain or `async def`, with `return` or with one `yield`, after which it cleans up. Its
            own parameters are dependencies in their turn, contexts (annotated as `Context` or `SyncContext`), or have
            defaults. None: the type of the parameter, called in the same way.
        use_cache: whether all that depend on the function in one attempt share what it returned; False: each gets its
            own.

    Raises:
        DependencyDefinitionError: it is no function, but what one returned, for example.

    """
    if dependency is not None and not callable(dependency):
        _refuse(dependency)
    return DependencyMark(dependency, use_cache)


def _refuse(value: object) -> NoReturn:
    name = str(getattr(value, "__name__", "FUNCTION"))
    if inspect.iscoroutine(value):
        value.close()  # else Python warns of a coroutine that was never awaited
    raise DependencyDefinitionError(
        f"Depends takes a function, and this is a {type(value).__name__}: write Depends({name}), without a call"
    )


def mark_of(value: object) -> DependencyMark | None:
    """Return the mark in an annotation's metadata or in a default: ours, or FastAPI's; None: it is neither."""
    if isinstance(value, DependencyMark):
        return value
    # FastAPI's class is known by its name and fields, so that nothing here imports FastAPI.
    if type(value).__name__ in ("Depends", "Security") and hasattr(value, "dependency") and hasattr(value, "use_cache"):
        return DependencyMark(cast("Callable[..., Any] | None", value.dependency), bool(value.use_cache))
    return None
