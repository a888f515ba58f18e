"""The nemesis' plan: which fault meets what and when, made from a seed before anything runs. Pure."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tidings_cli.lab.proxy import LinkMode

WORKERS = 3
SERVERS = 2


class Fault(StrEnum):
    """What can happen."""

    KILL_WORKER = "kill-worker"
    PAUSE_WORKER = "pause-worker"
    KILL_SERVER = "kill-server"
    PAUSE_SERVER = "pause-server"
    KILL_STORE = "kill-store"
    PAUSE_STORE = "pause-store"
    NETWORK_STORE = "network-store"
    """Of a server or a worker to the store."""
    NETWORK_CLIENT = "network-client"
    """Of the clients to a server."""


@dataclass(frozen=True, slots=True)
class Step:
    """One fault and its end."""

    at_s: float
    """When it begins, s since the start."""
    fault: Fault
    target: str
    """`worker-0` …, `server-0` …, `store`; for networks, whose link it is."""
    lasts_s: float
    way: LinkMode = LinkMode.OPEN
    """How the link is meanwhile; for networks only."""

    def __str__(self) -> str:
        how = "" if self.way is LinkMode.OPEN else f" {self.way}"
        return f"{self.at_s:7.2f} s  {self.fault}{how} {self.target} for {self.lasts_s:.2f} s"


_WORKERS = [f"worker-{n}" for n in range(WORKERS)]
_SERVERS = [f"server-{n}" for n in range(SERVERS)]

TARGETS: dict[Fault, Sequence[str]] = {
    Fault.KILL_WORKER: _WORKERS,
    Fault.PAUSE_WORKER: _WORKERS,
    Fault.KILL_SERVER: _SERVERS,
    Fault.PAUSE_SERVER: _SERVERS,
    Fault.KILL_STORE: ["store"],
    Fault.PAUSE_STORE: ["store"],
    Fault.NETWORK_STORE: [*_SERVERS, *_WORKERS],
    Fault.NETWORK_CLIENT: _SERVERS,
}

LASTS_S: dict[Fault, tuple[float, float]] = {
    Fault.KILL_WORKER: (0.0, 1.5),
    Fault.PAUSE_WORKER: (1.2, 3.0),  # longer than a lease of 1 s
    Fault.KILL_SERVER: (0.0, 1.5),
    Fault.PAUSE_SERVER: (0.5, 4.0),
    Fault.KILL_STORE: (0.0, 1.0),
    Fault.PAUSE_STORE: (0.3, 1.5),
    Fault.NETWORK_STORE: (0.3, 3.0),
    Fault.NETWORK_CLIENT: (0.3, 3.0),
}

GAP_S = (0.4, 1.6)
"""Between the beginnings of two faults: so several may be at once."""

RECOVERS_S = 1.5
"""How long a target is left alone after a fault."""


def make_plan(seed: int, seconds: float, faults: Iterable[Fault] = tuple(Fault)) -> list[Step]:
    """Return the steps of a run, in order of their beginning.

    Args:
        seed: the same makes the same plan.
        seconds: none begins later.
        faults: which may happen.

    """
    draw = random.Random(seed)
    kinds = sorted(faults)
    free_at: dict[str, float] = {}
    plan: list[Step] = []
    at = draw.uniform(*GAP_S)
    while at < seconds:
        fault = draw.choice(kinds)
        target = draw.choice(TARGETS[fault])
        lasts = draw.uniform(*LASTS_S[fault])
        way = (
            draw.choice([one for one in LinkMode if one is not LinkMode.OPEN])
            if fault.startswith("network")
            else LinkMode.OPEN
        )
        place = f"{fault} {target}" if fault.startswith("network") else target
        if free_at.get(place, 0.0) <= at:
            plan.append(Step(round(at, 2), fault, target, round(lasts, 2), way))
            free_at[place] = at + lasts + RECOVERS_S
        at += draw.uniform(*GAP_S)
    return plan
