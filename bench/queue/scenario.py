"""What is asked of a queue alone."""

from enum import StrEnum
from typing import NamedTuple


class Start(StrEnum):
    """When the worker starts."""

    FIRST = "first"
    """Before the client."""
    READY = "ready"
    """When the client has said `ready`."""
    NEVER = "never"
    """There is none."""


class Scenario(NamedTuple):
    """One question."""

    title: str
    amount: float
    """Jobs, or seconds."""
    short: float
    """The same where it is in a hurry."""
    worker: Start
    latency: bool
    """Whether the answer is a time for one job, and not jobs a second."""


SCENARIOS = {
    "drain": Scenario(
        "{:,.0f} no-op jobs lie queued when one worker starts; from its first to its last",
        10_000,
        2_000,
        Start.READY,
        latency=False,
    ),
    "enqueue": Scenario(
        "{:,.0f} no-op jobs are queued by the best call there is for many; no worker",
        20_000,
        5_000,
        Start.NEVER,
        latency=False,
    ),
    "reply": Scenario(
        "for {:g} s, one no-op job in flight, waited for in the queue's own way",
        5,
        2,
        Start.FIRST,
        latency=True,
    ),
}
"""All questions, by name."""
