"""Running a worker process."""

import asyncio
import os
import sys
import threading

import anyio
import structlog

from tidings.broker.connection import check_store

from .loader import load_jobs
from .settings import WorkerSettings
from .worker import Worker

log = structlog.get_logger()


def run(settings: WorkerSettings) -> None:
    """Work until a signal says otherwise.

    Raises:
        LoadError: a module cannot be loaded, or holds no jobs.
        StoreUnavailableError: no store answers; with one line that says what to do.

    """
    jobs = load_jobs(settings.modules)
    asyncio.run(check_store(settings.store_url))
    anyio.run(Worker(settings, jobs).run, backend_options={"use_uvloop": True})
    _leave_stuck_threads()


def _leave_stuck_threads() -> None:
    """End now, if plain functions that did not stop when they were told still run.

    Their attempts have been recorded or handed back long since; the interpreter would wait for them.
    """
    stuck = [one.name for one in threading.enumerate() if one is not threading.main_thread() and not one.daemon]
    if stuck:
        log.warning("threads_left", threads=len(stuck))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
