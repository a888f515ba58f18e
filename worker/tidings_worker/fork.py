"""Copies of the worker: a handler that calls `os.fork` makes one, with its sockets and its unfinished work.

A copy must never act as a second worker. It may do what its handler forked it for; it ends where the handler
returns, waits for something, or speaks to whoever waits for the job. What forks to run something of its own
and leaves by itself, as `multiprocessing` does, is not disturbed.
"""

import asyncio
import os

EXIT_CODE = 70
"""What a copy ends with: EX_SOFTWARE of sysexits.h."""

_is_copy = False
_loops: list[asyncio.AbstractEventLoop] = []


def watch() -> None:
    """Notice from now on when this process is copied; to be called once, in the event loop if there is one."""
    if not _loops:
        os.register_at_fork(after_in_child=_after_in_child)
    _loops.append(asyncio.get_running_loop())


def is_copy() -> bool:
    """Return whether this process is a copy."""
    return _is_copy


def end_if_copy() -> None:
    """End this process if it is a copy, without any of the cleaning up that is the worker's."""
    if _is_copy:
        os._exit(EXIT_CODE)


def _after_in_child() -> None:
    global _is_copy
    _is_copy = True
    for loop in _loops:
        if not loop.is_closed():
            loop.call_soon(os._exit, EXIT_CODE)  # should anything make it turn again
