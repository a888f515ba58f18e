"""The cancellation of an `async def` handler: it sees one `CancelledError`, not one at each wait."""

import functools
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import anyio

from tidings.errors import StoppedError
from tidings_worker import fork


def new_scope() -> anyio.CancelScope:
    """Return a cancel scope, as `anyio.CancelScope()` does.

    AnyIO finds out for each scope which library runs the event loop, which costs four times as much as the scope.
    """
    return _scope_class()()


@functools.cache
def _scope_class() -> type[anyio.CancelScope]:
    """Return the class of asyncio's cancel scopes: a worker runs under no other library."""
    return type(anyio.CancelScope())


async def call_cancelled_once(call: Callable[[], Coroutine[Any, Any, Any]], scope: anyio.CancelScope) -> Any:
    """Call a handler and return what it returns.

    AnyIO cancels every wait inside a cancelled scope, one after the other. A handler gets one `CancelledError` only, at
    its first wait outside its own shields, and what it awaits to clean up after that goes on undisturbed. (A handler
    that swallows the cancellation would otherwise be cancelled in every turn of the loop, and keep the loop from its
    other work.)

    Args:
        call: makes the handler's coroutine.
        scope: what cancels it.

    Raises:
        StoppedError: the handler was cancelled, and let the cancellation pass.

    """
    with scope, new_scope() as shield:
        return await _drive(call(), scope, shield)
    raise StoppedError("the handler was cancelled")


@types.coroutine
def _drive(
    coroutine: Coroutine[Any, Any, Any], scope: anyio.CancelScope, shield: anyio.CancelScope
) -> Generator[Any, Any, Any]:
    """Pass each wait of the handler on to the loop; after the first cancellation shield all later ones."""
    error: BaseException | None = None
    while True:
        try:
            wanted = coroutine.send(None) if error is None else coroutine.throw(error)
        except StopIteration as end:
            return end.value
        finally:
            fork.end_if_copy()
        error = None
        try:
            yield wanted
        except BaseException as thrown:  # noqa: BLE001 - the handler's coroutine gets it
            error = thrown
            if scope.cancel_called:
                shield.shield = True
