"""Running a worker process."""

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable

import anyio
import structlog

from tidings.metrics.metrics_server import listen
from tidings.process import allocator_tuning, gc_tuning
from tidings.process.close_bound import CloseBound
from tidings.process.unknown_variables import log_unknown_variables
from tidings.store.requirements.start_check import require_store

from . import fork
from .loading.loader import load_modules
from .loading.schema_check import check_with_store
from .settings import WorkerSettings
from .webhook.delivery_proxies import environment_proxies
from .webhook.webhook_worker import WebhookWorker
from .worker import Worker

log = structlog.get_logger()

TASKS_END_WITHIN_S = 1.0
"""How long tasks that handlers have left in the loop may take to end, after the worker's own tasks have."""


def run(settings: WorkerSettings) -> None:
    """Work until a signal asks to stop.

    Raises:
        LoadError: a module cannot be loaded, or holds no jobs.
        LifespanError: a lifespan cannot be entered.
        ListenError: the port for metrics cannot be listened on.
        SchemaRefusedError: a changed kind breaks what is queued, or its clients.
        ProxyError: deliveries are to take the proxies of the environment, and it names one that they cannot take.
        StoreUnavailableError: no store answers; its one line says what to do.
        StoreUnsuitableError: the store is not what the settings need; a line for each reason.

    """
    log_unknown_variables()
    environment_proxies(wanted=settings.webhooks and settings.webhook_proxies)
    if settings.webhooks and not settings.modules:
        asyncio.run(require_store(settings))
        listening = listen(settings.metrics_host, settings.metrics_port) if settings.metrics_port else None
        _run_loop(WebhookWorker(settings, listening).run)
        return
    loaded = load_modules(settings.modules)
    records = [job.record() for job in loaded.jobs]
    asyncio.run(require_store(settings))
    asyncio.run(check_with_store(settings, records))
    listening = listen(settings.metrics_host, settings.metrics_port) if settings.metrics_port else None
    worker = Worker(settings, loaded.jobs, listening, loaded.lifespans, handlers=loaded.handlers)
    _run_loop(lambda: _work(worker))
    _leave_stuck_threads()


def _run_loop(work: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine in a loop of its own, which then has a bounded time to close."""
    bound = CloseBound()

    async def within_bound() -> None:
        with bound:
            await work()

    try:
        anyio.run(within_bound, backend_options={"use_uvloop": True})
    finally:
        bound.lift()


async def _work(worker: Worker) -> None:
    fork.watch()
    gc_tuning.freeze_startup_objects()
    allocator_tuning.keep_freed_memory()
    await worker.run()
    worker.close()
    await _leave_stuck_tasks()


async def _leave_stuck_tasks() -> None:
    """End the process now, if tasks of handlers do not end when they are cancelled: the loop would wait for them."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        _, stuck = await asyncio.wait(left, timeout=TASKS_END_WITHIN_S)
        if stuck:
            log.warning("handlers_left", handlers=len(stuck))
            _end_now()


def _leave_stuck_threads() -> None:
    """End the process now, if plain functions still run that did not stop when their context asked them to.

    The outcomes of their attempts have been reported long since; the interpreter would wait for their threads.
    """
    stuck = [one.name for one in threading.enumerate() if one is not threading.main_thread() and not one.daemon]
    if stuck:
        log.warning("threads_left", threads=len(stuck))
        _end_now()


def _end_now() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
