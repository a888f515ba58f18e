"""Which lifespans the served modules have, and which of them opens the state of each job."""

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from tidings.declare.job import Job
from tidings.resources.lifespan import Lifespan, LifespanDefinitionError

ModuleJobs = tuple[ModuleType, list[Job[Any, Any]]]
"""A module that the worker was given, and the jobs in it."""


def lifespan_in(module: ModuleType) -> Lifespan[Any] | None:
    """Return the lifespan that a module defines or imports; None: it has none.

    Raises:
        LifespanDefinitionError: it has more than one.

    """
    found = list({id(value): value for value in vars(module).values() if isinstance(value, Lifespan)}.values())
    if len(found) > 1:
        places = " and ".join(f"{one.name} ({one.place})" for one in found)
        raise LifespanDefinitionError(
            f"{module.__name__} has {len(found)} lifespans: {places}. A module has one: enter the others inside it, "
            "with `async with`"
        )
    return found[0] if found else None


def with_lifespans(served: Iterable[ModuleJobs]) -> tuple[dict[str, Job[Any, Any]], list[Lifespan[Any]]]:
    """Return the jobs by their kinds, each with the lifespan that opens its state; and the lifespans, in order.

    The lifespan of a job stands in the module of its function; else in the module that the worker was given. A job
    without one gets the only lifespan of the worker, if there is one only. So a job keeps its state when its worker
    serves further modules. The order is that of the modules.

    Raises:
        LifespanDefinitionError: a module has more than one.

    """
    lifespans: dict[Lifespan[Any], None] = {}
    jobs: dict[str, Job[Any, Any]] = {}
    for module, found in served:
        given = lifespan_in(module)
        if given is not None:
            lifespans[given] = None
        for job in found:
            own = _own_lifespan(job) or given
            if own is not None:
                lifespans[own] = None
            jobs.setdefault(job.kind, job if own is None else job.under(own))
    if len(lifespans) == 1:
        (only,) = lifespans
        jobs = {kind: job.under(only) if job.lifespan is None else job for kind, job in jobs.items()}
    return jobs, list(lifespans)


def _own_lifespan(job: Job[Any, Any]) -> Lifespan[Any] | None:
    module = sys.modules.get(getattr(job.function, "__module__", ""))
    return None if module is None else lifespan_in(module)
