"""Loading the modules in which users define their jobs."""

from collections.abc import Iterable
from types import ModuleType
from typing import Any, NamedTuple

from tidings.circuit.breaker import definitions_of
from tidings.consumer.event_handler import EventHandler
from tidings.declare.job import Job
from tidings.resources.lifespan import Lifespan, LifespanDefinitionError

from .event_handlers import handlers_in, handlers_with_lifespans
from .hint_checks import warn_of_missing_hints
from .import_faults import import_fault
from .kind_checks import check_kinds
from .module_lifespans import ModuleJobs, with_lifespans
from .users_modules import UsersModuleError, import_users


class LoadError(Exception):
    """A module cannot be loaded, or holds no jobs; the text says which and why."""


class ServedModules(NamedTuple):
    """What a worker serves."""

    jobs: list[Job[Any, Any]]
    """Each with its lifespan."""
    lifespans: list[Lifespan[Any]]
    """In the order in which a process enters them."""
    handlers: list[EventHandler]
    """Of events, each with its lifespan."""


def load_jobs(modules: Iterable[str]) -> list[Job[Any, Any]]:
    """Return the jobs of some modules; see `load_modules`."""
    return load_modules(modules).jobs


def load_modules(modules: Iterable[str]) -> ServedModules:
    """Load some modules, each a dotted name or the path of a Python file, and return what a worker serves of them.

    Raises:
        LoadError: one cannot be loaded, or holds no job, no handler of events and no lifespan; two jobs have the same
            kind, two breakers the same name or two handlers of a group the same events; a module has two lifespans, a
            fallback cannot work, or a server could not use a kind.

    """
    served = _import_all(modules)
    try:
        jobs, lifespans = with_lifespans(served)
        handlers, lifespans = handlers_with_lifespans([module for module, _ in served], lifespans)
        check_kinds(jobs.values())
        definitions_of([*(job.policy.breaker for job in jobs.values()), *(one.policy.breaker for one in handlers)])
    except (ValueError, LifespanDefinitionError) as error:
        raise LoadError(str(error)) from None
    warn_of_missing_hints(jobs.values())
    return ServedModules(list(jobs.values()), lifespans, handlers)


def _import_all(modules: Iterable[str]) -> list[ModuleJobs]:
    served: list[ModuleJobs] = []
    jobs: dict[str, Job[Any, Any]] = {}
    for name in modules:
        module = load_module(name)
        found = [value for value in vars(module).values() if isinstance(value, Job)]
        if not found and not any(isinstance(value, Lifespan | EventHandler) for value in vars(module).values()):
            raise LoadError(f"{name} holds no jobs: decorate a function with `@job` (from tidings import job)")
        for job in found:
            other = jobs.setdefault(job.kind, job)
            if other is not job:
                raise LoadError(
                    f"the kind {job.kind!r} is defined twice: at {other.place}, and at {job.place}; give one "
                    "of them another `name`"
                )
        served.append((module, found))
    if not jobs and not any(handlers_in(module) for module, _ in served):
        raise LoadError("these modules hold no jobs: decorate a function with `@job` (from tidings import job)")
    for job in jobs.values():
        _check_fallback(job, jobs)
    return served


def _check_fallback(job: Job[Any, Any], jobs: dict[str, Job[Any, Any]]) -> None:
    name = job.policy.fallback
    if name is None:
        return
    where = f"{job.place}: job {job.kind}"
    other = jobs.get(name)
    if other is None:
        raise LoadError(f"{where}: its fallback {name!r} is not among the kinds here: {', '.join(sorted(jobs))}")
    if other.queue != job.queue:
        raise LoadError(f"{where}: its fallback {name!r} is in the queue {other.queue!r}, not in {job.queue!r}")


def load_module(name: str) -> ModuleType:
    """Import a module of a user: a dotted name, or the path of a Python file.

    Raises:
        LoadError: it cannot be imported; the text ends at the user's own line.

    """
    try:
        return import_users(name)
    except UsersModuleError as error:
        raise LoadError(str(error)) from None
    except ModuleNotFoundError as error:
        if error.name == name:
            raise LoadError(f"there is no module {name!r} here; a file is named with its ending: {name}.py") from None
        raise LoadError(import_fault(name, error)) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user sees whatever the module raises
        raise LoadError(import_fault(name, error)) from None
