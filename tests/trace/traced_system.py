"""A system whose processes send their traces to a collector."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.handlers import trace_kinds
from support.store import running_store
from support.system import System

KINDS = str(Path(str(trace_kinds.__file__)))


@contextmanager
def traced_system(url: str, **environment: str) -> Iterator[System]:
    """Run a system around the body that sends its traces to `url`."""
    collected = {
        "TIDINGS_TRACES": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "TIDINGS_PROCESSES": "1",
        **environment,
    }
    with running_store() as store:
        system = System(store)
        try:
            system.add_worker(KINDS, **collected)
            system.add_server(**collected)
            yield system
        finally:
            system.close()


def stop(system: System) -> None:
    """Have all processes leave, in good order."""
    processes = (*system.workers, *system.servers)
    for process in processes:
        process.signal(signal.SIGTERM)
    for process in processes:
        assert process.wait(30) == 0, process.text()
