"""Loading the modules in which users define their jobs."""

import importlib
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from tidings.breaker.policy import definitions_of
from tidings.job import Job

from .fitness import UnfitKindError, check_kinds


class LoadError(Exception):
    """A module cannot be loaded, or holds no jobs; says which and why."""


def load_jobs(modules: Iterable[str]) -> list[Job[Any, Any]]:
    """Return the jobs of some modules, each a dotted name or the path of a Python file.

    Raises:
        LoadError: one cannot be loaded or holds no jobs, two jobs have the same kind or two breakers the same name, or
            a fallback cannot work.

    """
    jobs: dict[str, Job[Any, Any]] = {}
    for name in modules:
        module = _load(name)
        found = [value for value in vars(module).values() if isinstance(value, Job)]
        if not found:
            raise LoadError(f"{name} holds no jobs: decorate a function with `@job` (from tidings import job)")
        for job in found:
            other = jobs.setdefault(job.kind, job)
            if other is not job:
                raise LoadError(f"{name}: the kind {job.kind!r} is defined twice; give one another `name`")
    for job in jobs.values():
        _check_fallback(job, jobs)
    try:
        check_kinds(jobs.values())
    except UnfitKindError as error:
        raise LoadError(str(error)) from None
    try:
        definitions_of(job.policy.breaker for job in jobs.values())
    except ValueError as error:
        raise LoadError(str(error)) from None
    return list(jobs.values())


def _check_fallback(job: Job[Any, Any], jobs: dict[str, Job[Any, Any]]) -> None:
    name = job.policy.fallback
    if name is None:
        return
    other = jobs.get(name)
    if other is None:
        raise LoadError(f"job {job.kind}: its fallback {name!r} is not among the kinds here: {', '.join(sorted(jobs))}")
    if other.queue != job.queue:
        raise LoadError(f"job {job.kind}: its fallback {name!r} is in the queue {other.queue!r}, not in {job.queue!r}")


def _load(name: str) -> ModuleType:
    path = Path(name)
    if path.suffix == ".py" or "/" in name:
        if not path.is_file():
            raise LoadError(f"there is no file {name}")
        folder, module = path.resolve().parent, path.stem
    else:
        folder, module = Path.cwd(), name
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name == module:
            raise LoadError(f"there is no module {name!r} here; a file is named with its ending: {name}.py") from None
        raise LoadError(f"{name} cannot be imported:\n{_users_part(error)}") from None
    except Exception as error:  # noqa: BLE001 - whatever a user's module raises is theirs to see
        raise LoadError(f"{name} cannot be imported:\n{_users_part(error)}") from None


def _users_part(error: BaseException) -> str:
    """Return the traceback without our own frames and the import system's."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if frame.filename != __file__ and "importlib" not in frame.filename]
    lines = traceback.format_list(theirs) + traceback.format_exception_only(error)
    return "".join(lines).rstrip()
