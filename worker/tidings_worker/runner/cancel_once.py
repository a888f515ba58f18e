"""The steps of an `async def` handler: what lies between the event loop and each of its waits."""

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import anyio

from tidings.errors import StoppedError
from tidings_worker import fork


async def call_cancelled_once(call: Callable[[], Coroutine[Any, Any, Any]], scope: anyio.CancelScope) -> Any:
    """Call a handler and return what it returns.

    AnyIO cancels every wait inside a cancelled scope, one after the other. Here a handler is told once: it gets one
    `CancelledError`, at its first wait outside its own shields, and what it awaits to clean up after that goes on
    undisturbed. (One that swallows the cancellation would otherwise be cancelled in every turn of the loop, and
    keep the loop from its other work.)

    Args:
        call: makes the handler's coroutine.
        scope: what cancels it.

    Raises:
        StoppedError: it was cancelled, and obeyed.

    """
    with scope, anyio.CancelScope() as told:
        return await _drive(call(), scope, told)
    raise StoppedError("the handler was cancelled")


@types.coroutine
def _drive(
    coroutine: Coroutine[Any, Any, Any], scope: anyio.CancelScope, told: anyio.CancelScope
) -> Generator[Any, Any, Any]:
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
        except BaseException as thrown:  # noqa: BLE001 - it is the coroutine's to see
            error = thrown
            if scope.cancel_called:
                told.shield = True
