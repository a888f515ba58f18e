"""Copies of the worker: a handler that calls `os.fork` makes one, with the worker's sockets and unfinished work.

A copy must never act as a second worker. It may do what its handler forked it for; it ends where the handler returns,
waits for something, or calls its context. A library that forks to run something of its own and leaves by itself, as
`multiprocessing` does, is not disturbed.

A signal to a copy must reach the copy alone. A copy inherits the worker's signal handlers, and the descriptor by which
the interpreter wakes the worker's event loop: with those, a SIGTERM to the copy stops the worker and not the copy.
So a copy begins with the default handlers and without that descriptor; until then signals to it are blocked, because
its parent may send one as soon as `fork` has returned.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

EXIT_CODE = 70
"""The exit code of a copy: EX_SOFTWARE of sysexits.h."""

_DEFAULTS: dict[signal.Signals, "Callable[[int, FrameType | None], object] | int"] = {
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGINT: signal.default_int_handler,
    signal.SIGCHLD: signal.SIG_DFL,
}
"""The signals that the worker handles, and the handlers that a copy has for them."""

_is_copy = False
_loops: list[asyncio.AbstractEventLoop] = []
_ours: dict[int, object] = {}
_held = threading.local()


def watch() -> None:
    """Notice from now on when this process is copied; to be called once, in the event loop if there is one."""
    if not _loops:
        os.register_at_fork(before=_before, after_in_parent=_release, after_in_child=_after_in_child)
    _loops.append(asyncio.get_running_loop())


def claim(*numbers: signal.Signals) -> None:
    """Claim the present handlers of these signals for the worker: a copy gets the default ones."""
    for number in numbers:
        _ours[number] = signal.getsignal(number)


def is_copy() -> bool:
    """Return whether this process is a copy."""
    return _is_copy


def end_if_copy() -> None:
    """End this process if it is a copy, without the clean-up that belongs to the worker."""
    if _is_copy:
        os._exit(EXIT_CODE)


def _before() -> None:
    _held.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _DEFAULTS)


def _release() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _held.mask)


def _after_in_child() -> None:
    global _is_copy
    _is_copy = True
    signal.set_wakeup_fd(-1)
    for number, default in _DEFAULTS.items():
        handler = signal.getsignal(number)
        # None: something else than Python has set it. libuv does, for SIGCHLD, and writes into the worker's pipe.
        if handler is None or handler == _ours.get(number):
            signal.signal(number, default)
    for loop in _loops:
        if not loop.is_closed():
            loop.call_soon(os._exit, EXIT_CODE)  # in case the copy turns the loop again
    try:
        _release()
    except KeyboardInterrupt:
        # It came before any line of the copy ran: no code of the copy can catch it, and the interpreter drops what is
        # raised in here. So the signal ends the copy. Nothing may follow, or what is raised by then is dropped.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
