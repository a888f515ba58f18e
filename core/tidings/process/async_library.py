"""Which library runs the event loop of this thread, as anyio asks for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ASYNCIO = "asyncio"


class _Users(threading.local):
    count = 0


_users = _Users()


def leave_async_library() -> None:
    """Say of this context, which is a copy of an event loop's, that no library runs in it: it is that of a thread.

    A plain function may begin an event loop of its own there.
    """
    try:
        from sniffio import current_async_library_cvar  # noqa: PLC0415 - as below
    except ImportError:
        return
    current_async_library_cvar.set(None)


@contextmanager
def told_to_sniffio() -> Iterator[None]:
    """Say around the body that asyncio runs this thread's event loop, in callbacks too.

    Where sniffio is installed, as a dependency of other packages, anyio asks it which library runs. By itself sniffio
    finds asyncio in tasks alone, so a callback of the event loop could start no task of a task group.

    Source: https://sniffio.readthedocs.io (`thread_local`)
    """
    try:
        from sniffio import thread_local  # noqa: PLC0415 - anyio uses it where it is installed; nothing else needs it
    except ImportError:
        yield
        return
    _users.count += 1
    thread_local.name = _ASYNCIO
    try:
        yield
    finally:
        _users.count -= 1
        if not _users.count:
            thread_local.name = None
