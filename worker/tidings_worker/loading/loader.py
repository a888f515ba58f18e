"""Loading the modules in which users define their jobs."""

import inspect
import os
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import tidings
import tidings_worker
from tidings.circuit.breaker import definitions_of
from tidings.job import Job
from tidings.resources.lifespan import Lifespan, LifespanDefinitionError

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


def load_jobs(modules: Iterable[str]) -> list[Job[Any, Any]]:
    """Return the jobs of some modules; see `load_modules`."""
    return load_modules(modules).jobs


def load_modules(modules: Iterable[str]) -> ServedModules:
    """Load some modules, each a dotted name or the path of a Python file, and return what a worker serves of them.

    Raises:
        LoadError: one cannot be loaded, or holds neither jobs nor a lifespan; two jobs have the same kind or two
            breakers the same name; a module has two lifespans, a fallback cannot work, or a server could not use a
            kind.

    """
    served = _import_all(modules)
    try:
        jobs, lifespans = with_lifespans(served)
        check_kinds(jobs.values())
        definitions_of(job.policy.breaker for job in jobs.values())
    except (ValueError, LifespanDefinitionError) as error:
        raise LoadError(str(error)) from None
    return ServedModules(list(jobs.values()), lifespans)


def _import_all(modules: Iterable[str]) -> list[ModuleJobs]:
    served: list[ModuleJobs] = []
    jobs: dict[str, Job[Any, Any]] = {}
    for name in modules:
        module = load_module(name)
        found = [value for value in vars(module).values() if isinstance(value, Job)]
        if not found and not any(isinstance(value, Lifespan) for value in vars(module).values()):
            raise LoadError(f"{name} holds no jobs: decorate a function with `@job` (from tidings import job)")
        for job in found:
            other = jobs.setdefault(job.kind, job)
            if other is not job:
                raise LoadError(
                    f"the kind {job.kind!r} is defined twice: at {_place_of(other)}, and at {_place_of(job)}; give one "
                    "of them another `name`"
                )
        served.append((module, found))
    if not jobs:
        raise LoadError("these modules hold no jobs: decorate a function with `@job` (from tidings import job)")
    for job in jobs.values():
        _check_fallback(job, jobs)
    return served


def _place_of(job: Job[Any, Any]) -> str:
    code = getattr(inspect.unwrap(job.function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else repr(job.function)


def _check_fallback(job: Job[Any, Any], jobs: dict[str, Job[Any, Any]]) -> None:
    name = job.policy.fallback
    if name is None:
        return
    other = jobs.get(name)
    if other is None:
        raise LoadError(f"job {job.kind}: its fallback {name!r} is not among the kinds here: {', '.join(sorted(jobs))}")
    if other.queue != job.queue:
        raise LoadError(f"job {job.kind}: its fallback {name!r} is in the queue {other.queue!r}, not in {job.queue!r}")


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
        raise LoadError(f"{name} cannot be imported:\n{_users_part(error)}") from None
    except Exception as error:  # noqa: BLE001 - the user sees whatever the module raises
        raise LoadError(f"{name} cannot be imported:\n{_users_part(error)}") from None


def _users_part(error: BaseException) -> str:
    """Return the user's part of the traceback: without the frames of this program and of what it called.

    `@job(…)` finds a mistake deep inside itself; the wrong line is the last one of the user's.
    """
    theirs: list[traceback.FrameSummary] = []
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith(_OURS):
            if theirs:
                break
        elif "importlib" not in frame.filename:
            theirs.append(frame)
    lines = traceback.format_list(theirs) + traceback.format_exception_only(error)
    return "".join(lines).rstrip()


_OURS = tuple(f"{Path(module.__file__ or '').parent}{os.sep}" for module in (tidings, tidings_worker))
"""The folders of this program."""
