"""A simulation in words for people."""

from collections.abc import Iterator

from .simulation import Link, LinkFaults, Simulation

LINK_NAMES = {Link.CLIENT: "clients ↔ server", Link.SERVER: "server ↔ store", Link.WORKER: "worker ↔ store"}


def describe(simulation: Simulation) -> Iterator[tuple[str, str]]:
    """Yield a line for each fault: where it happens, and what happens."""
    for link, faults in simulation.links.items():
        for what in _of_link(faults):
            yield LINK_NAMES[link], what
    if simulation.crash:
        yield "worker", f"killed under {one_in(simulation.crash)} attempts, and started again"
    for part, pause in simulation.pauses.items():
        yield part, f"stands still for {pause.lasts_s:g} s, once in every {pause.every_s:g} s"


def one_in(probability: float) -> str:
    """Return a probability as people say it: 0.05 → `1 in 20`."""
    return f"1 in {1 / probability:.3g}"


def _of_link(faults: LinkFaults) -> Iterator[str]:
    if faults.jitter_s:
        least, most = faults.latency_s - faults.jitter_s, faults.latency_s + faults.jitter_s
        yield f"each message {least * 1000:g} to {most * 1000:g} ms late, each way"
    elif faults.latency_s:
        yield f"each message {faults.latency_s * 1000:g} ms late, each way"
    if faults.loss:
        yield f"{one_in(faults.loss)} messages lost and sent again, 200 ms or more later"
    if faults.reset:
        yield f"connections break at {one_in(faults.reset)} messages"
