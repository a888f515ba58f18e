"""A cluster of stores on loopback: primaries, each with a replica if asked for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import redis

from support.store import Certificates, StoreProcess, bus_port
from support.timeouts import scaled
from support.waiting import until

SLOTS = 16_384
READY_TIMEOUT_S = 40.0
NODE_TIMEOUT_MS = 2_000


def cluster_node(*options: str, timeout_ms: int = 0, tls: Certificates | None = None) -> StoreProcess:
    """Return a node that is not started; `timeout_ms`: its `cluster-node-timeout`, 0: as this machine allows."""
    if tls is not None:
        options = (*options, "--tls-cluster", "yes")
    return StoreProcess(
        "--cluster-enabled", "yes", "--cluster-port", str(bus_port()), "--cluster-node-timeout",
        str(timeout_ms or int(scaled(NODE_TIMEOUT_MS))), "--cluster-require-full-coverage", "no",
        "--cluster-allow-pubsubshard-when-down", "yes", "--repl-diskless-sync-delay", "0", *options, tls=tls,
    )  # fmt: skip


class StoreCluster:
    """The nodes: `primaries` at first, and a replica of each behind them."""

    def __init__(
        self,
        primaries: int = 3,
        *,
        replicas: bool = True,
        node_timeout_ms: int = 0,
        tls: Certificates | None = None,
    ) -> None:
        self.node_timeout_ms = node_timeout_ms or int(scaled(NODE_TIMEOUT_MS))
        self.primaries = [cluster_node(timeout_ms=self.node_timeout_ms, tls=tls) for _ in range(primaries)]
        self.replicas = [cluster_node(timeout_ms=self.node_timeout_ms) for _ in range(primaries * replicas)]

    @property
    def nodes(self) -> list[StoreProcess]:
        """All nodes."""
        return [*self.primaries, *self.replicas]

    @property
    def url(self) -> str:
        """The address, by two of the nodes."""
        return "redis+cluster://" + self.addresses

    @property
    def addresses(self) -> str:
        """Two of the nodes, as addresses have them."""
        return ",".join(f"127.0.0.1:{one.public_port}" for one in self.nodes[:2])

    @staticmethod
    def ask(node: StoreProcess, *command: str | int) -> object:
        """Return what a node answers."""
        with redis.Redis(port=node.port, socket_timeout=scaled(5), decode_responses=True) as client:
            client.response_callbacks.clear()
            return client.execute_command(*command)

    def start(self) -> None:
        """Start the nodes and make a cluster of them."""
        for node in self.nodes:
            node.start()
        count = len(self.primaries)
        for number, node in enumerate(self.primaries):
            low, high = SLOTS * number // count, SLOTS * (number + 1) // count - 1
            self.ask(node, "CLUSTER", "ADDSLOTSRANGE", low, high)
            self.ask(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        self._meet(*self.nodes[1:])
        for primary, replica in zip(self.primaries, self.replicas, strict=False):
            self.ask(replica, "CLUSTER", "REPLICATE", str(self.ask(primary, "CLUSTER", "MYID")))
        self.wait_until_whole()

    def add_node(self, *, replica: bool = False) -> StoreProcess:
        """Start one more node, which holds no slots yet, and a replica of it; return it when all nodes know it."""
        node = cluster_node(timeout_ms=self.node_timeout_ms)
        node.start()
        self.primaries.append(node)
        self._meet(node)
        if replica:
            follower = cluster_node(timeout_ms=self.node_timeout_ms)
            follower.start()
            self.replicas.append(follower)
            self._meet(follower)
            self.ask(follower, "CLUSTER", "REPLICATE", self._id(node))
        self.wait_until_whole()
        return node

    def _meet(self, *nodes: StoreProcess) -> None:
        first = self.primaries[0]
        for node in nodes:
            self.ask(node, "CLUSTER", "MEET", "127.0.0.1", first.public_port, self._bus(first))
        self._until(lambda node: f"cluster_known_nodes:{len(self.nodes)}" in str(self.ask(node, "CLUSTER", "INFO")))

    @staticmethod
    def _bus(node: StoreProcess) -> int:
        options = node.options
        return int(options[options.index("--cluster-port") + 1])

    def wait_until_whole(self) -> None:
        """Return when every node sees all slots served, and every replica follows."""
        self._until(lambda node: "cluster_state:ok" in str(self.ask(node, "CLUSTER", "INFO")))
        for node in self.nodes:
            if "role:slave" in str(self.ask(node, "INFO", "replication")):
                self._until(lambda one: "master_link_status:up" in str(self.ask(one, "INFO", "replication")), [node])

    def _until(self, holds: Callable[[StoreProcess], object], nodes: list[StoreProcess] | None = None) -> None:
        for node in nodes or self.nodes:
            until(partial(holds, node), partial(self.ask, node, "CLUSTER", "NODES"), seconds=READY_TIMEOUT_S)

    def holder(self, key: str) -> StoreProcess:
        """Return the node that holds a key; while one takes another's place there may be none for a moment."""
        slot = int(str(self.ask(self.alive(), "CLUSTER", "KEYSLOT", key)))

        def holder_now() -> StoreProcess | None:
            answer = self.ask(self.alive(), "CLUSTER", "SLOTS")
            assert isinstance(answer, list)
            ports = [owner[1] for first, last, owner, *_ in answer if first <= slot <= last]
            return next((node for node in self.nodes if node.port in ports), None)

        found = until(holder_now, lambda: self.ask(self.alive(), "CLUSTER", "NODES"), seconds=READY_TIMEOUT_S)
        assert found is not None
        return found

    # Moving a slot, as operators' tools do.

    def begin_move(self, slot: int, old: StoreProcess, new: StoreProcess) -> None:
        """Tell both nodes that a slot is on its way."""
        self.ask(new, "CLUSTER", "SETSLOT", slot, "IMPORTING", self._id(old))
        self.ask(old, "CLUSTER", "SETSLOT", slot, "MIGRATING", self._id(new))

    def move_keys(self, old: StoreProcess, new: StoreProcess, keys: list[str]) -> None:
        """Move some keys."""
        self.ask(old, "MIGRATE", "127.0.0.1", new.port, "", 0, 10_000, "KEYS", *keys)

    def move_slot(self, slot: int, old: StoreProcess, new: StoreProcess) -> int:
        """Move a whole slot; return how many keys went with it."""
        self.begin_move(slot, old, new)
        moved = 0
        with redis.Redis(port=old.port, socket_timeout=scaled(15), decode_responses=True) as client:
            while keys := self.names(client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 20)):
                client.execute_command("MIGRATE", "127.0.0.1", new.port, "", 0, 10_000, "KEYS", *keys)
                moved += len(keys)
        for node in (new, old, *self.nodes):
            if node.runs:
                try:
                    self.ask(node, "CLUSTER", "SETSLOT", slot, "NODE", self._id(new))
                except redis.ResponseError:
                    continue  # a replica learns it from its primary
        return moved

    def migrate_slot(self, slot: int, old: StoreProcess, new: StoreProcess) -> int:
        """Have the nodes move a whole slot by themselves; return how many keys it had when that began.

        Source: https://valkey.io/commands/cluster-migrateslots/
        """
        keys = int(str(self.ask(old, "CLUSTER", "COUNTKEYSINSLOT", slot)))
        self.ask(old, "CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", self._id(new))

        def told() -> str:
            return str(self.ask(old, "CLUSTER", "GETSLOTMIGRATIONS"))

        until(lambda: any(word in told() for word in ("success", "failed")), told, seconds=READY_TIMEOUT_S)
        assert "failed" not in told(), told()
        return keys

    @staticmethod
    def names(answer: object) -> list[str]:
        """Return an answer that is a list."""
        assert isinstance(answer, list)
        return answer

    def _id(self, node: StoreProcess) -> str:
        return str(self.ask(node, "CLUSTER", "MYID"))

    # Losing a node.

    def replica_of(self, node: StoreProcess) -> StoreProcess:
        """Return a replica that follows a node, which the node may learn only now."""
        mine = self._id(node)

        def replica_now() -> StoreProcess | None:
            for line in str(self.ask(node, "CLUSTER", "NODES")).splitlines():
                _, address, flags, primary, *_ = line.split()
                if primary == mine and "slave" in flags and "fail" not in flags:
                    port = int(address.partition("@")[0].rpartition(":")[2])
                    return next((one for one in self.nodes if one.port == port), None)
            return None

        found = until(replica_now, lambda: self.ask(node, "CLUSTER", "NODES"), seconds=READY_TIMEOUT_S)
        assert found is not None
        return found

    def confirm(self, node: StoreProcess, root: str) -> None:
        """Return when a replica has all that a node has acknowledged so far."""
        with redis.Redis(port=node.port, socket_timeout=scaled(10)) as client:
            client.set(f"{root}confirmed", "1")
            assert client.wait(1, int(scaled(5_000))) >= 1

    @contextmanager
    def stopped(self, node: StoreProcess) -> Iterator[None]:
        """Have a node stand still around the body: it stays connected, and takes nothing."""
        node.freeze()
        try:
            yield
        finally:
            node.thaw()

    def start_again(self, node: StoreProcess) -> None:
        """Start a node that died, and return when all slots are served."""
        node.start()
        self.wait_until_whole()

    def forbid_failover(self, node: StoreProcess) -> None:
        """Let no replica take a node's place, so that its slots are without an owner while it is away."""
        mine = self._id(node)
        for one in self.nodes:
            if one is not node and mine in str(self.ask(one, "CLUSTER", "NODES")).split("myself", 1)[-1].split("\n")[0]:
                self.ask(one, "CONFIG", "SET", "cluster-replica-no-failover", "yes")

    def alive(self) -> StoreProcess:
        """Return a node that runs."""
        running = [one for one in self.nodes if one.runs]
        assert running, "every node has ended"  # not `next`: a thread cannot hand StopIteration on, and is waited for
        return running[0]

    def close(self) -> None:
        """End all nodes."""
        for node in self.nodes:
            node.close()


@contextmanager
def running_cluster(primaries: int = 3, *, replicas: bool = True, node_timeout_ms: int = 0) -> Iterator[StoreCluster]:
    """Run a cluster around the body; `node_timeout_ms`: 0: as this machine allows."""
    cluster = StoreCluster(primaries, replicas=replicas, node_timeout_ms=node_timeout_ms)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()
