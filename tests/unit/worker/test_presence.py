"""In which order a worker leaves."""

from types import SimpleNamespace
from typing import Any, cast

from tidings_worker.presence import Presence
from tidings_worker.timing import REAL_TIMING


class Recorder:
    """Stands for the registry and for a queue, and notes what is asked of them."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def deregister(self, worker: str) -> None:
        self.asked.append(f"deregister {worker}")

    async def leave(self) -> None:
        self.asked.append("leave")


async def test_a_worker_leaves_its_groups_behind_an_answer_of_the_store() -> None:
    recorder = Recorder()
    identity: Any = SimpleNamespace(id="w", settings=None, jobs={}, timing=REAL_TIMING)
    presence = Presence(identity, cast("Any", {"default": recorder}), cast("Any", recorder), cast("Any", None))
    await presence.leave()
    assert recorder.asked == ["deregister w", "leave"]
