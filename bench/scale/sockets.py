"""Sockets: the closed loop over more and more of them."""

from bench.harness.measure import measure
from bench.harness.running import running
from bench.scenario.closed_loops import many_sockets_closed_loop

from .row import Axis, row_of


def along(seconds: float) -> Axis:
    """Measure each amount for so many seconds."""
    with running() as (_, system, _urls):
        found = measure(system, many_sockets_closed_loop.NAME, 1.0, seconds)
    return Axis(
        name="sockets",
        sentence="So many sockets, each a job with three progress events, then the next",
        thing="job",
        rows=[row_of(case, one, {"result p50, ms": f"{one.reply_ms['p50']:,.1f}"}) for case, one in found.items()],
    )
