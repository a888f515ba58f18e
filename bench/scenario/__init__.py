"""The scenarios, each a file: what is asked of the system, in the form that `measure` takes."""

from . import closed_loop, latency
from .load import Load

SCENARIOS: dict[str, Load] = {"latency": latency.LOAD, "closed_loop": closed_loop.LOAD}
"""Every scenario by its name."""

__all__ = ["SCENARIOS", "Load"]
