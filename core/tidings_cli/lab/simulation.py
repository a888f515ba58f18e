"""Simulations: the grammar of `tidings dev --simulate`, and its meaning. Pure.

    SIMULATION = FAULT *("," FAULT)
    FAULT      = [LINK "."] ("latency=" TIME [("±" | "+-") TIME] | ("loss=" | "reset=") PERCENT)
               | "worker-crash=" PERCENT
               | ("store" | "server" | "worker") "-pause=" TIME "/" TIME
    LINK       = "client" | "store" | "server" | "worker"
    TIME       = NUMBER ("ms" | "s" | "m")
    PERCENT    = NUMBER "%"

The time after `±` may lack its unit: it then has that of the time before.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tidings.duration_text import parse_duration

EXAMPLE = "latency=50ms±20,loss=1%,worker-crash=5%,store-pause=2s/30s"

MAX_LATENCY_S = 30.0
MAX_EVERY_S = 3600.0


class SimulationError(ValueError):
    """A simulation is not of the form that it must have; says which part, what is allowed, and an example."""


class Link(StrEnum):
    """Between which parts bytes go."""

    CLIENT = "client"
    """Clients and the server."""
    SERVER = "server"
    """The server and the store."""
    WORKER = "worker"
    """The worker and the store."""


LINKS = {
    "": tuple(Link),
    "client": (Link.CLIENT,),
    "store": (Link.SERVER, Link.WORKER),
    "server": (Link.SERVER,),
    "worker": (Link.WORKER,),
}
"""Names of links in the grammar, the widest first: where two faults disagree, that of the narrower holds."""

_WIDTH = list(LINKS)


class Part(StrEnum):
    """A process that can be paused."""

    STORE = "store"
    SERVER = "server"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class LinkFaults:
    """The faults of one link."""

    latency_s: float = 0.0
    """How late a message arrives, in either direction."""
    jitter_s: float = 0.0
    """Most that it is earlier or later than that."""
    loss: float = 0.0
    """Probability that a message is lost, and has to be sent again."""
    reset: float = 0.0
    """Probability that a connection breaks at a message."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A part is paused again and again."""

    lasts_s: float
    every_s: float
    """There is one pause in each stretch of this length."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """Everything that is simulated."""

    links: dict[Link, LinkFaults] = field(default_factory=dict)
    """Without those on which nothing is."""
    crash: float = 0.0
    """Probability that the worker is killed under an attempt."""
    pauses: dict[Part, Pause] = field(default_factory=dict)


def parse_simulation(text: str) -> Simulation:
    """Return the simulation that a text in the grammar above describes.

    Raises:
        SimulationError: it is malformed, or gives one fault twice.

    """
    found: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or not value:
            raise SimulationError(f"{part.strip()!r} is not of the form FAULT=VALUE; an example: {EXAMPLE}")
        if name in found:
            raise SimulationError(f"{name} is given twice: {found[name]} and {value}")
        found[name] = value
    return _build(found)


def _build(found: dict[str, str]) -> Simulation:
    links: dict[Link, LinkFaults] = {}
    pauses: dict[Part, Pause] = {}
    crash = 0.0
    for name, value in sorted(found.items(), key=_width):
        where, _, what = name.rpartition(".")
        if what in _OF_LINKS and where in LINKS and not name.startswith("."):
            for link in LINKS[where]:
                links[link] = replace(links.get(link, LinkFaults()), **_OF_LINKS[what](name, value))
        elif name == "worker-crash":
            crash = _percent(name, value)
        elif name in _PAUSES:
            pauses[_PAUSES[name]] = _pause(name, value)
        else:
            raise _unknown(name)
    return Simulation({link: faults for link, faults in links.items() if faults != LinkFaults()}, crash, pauses)


def _width(item: tuple[str, str]) -> int:
    where = item[0].rpartition(".")[0]
    return _WIDTH.index(where) if where in LINKS else 0


def _unknown(name: str) -> SimulationError:
    return SimulationError(
        f"{name!r} is no fault: there are latency, loss and reset, of every link or of one (client.latency, "
        "store.loss, server.reset, worker.latency); worker-crash; store-pause, server-pause and worker-pause. "
        f"An example: {EXAMPLE}"
    )


_UNITS = ("ms", "s", "m")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")


def _latency(name: str, value: str) -> dict[str, float]:
    middle, sign, varies = value.replace("+-", "±").partition("±")
    try:
        latency = parse_duration(middle, _UNITS)
        jitter = parse_duration(varies, _UNITS, bare=middle.lstrip("0123456789.")) if sign else 0.0
    except ValueError:
        raise SimulationError(
            f"{name}={value}: a latency is a time in ms or s, with ± (or +-) and how much it varies if it does, such "
            f"as {name}=50ms or {name}=50ms±20"
        ) from None
    if latency > MAX_LATENCY_S:
        raise SimulationError(f"{name}={value}: a latency is at most {MAX_LATENCY_S:g} s, such as {name}=50ms±20")
    if jitter > latency:
        raise SimulationError(f"{name}={value}: what varies is at most the latency itself, such as {name}=50ms±20")
    return {"latency_s": latency, "jitter_s": jitter}


def _percent(name: str, value: str) -> float:
    match = _PERCENT.fullmatch(value)
    if match is None or float(match[1]) > 100:
        raise SimulationError(f"{name}={value}: a rate is from 0% to 100%, such as {name}=1% or {name}=0.5%")
    return float(match[1]) / 100


def _pause(name: str, value: str) -> Pause:
    lasts, _, every = value.partition("/")
    try:
        lasts_s, every_s = parse_duration(lasts, _UNITS), parse_duration(every, _UNITS)
    except ValueError:
        raise SimulationError(
            f"{name}={value}: a pause is how long it lasts, a stroke and how often it comes, in ms, s or m, such as "
            f"{name}=2s/30s: one of 2 s in every 30 s"
        ) from None
    if not 0 < lasts_s < every_s <= MAX_EVERY_S:
        raise SimulationError(
            f"{name}={value}: a pause lasts more than 0 s and less than the time in which it comes once, which is at "
            f"most an hour, such as {name}=2s/30s"
        )
    return Pause(lasts_s, every_s)


_OF_LINKS: dict[str, Callable[[str, str], dict[str, float]]] = {
    "latency": _latency,
    "loss": lambda name, value: {"loss": _percent(name, value)},
    "reset": lambda name, value: {"reset": _percent(name, value)},
}
_PAUSES = {f"{part}-pause": part for part in Part}
