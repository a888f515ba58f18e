"""The stand-in for a model, and kinds that ask it, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from support.system import System, running_system
from support.web.site import SiteProcess

ROOT = Path(__file__).parents[2]
KINDS = str(ROOT / "tests" / "support" / "handlers" / "model_kinds.py")
QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2"}
NUMBERS = "".join(f"{number}, " for number in range(20))
"""In the middle of each answer."""


class StandIn:
    """The stand-in, a server and a worker."""

    def __init__(self, system: System, model: SiteProcess) -> None:
        self.system = system
        self.model = model
        self.work()
        system.add_server(**QUICK)

    def work(self) -> None:
        """Start a worker."""
        self.system.add_worker(KINDS, MODEL_URL=self.model.url, **QUICK)

    def calls_of(self, question: str) -> dict[int, int]:
        """Return how often the model was asked a question: number of messages → calls."""
        found = httpx.get(f"{self.model.url}/calls").json()
        return {int(key.split()[0]): count for key, count in found.items() if key.partition(" ")[2] == question}


@contextmanager
def running_standin() -> Iterator[StandIn]:
    """Run it around the body."""
    command = ("uvicorn", "model_server:app", "--port", "PORT")
    model = SiteProcess(ROOT / "examples" / "chat", *command, MODEL_PAUSE_S="0.02", MODEL_WORDS="20")
    try:
        model.wait_until_ready()
        with running_system(servers=0, workers=0) as system:
            yield StandIn(system, model)
    finally:
        model.close()
