"""The scenarios: each a file of this folder or of a room in it that names one `SCENARIO`, the load put on a system."""

import pkgutil
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any, Literal, NamedTuple

from bench.load.run import Run


class Scenario(NamedTuple):
    """A load, and what the table shows of it."""

    title: str
    """What it is, in the table."""
    run: Callable[[Run], Coroutine[Any, Any, None]]
    """Puts the load on the system, in the load generator's process; calls `measure`, or `begin`, `end` and `report`."""
    shows: tuple[Literal["jobs", "ack", "reply", "progress"], ...]
    """What it is about, the headline first; the table leaves the rest out, the JSON does not."""
    long: bool = False
    """Whether it takes minutes: then it is measured only where it is named."""


def _modules() -> dict[str, str]:
    """Return the full name of each scenario's module by the scenario's own."""
    found = pkgutil.walk_packages(__path__, f"{__name__}.")
    return {module.name.rpartition(".")[2]: module.name for module in found if not module.ispkg}


def scenario_names() -> list[str]:
    """Return the names of all scenarios."""
    return sorted(_modules())


def find_scenario(name: str) -> Scenario:
    """Return a scenario.

    Raises:
        KeyError: there is none of this name.

    """
    scenario: Scenario = import_module(_modules()[name]).SCENARIO
    return scenario
