"""The system as its users run it: real server and worker processes on a real store."""

import json
import os
import signal
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal, Self

import pytest

from support.store import StoreProcess, running_store
from support.tidings_command import start_tidings
from support.timeouts import scaled
from support.waiting import until
from tidings.process.port import free_port

JOBS = Path(__file__).with_name("kinds.py")
START_TIMEOUT_S = 20.0


class Process:
    """A `tidings` command as a child process; its output goes to a file that is shown on failure."""

    def __init__(self, name: str, *arguments: str, **environment: str) -> None:
        self.name = name
        self.output = tempfile.NamedTemporaryFile("w+", prefix=f"{name}-", suffix=".log")  # noqa: SIM115
        self.process = start_tidings(
            *arguments,
            environment={**os.environ, "TIDINGS_LOG_FORMAT": "json", **environment},
            stdout=self.output,
            stderr=self.output,
        )

    def text(self) -> str:
        """Return what it printed so far."""
        return Path(self.output.name).read_text()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def wait(self, timeout: float = 15) -> int:
        """Return its exit code, which must come within so many seconds, scaled."""
        return self.process.wait(scaled(timeout))

    def close(self) -> None:
        """End it, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(scaled(10))
        self.output.close()


class ServerProcess(Process):
    """A push server on a free port."""

    def __init__(self, store_url: str, credential: str = "", *flags: str, **environment: str) -> None:
        self.credential = credential
        """What its own questions are asked with; empty: nothing."""
        self.port = int(environment.pop("TIDINGS_PORT", "0")) or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.socket_url = f"ws://127.0.0.1:{self.port}/v1/socket"
        super().__init__(
            "server",
            "serve",
            *flags,
            TIDINGS_STORE_URL=store_url,
            TIDINGS_PORT=str(self.port),
            TIDINGS_DRAIN_S=environment.pop("TIDINGS_DRAIN_S", "1"),
            **environment,
        )

    def get(self, path: str) -> tuple[int, Any]:
        """Return status and JSON of a GET; status 0 if nothing answers."""
        headers = {"authorization": f"Bearer {self.credential}"} if self.credential else {}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(self.url + path, headers=headers), timeout=scaled(5)
            ) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except OSError:
            return 0, None

    def wait_until_ready(self, kinds: int = 0) -> Self:
        """Return when it is ready, and knows at least so many kinds."""

        def ready() -> bool:
            return self.get("/readyz")[0] == 200 and len(self.get("/v1/kinds")[1]["kinds"]) >= kinds

        until(ready, self.text, seconds=START_TIMEOUT_S, process=self.process)
        return self


class WorkerProcess(Process):
    """A worker that serves the kinds of `support/kinds.py`."""

    def __init__(self, store_url: str, *modules: str, **environment: str) -> None:
        super().__init__("worker", "work", *(modules or (str(JOBS),)), TIDINGS_STORE_URL=store_url, **environment)


@contextmanager
def running_worker(store_url: str, *modules: str, **environment: str) -> Iterator[WorkerProcess]:
    """Run a worker around the body."""
    with closing(WorkerProcess(store_url, *modules, **environment)) as worker:
        yield worker


@contextmanager
def running_server(store_url: str, *, kinds: int = 0, **environment: str) -> Iterator[ServerProcess]:
    """Run a server around the body, which begins when it is ready and knows so many kinds."""
    with closing(ServerProcess(store_url, **environment)) as server:
        yield server.wait_until_ready(kinds)


class System:
    """A store, servers and workers that belong together."""

    def __init__(self, store: StoreProcess) -> None:
        self.store = store
        self.servers: list[ServerProcess] = []
        self.workers: list[WorkerProcess] = []

    @property
    def server(self) -> ServerProcess:
        """The first server."""
        return self.servers[0]

    def add_server(self, credential: str = "", **environment: str) -> ServerProcess:
        """Start one more server, and return it when it is ready and knows the kinds."""
        server = ServerProcess(self.store.url, credential, **environment)
        self.servers.append(server)
        return server.wait_until_ready(kinds=1 if self.workers else 0)

    def add_worker(self, *modules: str, **environment: str) -> WorkerProcess:
        """Start one more worker."""
        worker = WorkerProcess(self.store.url, *modules, **environment)
        self.workers.append(worker)
        return worker

    def close(self) -> None:
        """End all processes but the store."""
        for process in [*self.workers, *self.servers]:
            process.close()


@contextmanager
def running_system(servers: int = 1, workers: int = 1, **environment: str) -> Iterator[System]:
    """Run a system around the body."""
    with running_store() as store:
        system = System(store)
        try:
            for _ in range(workers):
                system.add_worker(**environment)
            for _ in range(servers):
                system.add_server(**environment)
            yield system
        finally:
            system.close()


InFolder = Callable[[Path], str]
"""Returns a setting, or the path of a file of handlers, that has to do with a folder of the tests' own."""


def written(source: str) -> InFolder:
    """Return what writes a file of handlers into a folder, for `system_fixture`."""

    def write(folder: Path) -> str:
        path = folder / "jobs.py"
        path.write_text(source)
        return str(path)

    return write


def system_fixture(
    *kinds: str | InFolder,
    scope: Literal["function", "module", "session"] = "module",
    servers: int = 1,
    workers: int = 1,
    credential: Callable[[], str] = str,
    worker: Mapping[str, str | InFolder] | None = None,
    server: Mapping[str, str] | None = None,
    both: Mapping[str, str] | None = None,
    **environment: str,
) -> Any:
    """Return a fixture: a store, workers and servers that the tests of a module share. Name it `system`.

    Args:
        kinds: files of handlers that the workers load, or `written(source)`; none: those of `support/kinds.py`.
        scope: `function`: each test has a system of its own.
        servers: how many servers there are.
        workers: how many workers there are.
        credential: returns what the servers' readiness is asked with, made when they start: it may run out.
        worker: settings of the workers alone, as variables of the environment; a function gets an empty folder.
        server: settings of the servers alone.
        both: settings of workers and servers.
        environment: the same, by their names.

    """
    environment |= both or {}

    @pytest.fixture(scope=scope)
    def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
        def placed(one: str | InFolder) -> str:
            return one if isinstance(one, str) else one(tmp_path_factory.mktemp("system"))

        files = [placed(one) for one in kinds]
        settings = environment | {name: placed(one) for name, one in (worker or {}).items()}
        with running_system(0, 0) as system:
            for _ in range(workers):
                system.add_worker(*files, **settings)
            for _ in range(servers):
                system.add_server(credential(), **environment, **(server or {}))
            yield system

    return system
