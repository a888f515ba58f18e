"""What authors of jobs need for their tests: one job alone, or a world of jobs by a clock that stands still.

Nothing is loaded before a test uses it: neither pytest, nor a server, nor a worker.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .alone.replay_verdict import ReplayVerdict, SagaReplay
    from .real_server import TestServer
    from .replays import replay
    from .single_run import JobRun, RunStep, run
    from .testing_errors import TestingError, WorldStuckError
    from .world import World
    from .world_job import WorldJob

__all__ = [
    "JobRun", "ReplayVerdict", "RunStep", "SagaReplay", "TestServer", "TestingError", "World", "WorldJob",
    "WorldStuckError", "replay", "run",
]  # fmt: skip

_MODULES = {
    "JobRun": "single_run",
    "ReplayVerdict": "alone.replay_verdict",
    "RunStep": "single_run",
    "SagaReplay": "alone.replay_verdict",
    "TestServer": "real_server",
    "TestingError": "testing_errors",
    "World": "world",
    "WorldJob": "world_job",
    "WorldStuckError": "testing_errors",
    "replay": "replays",
    "run": "single_run",
}
"""Where each name stands."""


def __getattr__(name: str) -> Any:
    """Load what a test asks for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
