"""What a handler yields that is a generator, by its hints, and the result that comes of it."""

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from .handler_result import Result

_ASYNC = (collections.abc.AsyncIterator, collections.abc.AsyncGenerator, collections.abc.AsyncIterable)
_PLAIN = (collections.abc.Iterator, collections.abc.Generator, collections.abc.Iterable)
_UNIONS = (typing.Union, types.UnionType)


class GeneratorItems(NamedTuple):
    """The items of a generator that is a handler."""

    is_text: bool
    """Whether all are text: the result is the text joined, and otherwise the list."""
    result: Any
    """The type of the result; `Any`: the hints do not say."""
    chunk: Any = Any
    """The type of a chunk; `Any`: the hints do not say."""

    @classmethod
    def of(cls, function: Callable[..., Any], hints: dict[str, Any]) -> Self | None:
        """Return those of a handler; None: it is no generator.

        Raises:
            TypeError: its hint is not that of a generator.

        """
        is_async = inspect.isasyncgenfunction(function)
        if not is_async and not inspect.isgeneratorfunction(function):
            return None
        hint = hints.get("return")
        if hint is None:
            return cls(is_text=False, result=Any)
        named = "AsyncIterator" if is_async else "Iterator"
        if typing.get_origin(hint) not in (_ASYNC if is_async else _PLAIN):
            if hint in (_ASYNC if is_async else _PLAIN):
                return cls(is_text=False, result=Any)
            raise TypeError(
                f"it is a generator, and its hint says {hint}; write `-> {named}[str]`, or of what it yields"
            )
        item, ended_by = _parts(typing.get_args(hint)[0])
        if ended_by is not None:
            return cls(is_text=item is str, result=ended_by, chunk=item)
        result = str if item is str else Any if item is Any else _list_of(item)
        return cls(is_text=item is str, result=result, chunk=item)


def is_async_handler(function: Any) -> bool:
    """Return whether a handler runs in the event loop: it is `async def`, a generator or not."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _list_of(item: Any) -> Any:
    return types.GenericAlias(list, (item,))


def _parts(hint: Any) -> tuple[Any, Any]:
    """Return the type of the chunks, and that of the value in `Result`; None: the generator yields no `Result`."""
    members = typing.get_args(hint) if typing.get_origin(hint) in _UNIONS else (hint,)
    results = [one for one in members if (typing.get_origin(one) or one) is Result]
    if not results:
        return hint, None
    chunks = tuple(one for one in members if one not in results)
    values = typing.get_args(results[0])
    item: Any = chunks[0] if len(chunks) == 1 else typing.Union[chunks] if chunks else Any  # noqa: UP007 - made at run time
    return item, values[0] if values else Any
