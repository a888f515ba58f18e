"""The garbage collector of a process that serves for long."""

import atexit
import gc

YOUNG_THRESHOLD = 20_000
"""Allocations between two looks at the youngest objects. Python's 700 make a collection every few events."""


def freeze_startup_objects() -> None:
    """Leave what was made up to now alone for good, and look more rarely at what comes.

    A server has a hundred thousand objects that live as long as it does (modules, types, schemas); each full collection
    would walk them all, in the middle of a request. When the process ends the collector gets them back: the
    modules of users have finalizers too, and some libraries print a long report of what was never let go.

    Source: https://docs.python.org/3/library/gc.html#gc.freeze
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)
    gc.set_threshold(YOUNG_THRESHOLD, 10, 10)
