"""Counting copies of large values by the page faults that they cost.

A process whose allocator takes every large block from the kernel, and gives it back at once, faults on each page of
such a block when it is first written, and never else. So the faults that a value costs, divided by those of one copy of
it, are the number of its copies: those in C libraries too, without a debugger, a compiler or a clock. A block that is
taken and not filled counts for as much of it as is written, and so does one that is filled in pieces.

Not counted are copies into memory that the process holds already (the buffer into which an event loop reads), blocks
smaller than `LEAST_BYTES`, and what the kernel copies between sockets.

Source: https://man7.org/linux/man-pages/man3/mallopt.3.html (M_MMAP_THRESHOLD)
"""

import ctypes
import os
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

LEAST_BYTES: Final = 65_536
"""Blocks from this size on are counted."""

ENVIRONMENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "MALLOC_MMAP_THRESHOLD_": str(LEAST_BYTES),
        "MALLOC_MMAP_MAX_": "1000000",
    }
)
"""What has to stand in the environment of a process whose copies are counted, when it starts."""

_PR_SET_THP_DISABLE: Final = 41
_MINFLT: Final = 7
"""Where the faults stand in `/proc/PID/stat`, behind the name of the program."""


def count_here(arguments: list[str]) -> None:
    """Have this process and those that it starts be ones whose copies can be counted.

    It starts the program again where the environment is not as it must be.

    Args:
        arguments: those of the interpreter, to start this program again.

    """
    if any(os.environ.get(name) != value for name, value in ENVIRONMENT.items()):
        os.execve(  # noqa: S606 - this program again
            sys.executable, [sys.executable, *arguments], {**os.environ, **ENVIRONMENT}
        )
    # A huge page is one fault for 512 pages. Children inherit this.
    ctypes.CDLL(None).prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0)


def faults_here() -> int:
    """Return the page faults of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def faults_of(pid: int) -> int:
    """Return the page faults of a process so far."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[_MINFLT])


def faults_of_copy(size: int) -> int:
    """Return the page faults of one copy of so many bytes.

    Raises:
        RuntimeError: copies cannot be counted in this process.

    """
    original = bytearray(b"x" * size)
    found = _faults(lambda: bytes(original))
    if not 0.9 < found / (size / resource.getpagesize()) < 1.2:
        raise RuntimeError(f"a copy of {size} bytes costs {found} page faults: the C library is not glibc")
    return found


def copies(step: Callable[[], object], size: int) -> float:
    """Return how many copies of a value of so many bytes a step makes; it is run twice, and counted the second time."""
    step()
    return _faults(step) / faults_of_copy(size)


def _faults(step: Callable[[], object]) -> int:
    before = faults_here()
    step()
    return faults_here() - before
