"""Running a worker process."""

import asyncio

import anyio

from tidings.broker.connection import check_store

from .loader import load_jobs
from .settings import WorkerSettings
from .worker import Worker


def run(settings: WorkerSettings) -> None:
    """Work until a signal says otherwise.

    Raises:
        LoadError: a module cannot be loaded, or holds no jobs.
        StoreUnavailableError: no store answers; with one line that says what to do.

    """
    jobs = load_jobs(settings.modules)
    asyncio.run(check_store(settings.store_url))
    anyio.run(Worker(settings, jobs).run, backend_options={"use_uvloop": True})
