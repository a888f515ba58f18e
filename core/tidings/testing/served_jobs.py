"""The jobs that a test names: modules, names and paths of modules, or single jobs."""

import copy
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tidings.job import Job

from .testing_errors import TestingError

JobSource = Job[Any, Any] | ModuleType | str


def served_jobs(sources: Sequence[JobSource]) -> list[Job[Any, Any]]:
    """Return the jobs, ready to be served in this process.

    A plain function that wants a process of its own (`run_in="process"`) runs in a thread.

    Raises:
        TestingError: there are none, or one of the sources is none.
        LoadError: a module cannot be loaded, or what it holds cannot be served.

    """
    from tidings_worker.loading.loader import load_jobs  # noqa: PLC0415 - the extra `worker`

    if not sources:
        raise TestingError("name the jobs: a module (`World(jobs)`), its path, or single jobs (`World(send, resend)`)")
    found: dict[str, Job[Any, Any]] = {}
    for source in sources:
        for job in _jobs_of(source, load_jobs):
            if found.setdefault(job.kind, job) is not job:
                raise TestingError(f"the kind {job.kind!r} is there twice: a world serves one handler of a kind")
    return [_in_this_process(job) for job in found.values()]


def _jobs_of(source: JobSource, load: Any) -> list[Job[Any, Any]]:
    match source:
        case Job():
            return [source]
        case ModuleType():
            jobs = [value for value in vars(source).values() if isinstance(value, Job)]
            if not jobs:
                raise TestingError(f"the module {source.__name__} holds no jobs: decorate a function with `@job`")
            return jobs
        case str():
            loaded: list[Job[Any, Any]] = load([source])
            return loaded
    raise TestingError(f"{source!r} is no job: name a module, its path, or a function under `@job`")


def _in_this_process(job: Job[Any, Any]) -> Job[Any, Any]:
    if job.mode != "process":
        return job
    here = copy.copy(job)
    here.mode = "thread"
    return here
