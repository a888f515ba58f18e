"""The jobs that a test names: modules, names and paths of modules, or single jobs; each with its lifespan."""

import copy
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from tidings.declare.job import Job
from tidings.resources.dependency_plan import Overrides
from tidings.resources.lifespan import Lifespan, LifespanDefinitionError

from .extras import extras
from .testing_errors import TestingError

if TYPE_CHECKING:
    from tidings_worker.loading.module_lifespans import ModuleJobs

JobSource = Job[Any, Any] | ModuleType | str

NOT_GIVEN: Any = object()
"""Stands where a test gives no state of its own: None may be one."""


class ServedJobs(NamedTuple):
    """What the workers of a test serve."""

    jobs: list[Job[Any, Any]]
    lifespans: list[Lifespan[Any]]
    """In the order in which each worker enters them."""


def served_jobs(sources: Sequence[JobSource], state: Any = NOT_GIVEN, overrides: Overrides | None = None) -> ServedJobs:
    """Return the jobs, ready to be served in this process.

    A plain function that wants a process of its own (`run_in="process"`) runs in a thread.

    Args:
        sources: where they are.
        state: what `ctx.state` is; then no lifespan is entered.
        overrides: dependency → the function that stands for it.

    Raises:
        TestingError: there are none, or one of the sources is none.
        DependencyDefinitionError: a function cannot stand for a dependency.
        LoadError: a module cannot be loaded, or what it holds cannot be served.

    """
    with extras("tidings.testing"):
        from tidings_worker.loading.loader import LoadError  # noqa: PLC0415 - the extra `worker`
        from tidings_worker.loading.module_lifespans import with_lifespans  # noqa: PLC0415

    if not sources:
        raise TestingError("name the jobs: a module (`World(jobs)`), its path, or single jobs (`World(send, resend)`)")
    served = [_jobs_of(source) for source in sources]
    _check_kinds_differ(served)
    try:
        jobs, lifespans = with_lifespans(served)
    except LifespanDefinitionError as error:
        raise LoadError(str(error)) from None
    ready = [for_test(job, state, overrides) for job in jobs.values()]
    return ServedJobs(ready, lifespans if state is NOT_GIVEN else [])


def for_test(job: Job[Any, Any], state: Any, overrides: Overrides | None) -> Job[Any, Any]:
    """Return a job as a test runs it: in this process, with the state and the dependencies that the test gives."""
    ready = copy.copy(job)
    if job.mode == "process":
        ready.mode = "thread"
    if overrides:
        ready = ready.overriding(overrides)
    return ready if state is NOT_GIVEN else ready.with_state(state)


def _jobs_of(source: JobSource) -> "ModuleJobs":
    if isinstance(source, Job):
        return sys.modules[source.function.__module__], [source]
    if isinstance(source, str):
        from tidings_worker.loading.loader import load_module  # noqa: PLC0415

        source = load_module(source)
    if not isinstance(source, ModuleType):
        raise TestingError(f"{source!r} is no job: name a module, its path, or a function under `@job`")
    jobs = [value for value in vars(source).values() if isinstance(value, Job)]
    if not jobs:
        raise TestingError(f"the module {source.__name__} holds no jobs: decorate a function with `@job`")
    return source, jobs


def _check_kinds_differ(served: "Sequence[ModuleJobs]") -> None:
    found: dict[str, Job[Any, Any]] = {}
    for _, jobs in served:
        for job in jobs:
            if found.setdefault(job.kind, job) is not job:
                raise TestingError(f"the kind {job.kind!r} is there twice: a test serves one handler of a kind")
