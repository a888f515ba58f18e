"""Real workers with handlers of events, and what the handlers noted."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.peer import Peer, peer
from support.system import System, WorkerProcess, running_system
from support.waiting import until, until_async

HERE = Path(__file__).parent
KINDS = str(HERE / "order_kinds.py")
HANDLERS = str(HERE / "order_handlers.py")

Note = dict[str, Any]


class Fleet:
    """A system whose jobs one worker serves, and others the handlers of their events."""

    def __init__(self, system: System, notes: Path) -> None:
        self.system = system
        self.notes = notes

    def start(self, **environment: str) -> WorkerProcess:
        """Start a worker that serves the handlers and no kind."""
        environment = {"TIDINGS_LEASE_S": "3", "TIDINGS_HEARTBEAT_S": "1", **environment}
        return self.system.add_worker(HANDLERS, TEST_NOTES=str(self.notes), **environment)

    def ready(self, worker: WorkerProcess, groups: int = 4) -> WorkerProcess:
        """Return a worker when its groups take events in the queues that there are."""
        until(lambda: worker.text().count("group_ready") >= groups, worker.text, process=worker.process)
        return worker

    def noted(self, **wanted: Any) -> list[Note]:
        """Return the notes whose members are as wanted, in order."""
        lines = [json.loads(line) for line in self.notes.read_text().splitlines()] if self.notes.exists() else []
        return [line for line in lines if all(line[name] == value for name, value in wanted.items())]

    async def until(self, count: int = 1, **wanted: Any) -> list[Note]:
        """Return such notes when there are so many."""
        return await until_async(lambda: self.noted(**wanted), lambda found: len(found) >= count, seconds=20)

    async def end(self, kind: str = "order.placed", **input_: Any) -> str:
        """Have a job end, and return its token."""
        async with peer(self.system.server.socket_url) as client:
            return await run(client, kind, **input_)


async def run(client: Peer, kind: str, **input_: Any) -> str:
    events = await client.run(kind, input_)
    return str(events[-1]["token"])


@contextmanager
def running_fleet(folder: Path) -> Iterator[Fleet]:
    with running_system(servers=0, workers=0) as system:
        system.add_worker(KINDS)
        system.add_server()
        yield Fleet(system, folder / "notes")


def stop(worker: WorkerProcess) -> None:
    """Ask a worker to leave, and wait until it has."""
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.text()
