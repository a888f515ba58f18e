"""The memory allocator of a process that serves for long."""

import ctypes
import os
from typing import Final

MAPPED_BYTES: Final = 4_194_304
"""A block from this size on is taken from the kernel, and given back as soon as it is free."""

KEPT_BYTES: Final = 16_777_216
"""Free memory at the end of the heap that is kept for what comes."""

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3

_OPERATORS: Final = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
"""Variables by which an operator has decided otherwise."""


def keep_freed_memory() -> None:
    """Keep some memory that has been freed, where the C library is glibc.

    By itself glibc takes large blocks from the kernel and gives them back each time. A value of a megabyte costs some
    250 page faults for each copy then, which take longer than the copy.

    Source: https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    if any(name in os.environ for name in _OPERATORS):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # another C library, which has no such settings
    mallopt(_M_MMAP_THRESHOLD, MAPPED_BYTES)
    mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
