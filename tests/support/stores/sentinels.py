"""A primary with two replicas, and three sentinels that watch it, all with passwords."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from support.store import Certificates, StoreProcess, binary
from support.timeouts import scaled
from support.waiting import until
from tidings.process.port import free_port

NAME = "orders-store"
PASSWORD = "hush/primary"  # noqa: S105 - of tests
SENTINEL_PASSWORD = "hush/sentinel"  # noqa: S105 - of tests

DOWN_MS = 1_000
"""After which silence a sentinel takes the primary for down, at least."""

FOLLOWABLE = ("--masterauth", PASSWORD, "--repl-diskless-sync-delay", "0")
"""Options of every store, as each may come to follow another."""

READY_TIMEOUT_S = 30.0


class SentinelProcess:
    """One sentinel."""

    def __init__(self, primary: int, down_ms: int, tls: Certificates | None = None) -> None:
        self.port = free_port()
        self.public_port = free_port() if tls else self.port
        """Where clients and other sentinels reach it."""
        self._folder = tempfile.TemporaryDirectory(prefix="tidings-sentinel-")
        configuration = Path(self._folder.name, "sentinel.conf")
        configuration.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self._folder.name}\n"
            f'requirepass "{SENTINEL_PASSWORD}"\nsentinel sentinel-pass "{SENTINEL_PASSWORD}"\n'
            f"sentinel monitor {NAME} 127.0.0.1 {primary} 2\n"
            f'sentinel auth-pass {NAME} "{PASSWORD}"\n'
            f"sentinel down-after-milliseconds {NAME} {down_ms}\n"
            f"sentinel failover-timeout {NAME} {int(scaled(6_000))}\n"
            f"sentinel parallel-syncs {NAME} 2\n"
        )
        options, program = ([], binary())
        if tls is not None:
            options, program = ["--tls-port", str(self.public_port), *tls.options], "redis-server"
        self.process = subprocess.Popen(
            [program, str(configuration), "--sentinel", *options], stdout=subprocess.DEVNULL
        )

    def ask(self, *question: str) -> object:
        """Return what it answers to a command `SENTINEL …`."""
        with redis.Redis(
            port=self.port, password=SENTINEL_PASSWORD, socket_timeout=scaled(5), decode_responses=True
        ) as client:
            return client.execute_command("SENTINEL", *question)

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait(scaled(10))
        self._folder.cleanup()


class Watched:
    """The stores, and the sentinels that watch them."""

    def __init__(self, down_ms: int = 0, *, tls: Certificates | None = None) -> None:
        self._down_ms = down_ms or int(scaled(DOWN_MS))
        self._tls = tls
        primary = StoreProcess(*FOLLOWABLE, password=PASSWORD, tls=tls)
        self.stores = [primary]
        for _ in range(2):
            follows = ("--replicaof", f"127.0.0.1 {primary.public_port}")
            self.stores.append(StoreProcess(*FOLLOWABLE, *follows, password=PASSWORD, tls=tls))
        self.sentinels: list[SentinelProcess] = []

    @property
    def url(self) -> str:
        """The store's address by its sentinels."""
        listed = ",".join(f"127.0.0.1:{one.public_port}" for one in self.sentinels)
        return self.url_of(listed)

    def url_of(self, sentinels: str, *, name: str = NAME, more: str = "") -> str:
        """Return the store's address by some sentinels."""
        own = SENTINEL_PASSWORD.replace("/", "%2F")
        scheme = "rediss" if self._tls else "redis"
        return f"{scheme}+sentinel://:{PASSWORD.replace('/', '%2F')}@{sentinels}/{name}/0?sentinel_password={own}{more}"

    def client(self, store: StoreProcess) -> "redis.Redis":
        """Return a client of one of the stores."""
        return redis.Redis(port=store.port, password=PASSWORD, socket_timeout=scaled(5))

    @property
    def primary(self) -> StoreProcess:
        """The store that the sentinels name."""
        answer = self.sentinels[0].ask("GET-MASTER-ADDR-BY-NAME", NAME)
        assert isinstance(answer, list)
        (found,) = [one for one in self.stores if one.public_port == int(answer[1])]
        return found

    def start(self) -> None:
        """Start all, and return when the sentinels could do without the primary."""
        for store in self.stores:
            store.start()
        self.sentinels = [SentinelProcess(self.stores[0].public_port, self._down_ms, self._tls) for _ in range(3)]
        self.wait_until_whole()

    def wait_until_another_leads(self, first: StoreProcess) -> None:
        """Return when the sentinels name another primary than `first`, which follows it by then."""
        until(lambda: self.primary is not first, lambda: self.sentinels[0].ask("MASTERS"), seconds=READY_TIMEOUT_S)
        self.wait_until_whole()

    def confirm(self) -> None:
        """Return when both replicas have all that the primary has acknowledged so far."""
        with self.client(self.primary) as client:
            client.set("confirmed", "1")
            assert client.wait(2, int(scaled(5_000))) == 2

    def wait_until_whole(self) -> None:
        """Return when two replicas follow the primary, and every sentinel sees both and the two other sentinels."""
        until(
            lambda: all(map(self._sees_all, self.sentinels)) and self._followers() == 2,
            lambda: [one.ask("REPLICAS", NAME) for one in self.sentinels],
            seconds=READY_TIMEOUT_S,
        )

    def _followers(self) -> int:
        try:
            with self.client(self.primary) as client:
                told = client.info("replication")
        except redis.RedisError:
            return 0
        return sum(told.get(f"slave{number}", {}).get("state") == "online" for number in range(2))

    @staticmethod
    def _sees_all(sentinel: SentinelProcess) -> bool:
        try:
            known, replicas = sentinel.ask("MASTER", NAME), sentinel.ask("REPLICAS", NAME)
        except redis.RedisError:
            return False
        assert isinstance(known, dict)
        assert isinstance(replicas, list)
        up = [one for one in replicas if one["flags"] == "slave"]
        return known["flags"] == "master" and known["num-other-sentinels"] == "2" and len(up) == 2

    def bring_back(self, store: StoreProcess) -> None:
        """Start a store that died, as a replica of the primary, and return when all is as at the beginning."""
        store.start()
        self.demote(store)

    def demote(self, store: StoreProcess) -> None:
        """Make a former primary a replica, as sentinels would ten seconds later; return when all is as at first."""
        with self.client(store) as client:
            client.execute_command("REPLICAOF", "127.0.0.1", self.primary.port)
        self.wait_until_whole()

    def close(self) -> None:
        """End all."""
        for sentinel in self.sentinels:
            sentinel.close()
        for store in self.stores:
            store.close()


@contextmanager
def watched_store(down_ms: int = 0, *, tls: Certificates | None = None) -> Iterator[Watched]:
    """Run a primary, its replicas and its sentinels around the body; `down_ms`: 0: as this machine allows."""
    watched = Watched(down_ms, tls=tls)
    try:
        watched.start()
        yield watched
    finally:
        watched.close()
