"""A primary and its replicas, without sentinels: a test stops a replica, kills the primary, promotes a replica."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from support.store import StoreProcess
from support.timeouts import scaled
from support.waiting import until

READY_TIMEOUT_S = 20.0


class ReplicatedStore:
    """The stores."""

    def __init__(self, replicas: int) -> None:
        self.primary = StoreProcess("--repl-diskless-sync-delay", "0")
        self.replicas = [StoreProcess("--replicaof", f"127.0.0.1 {self.primary.port}") for _ in range(replicas)]

    def start(self) -> None:
        """Start all, and return when each replica follows."""
        for store in (self.primary, *self.replicas):
            store.start()
        until(
            lambda: all(self.info(one, "replication")["master_link_status"] == "up" for one in self.replicas),
            lambda: "a replica does not follow",
            seconds=READY_TIMEOUT_S,
        )

    @staticmethod
    def client(store: StoreProcess) -> "redis.Redis":
        """Return a client of one of the stores."""
        return redis.Redis(port=store.port, socket_timeout=scaled(5), decode_responses=True)

    def info(self, store: StoreProcess, section: str) -> dict[str, object]:
        """Return what a store says of itself."""
        with self.client(store) as client:
            told: dict[str, object] = client.info(section)
        return told

    def calls(self, command: str) -> int:
        """Return how often the primary has obeyed a command."""
        found = self.info(self.primary, "commandstats").get(f"cmdstat_{command}")
        return int(found["calls"]) if isinstance(found, dict) else 0

    @contextmanager
    def stopped(self, replica: StoreProcess) -> Iterator[None]:
        """Have a replica stand still around the body: it stays connected, and takes nothing."""
        assert replica.process is not None
        replica.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            replica.process.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        """Remove all that they hold."""
        with self.client(self.primary) as client:
            client.flushall()

    def promote(self, replica: StoreProcess) -> None:
        """Make a replica a primary."""
        with self.client(replica) as client:
            client.replicaof("NO", "ONE")

    def close(self) -> None:
        """End all."""
        for store in (*self.replicas, self.primary):
            store.close()


@contextmanager
def replicated_store(replicas: int = 1) -> Iterator[ReplicatedStore]:
    """Run a primary and its replicas around the body."""
    stores = ReplicatedStore(replicas)
    try:
        stores.start()
        yield stores
    finally:
        stores.close()
