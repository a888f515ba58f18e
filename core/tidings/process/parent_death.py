"""Ending with the parent process: on Linux the kernel signals a child when its parent has ended, in whatever way."""

import ctypes
import os
import signal
import sys

PARENT_VARIABLE = "TIDINGS_PARENT_PID"
"""Set by a parent for those of its children that are to end with it."""

LISTEN_VARIABLE = "TIDINGS_LISTEN_FDS"
"""Set by the parent of servers that share a port: the descriptors of its listening sockets, with commas between."""

_PR_SET_PDEATHSIG = 1


def end_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Have a signal sent to this process when the thread that started it ends; does nothing but on Linux.

    Source: prctl(2), PR_SET_PDEATHSIG.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def end_with_parent_if_asked(number: signal.Signals = signal.SIGTERM) -> None:
    """Do so if the parent wants it, and end at once if it is gone already.

    A child asks for itself, because a parent with threads must run nothing between fork and exec.
    """
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if not parent:
        return
    end_with_parent(number)
    if os.getppid() != int(parent):
        raise SystemExit(1)
